"""The page's own script, put at the head of its HTML.

Gradio's `head=` comes with the settings that a page asks for once it runs, and then it has chosen its language: the one that
`navigator.language` names, if it has that very name or its first part; zh-HK, zh-SG and zh it shows in English. What stands
before Gradio's script runs before it.
"""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEAD = b"<head>"


class PageHead:
    """Adds `html` behind the opening <head> of the page at /; everything else passes as it is.

    Args:
        app: the server behind it.
        html: what is added.
    """

    def __init__(self, app: ASGIApp, html: str) -> None:
        self._app, self._html = app, html.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] != "http" or scope["method"] != "GET" or scope["path"] != "/":
            await self._app(scope, receive, send)
            return
        start: Message = {}
        body = b""

        async def changed(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start" and _is_html(message):
                start = message
            elif message["type"] == "http.response.body" and start:
                body += message.get("body", b"")
                if message.get("more_body"):
                    return
                content = body.replace(_HEAD, _HEAD + self._html, 1)
                MutableHeaders(scope=start)["content-length"] = str(len(content))
                await send(start)
                await send({"type": "http.response.body", "body": content})
            else:
                await send(message)

        await self._app(scope, receive, changed)


def _is_html(message: Message) -> bool:
    return Headers(raw=message["headers"]).get("content-type", "").startswith("text/html")
