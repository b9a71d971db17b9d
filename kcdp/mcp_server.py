"""Reading and painting for programs that speak the Model Context Protocol (MCP): tools with typed, described parameters.

Pictures come and go as base64, so that a caller can neither name a file of the host nor make it fetch an address.
"""

from __future__ import annotations

import base64
import binascii
import inspect
import json
from collections.abc import Callable
from io import BytesIO
from typing import Annotated, Any, TypeVar

from anyio import to_thread
from mcp.server.fastmcp import FastMCP
from mcp.server.fastmcp.exceptions import ToolError
from mcp.server.transport_security import TransportSecuritySettings
from mcp.types import ImageContent, TextContent
from PIL import Image
from pydantic import Field

from kcdp.decoded import DecodedPicture
from kcdp.imaging import DEFAULT_LIMITS, ImageError
from kcdp.painting.things import THINGS
from kcdp.ui import mix, refeel, transfer
from kcdp.ui.endpoints import PARAMETERS, error_code, painting_result
from kcdp.ui.inputs import MAX_GUIDANCE, MAX_PICTURES, MAX_PROMPT_LENGTH, MAX_STEPS, known_errors
from kcdp.ui.lanes import Backend
from kcdp.ui.understanding import Understanding

Content = list[TextContent | ImageContent]
Picture = Annotated[str, Field(description="The picture file (PNG, JPEG, WebP, GIF, ...) in base64, or as a data URL.")]
Emotion = Annotated[str, Field(description=PARAMETERS["emotion"])]
Thing = Annotated[
    str,
    Field(
        description=f"{PARAMETERS['thing']} The paper's own things: {', '.join(THINGS)}.", max_length=MAX_PROMPT_LENGTH
    ),
]
Weights = Annotated[dict[str, float], Field(description=PARAMETERS["weights"], min_length=1)]
Number = Annotated[int, Field(description=PARAMETERS["number"], ge=1, le=MAX_PICTURES)]
Seed = Annotated[int | None, Field(description=PARAMETERS["seed"], ge=0)]
Guidance = Annotated[float | None, Field(description=PARAMETERS["guidance"], ge=0, le=MAX_GUIDANCE)]
Steps = Annotated[int | None, Field(description=PARAMETERS["steps"], ge=1, le=MAX_STEPS)]
Negative = Annotated[str, Field(description=PARAMETERS["negative_prompt"], max_length=MAX_PROMPT_LENGTH)]
#: What every painting tool takes behind its own parameters, in the order of the planners: annotation and default.
_SETTINGS: dict[str, tuple[Any, Any]] = {
    "thing": (Thing, ""),
    "number": (Number, 1),
    "seed": (Seed, None),
    "guidance": (Guidance, None),
    "steps": (Steps, None),
    "negative_prompt": (Negative, ""),
}
Tool = TypeVar("Tool", bound=Callable[..., Any])


def _with_settings(tool: Tool) -> Tool:
    """Let the server see `_SETTINGS` as parameters in the place of a tool's `**settings`."""
    signature = inspect.signature(tool, eval_str=True)
    own = [one for one in signature.parameters.values() if one.kind is not one.VAR_KEYWORD]
    settings = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
        for name, (annotation, default) in _SETTINGS.items()
    ]
    tool.__signature__ = signature.replace(parameters=[*own, *settings])  # type: ignore[attr-defined]
    return tool


def _in_order(settings: dict[str, Any]) -> list[Any]:
    return [settings[name] for name in _SETTINGS]


def build_mcp(backend: Backend) -> FastMCP:
    """A server whose tools use the lanes of `backend`, so that they wait in the same queues as the page."""
    server = FastMCP(
        "kcdp",
        instructions="Reads which emotion a picture evokes, and why; paints pictures that evoke one. Emotions: amusement, "
        "awe, contentment, excitement, anger, disgust, fear, sadness, unless the bundle has others.",
        log_level="ERROR",
        stateless_http=True,
        json_response=True,
        streamable_http_path="/",
        # The page around it says who may call: behind a proxy the name of the host is not ours.
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )

    @server.tool(structured_output=False)
    async def understand_picture(
        picture: Picture, attention: Annotated[bool, Field(description=PARAMETERS["attention"])] = False
    ) -> Content:
        """Read which emotion a picture evokes: probabilities, caption, knowledge triplets, and what decided. Returns JSON."""

        def work() -> Content:
            decoded = decode_picture(picture)
            verdict = backend.readings.read(backend.readings.enter(decoded, attention))
            overlays = Understanding.of(decoded, verdict).overlays()
            return [_text(verdict.to_dict()), *(_image(overlay) for overlay, _ in overlays)]

        return await _answer(work)

    @server.tool(structured_output=False)
    @_with_settings
    async def paint_emotion(emotion: Emotion, **settings: Any) -> Content:
        """Paint pictures of a thing that evoke an emotion. Returns JSON (seeds, what is read from each picture), then PNGs."""
        return await _answer(lambda: _painted(backend, transfer.plan_pictures, (emotion, *_in_order(settings))))

    @server.tool(structured_output=False)
    @_with_settings
    async def blend_emotions(weights: Weights, **settings: Any) -> Content:
        """Paint pictures that evoke several emotions at once. Returns JSON (seeds, what is read from each picture), then PNGs."""
        return await _answer(lambda: _painted(backend, mix.plan_pictures, (weights, *_in_order(settings))))

    @server.tool(structured_output=False)
    @_with_settings
    async def refeel_picture(
        picture: Picture,
        emotion: Emotion,
        strength: Annotated[float, Field(description=PARAMETERS["strength"], ge=refeel.MIN_STRENGTH, le=1)] = 0.6,
        **settings: Any,
    ) -> Content:
        """Paint a picture again with another emotion. Returns JSON (what is read before and after), then PNGs."""
        options = (emotion, strength, *_in_order(settings))
        return await _answer(lambda: _painted(backend, refeel.plan_edits, (decode_picture(picture), *options)))

    return server


def decode_picture(text: str) -> DecodedPicture:
    """A picture from base64 or a data URL; raises ImageError with one sentence."""
    if len(text) > DEFAULT_LIMITS.max_bytes * 4 // 3 + 200:
        raise ImageError("The picture is too large; save it smaller.")
    head, found, body = text.partition(",")
    try:
        content = base64.b64decode(body if found and head.startswith("data:") else text, validate=True)
    except (binascii.Error, ValueError):
        raise ImageError("The picture is not in base64; send the content of its file in base64.") from None
    return DecodedPicture.load(content)


async def _answer(work: Callable[[], Content]) -> Content:
    """Do the work in a thread, as it waits for its turn; errors are one sentence with a code."""
    try:
        return await to_thread.run_sync(work)
    except known_errors() as error:
        raise ToolError(f"{error} [{error_code(error)}]") from error


def _painted(backend: Backend, planner: Callable[..., Any], values: tuple[Any, ...]) -> Content:
    result, pictures = painting_result(backend, planner, *values)
    return [_text(result), *(_image(picture) for picture, _ in pictures)]


def _text(result: dict[str, Any]) -> TextContent:
    return TextContent(type="text", text=json.dumps(result, ensure_ascii=False))


def _image(picture: Image.Image) -> ImageContent:
    data = BytesIO()
    picture.save(data, "PNG")
    return ImageContent(type="image", data=base64.b64encode(data.getvalue()).decode(), mimeType="image/png")
