"""How much one visitor may ask of the server: requests a minute, and bytes of a request that is no upload."""

from __future__ import annotations

import json
from collections import OrderedDict, deque
from collections.abc import Callable
from ipaddress import ip_address
from time import monotonic

from gradio.utils import get_space
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Requests a minute from one address by default; a visitor who reads a picture makes three.
RATE = 240
_WINDOW = 60.0
#: Addresses that are remembered, the latest ones.
_ADDRESSES = 10_000
#: Bytes of a request that is no upload: texts and numbers, and there is room for what endpoints refuse in words of their own.
MAX_BODY = 4 * 2**20


class RequestLimits:
    """Refuses what is too much with one sentence in JSON: 429 for too many requests, 413 for one too large.

    Requests of this machine itself are not counted. On a Space, where all come by way of a proxy, an address is what that
    says of it.

    Args:
        app: the server behind it.
        rate: requests with content (POST) a minute from one address; 0 for any number.
        max_upload: bytes of a file; requests under `large` paths may have these and a third more, as base64 has.
        large: paths whose requests carry files.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        app: ASGIApp,
        rate: int,
        max_upload: int,
        large: tuple[str, ...] = ("/gradio_api/upload", "/mcp"),
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._app, self._rate, self._max_upload, self._large, self._clock = app, rate, max_upload, large, clock
        self._recent: OrderedDict[str, deque[float]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI has it."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if self._too_often(_address(scope, headers)):
            await _refuse(send, 429, f"More than {self._rate} requests came within a minute; please wait a little.")
            return
        most = self._max_upload * 4 // 3 + MAX_BODY if scope["path"].startswith(self._large) else MAX_BODY
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > most:
            await _refuse(send, 413, f"The request is larger than the {most / 2**20:.3g} MB allowed; send less.")
            return
        await self._app(scope, _counted(receive, most), send)

    def _too_often(self, address: str) -> bool:
        if not self._rate or _is_local(address):
            return False
        now = self._clock()
        times = self._recent.setdefault(address, deque())
        self._recent.move_to_end(address)
        while times and now - times[0] > _WINDOW:
            times.popleft()
        while len(self._recent) > _ADDRESSES:
            self._recent.popitem(last=False)
        if len(times) >= self._rate:
            return True
        times.append(now)
        return False


def _counted(receive: Receive, most: int) -> Receive:
    """A request that says nothing of its length, or less than is true, ends where it is too long."""
    left = most

    async def counted() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        return message if left >= 0 else {"type": "http.disconnect"}

    return counted


def _address(scope: Scope, headers: Headers) -> str:
    if get_space() is not None and "x-forwarded-for" in headers:
        return headers["x-forwarded-for"].split(",")[0].strip()
    return scope["client"][0] if scope.get("client") else ""


def _is_local(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


async def _refuse(send: Send, status: int, sentence: str) -> None:
    body = json.dumps({"error": sentence}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status == 429:
        headers.append((b"retry-after", str(round(_WINDOW)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
