"""What is too much for one visitor is refused with a sentence, and everything else goes through."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from kcdp.ui.rates import MAX_BODY, RequestLimits


async def _length(request: Request) -> PlainTextResponse:
    try:
        return PlainTextResponse(str(len(await request.body())))
    except ClientDisconnect:
        return PlainTextResponse("cut", 400)


_APP = Starlette(routes=[Route("/{path:path}", _length, methods=["GET", "POST"])])


def client(address: str = "203.0.113.7", now: list[float] | None = None, **limits: int) -> TestClient:
    app = RequestLimits(_APP, **{"rate": 3, "max_upload": 2**20, **limits}, clock=lambda: (now or [0.0])[0])
    return TestClient(app, client=(address, 50000))


def test_the_fourth_request_of_a_minute_waits_and_looking_is_free() -> None:
    now = [0.0]
    visitor = client(now=now)
    assert [visitor.post("/gradio_api/queue/join", content=b"x").status_code for _ in range(3)] == [200] * 3
    refused = visitor.post("/gradio_api/queue/join", content=b"x")
    assert refused.status_code == 429 and refused.headers["retry-after"] == "60"
    assert refused.json() == {"error": "More than 3 requests came within a minute; please wait a little."}
    assert visitor.get("/").status_code == 200
    now[0] = 61.0
    assert visitor.post("/gradio_api/queue/join", content=b"x").status_code == 200


@pytest.mark.parametrize(("address", "rate"), [("127.0.0.1", 3), ("::1", 3), ("203.0.113.7", 0)])
def test_this_machine_and_a_rate_of_nothing_are_not_counted(address: str, rate: int) -> None:
    visitor = client(address, rate=rate)
    assert {visitor.post("/", content=b"x").status_code for _ in range(9)} == {200}


def test_on_a_space_each_visitor_is_counted_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_ID", "owner/name")
    monkeypatch.setenv("SYSTEM", "spaces")
    proxy = client("10.0.0.1", rate=1)
    for visitor in ("198.51.100.1", "198.51.100.2"):
        found = [proxy.post("/", headers={"x-forwarded-for": f"{visitor}, 10.0.0.9"}).status_code for _ in range(2)]
        assert found == [200, 429]


def test_a_request_may_be_as_large_as_its_path_allows() -> None:
    visitor = client(rate=0, max_upload=8 * 2**20)
    large = bytes(MAX_BODY + 1)
    refused = visitor.post("/gradio_api/call/transfer", content=large)
    assert refused.status_code == 413 and refused.json()["error"].startswith("The request is larger than the 4 MB")
    assert visitor.post("/gradio_api/upload", content=large).text == str(len(large))
    assert visitor.post("/mcp/", content=large).text == str(len(large))
    assert visitor.post("/gradio_api/call/transfer", content=large[:MAX_BODY]).text == str(MAX_BODY)


def test_a_request_that_hides_its_length_is_cut_where_it_is_too_long() -> None:
    def pieces():
        for _ in range(5):
            yield bytes(2**20)

    assert client(rate=0).post("/gradio_api/call/transfer", content=pieces()).status_code == 400
