"""The MCP tools through a real client, in memory and through the app's own address."""

from __future__ import annotations

import asyncio
import base64
import json
from argparse import Namespace
from collections.abc import Awaitable, Callable
from io import BytesIO
from typing import Any

import gradio as gr
import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client
from mcp.shared.memory import create_connected_server_and_client_session
from PIL import Image

from kcdp import serve
from kcdp.mcp_server import build_mcp
from kcdp.ui.lanes import Backend
from kcdp.ui.layout import build_app
from tests.app_page import free_port
from tests.fake_bundle import FakeUniEmo, fake_bundle


def in_base64(format: str = "PNG") -> str:
    data = BytesIO()
    Image.new("RGB", (96, 64), "gold").save(data, format)
    return base64.b64encode(data.getvalue()).decode()


def with_client(work: Callable[[ClientSession], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        server = build_mcp(Backend(fake_bundle()))
        async with create_connected_server_and_client_session(server._mcp_server) as client:
            return await work(client)

    return asyncio.run(run())


def call(tool: str, **arguments: Any) -> Any:
    return with_client(lambda client: client.call_tool(tool, arguments))


def pictures(result: Any) -> list[Image.Image]:
    return [Image.open(BytesIO(base64.b64decode(item.data))) for item in result.content if item.type == "image"]


def test_every_tool_and_every_parameter_is_described_and_typed() -> None:
    tools = with_client(lambda client: client.list_tools()).tools
    assert [tool.name for tool in tools] == ["understand_picture", "paint_emotion", "blend_emotions", "refeel_picture"]
    for tool in tools:
        assert len(tool.description) > 40 and "request" not in tool.inputSchema["properties"]
        for name, schema in tool.inputSchema["properties"].items():
            assert schema.get("description"), (tool.name, name)
            assert "type" in schema or "anyOf" in schema
    assert tools[1].inputSchema["properties"]["number"]["maximum"] == 8
    assert [tool.inputSchema["required"] for tool in tools[1:]] == [["emotion"], ["weights"], ["picture", "emotion"]]
    # All that paint take the same settings, with the same limits and defaults.
    paint, blend, change = (dict(tool.inputSchema["properties"]) for tool in tools[1:])
    assert paint.pop("emotion")["type"] == "string" and blend.pop("weights")["additionalProperties"] == {
        "type": "number"
    }
    assert list(paint) == ["thing", "number", "seed", "guidance", "steps", "negative_prompt"]
    assert paint == blend == {name: change[name] for name in paint}


def test_a_picture_is_read_with_maps_only_where_asked_for() -> None:
    lean = call("understand_picture", picture=in_base64())
    assert not lean.isError and json.loads(lean.content[0].text)["emotion"] == "contentment" and pictures(lean) == []
    full = call("understand_picture", picture=f"data:image/gif;base64,{in_base64('GIF')}", attention=True)
    maps = pictures(full)
    assert len(maps) == len(json.loads(full.content[0].text)["kcdp"]["attention"]) + 2
    assert maps[0].format == "PNG" and maps[0].width / maps[0].height == pytest.approx(96 / 64, abs=0.01)


def test_pictures_are_painted_blended_and_changed() -> None:
    made = call("paint_emotion", emotion="AWE", thing="a cat", number=2, seed=7, steps=4)
    assert json.loads(made.content[0].text)["seeds"] == [7, 8] and len(pictures(made)) == 2
    assert pictures(made)[0].size == (FakeUniEmo.size,) * 2
    weights = {"awe": 3, "Fear": 1, "anger": 0, "sadness": 4}
    blend = json.loads(call("blend_emotions", weights=weights, seed=7).content[0].text)
    assert blend["emotion"] == pytest.approx({"awe": 0.375, "fear": 0.125, "sadness": 0.5})
    edit = json.loads(call("refeel_picture", picture=in_base64(), emotion="fear", seed=7).content[0].text)
    assert edit["target"] == "fear" and edit["shifts"][0] > 0


@pytest.mark.parametrize(
    ("tool", "arguments", "sentence"),
    [
        ("understand_picture", {"picture": "nothing of the kind!"}, "not in base64; .* [bad_picture]"),
        ("understand_picture", {"picture": "/etc/hostname"}, "[bad_picture]"),
        ("understand_picture", {"picture": "http://127.0.0.1/a.png"}, "[bad_picture]"),
        ("paint_emotion", {"emotion": "boredom"}, "'boredom' is not one of"),
        ("paint_emotion", {"emotion": "awe", "number": 9}, "less than or equal to 8"),
        ("blend_emotions", {"weights": {"awe": 0}}, "at least one emotion some weight"),
        ("blend_emotions", {"weights": {}}, "at least 1 item"),
    ],
)
def test_errors_are_sentences(tool: str, arguments: dict[str, Any], sentence: str) -> None:
    result = call(tool, **arguments)
    start, _, end = sentence.partition(" .* ")
    assert result.isError and start in result.content[0].text and end in result.content[0].text


def test_the_app_serves_the_tools_beside_the_page() -> None:
    backend = Backend(fake_bundle())
    app = build_app(backend)
    serve.launch(
        app,
        Namespace(host="127.0.0.1", port=free_port(), share=False, max_upload=32, rate=240),
        serve.mcp_tools(backend),
    )

    async def run() -> Any:
        async with (
            streamablehttp_client(f"{app.local_url.rstrip('/')}{serve.MCP_PATH}/") as (reading, writing, _),
            ClientSession(reading, writing) as client,
        ):
            await client.initialize()
            return await client.call_tool("understand_picture", {"picture": in_base64()})

    try:
        result = asyncio.run(run())
    finally:
        gr.close_all()
    assert json.loads(result.content[0].text)["emotion"] == "contentment"
