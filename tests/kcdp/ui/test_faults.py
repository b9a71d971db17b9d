"""What goes wrong while the app answers others: a painter that breaks, a disk that is full, clients that hang up."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from kcdp.bundle import load_bundle
from kcdp.decoded import DecodedPicture
from kcdp.ui import lanes
from kcdp.ui.askers import asker_is_gone
from kcdp.ui.corrections import save_correction
from kcdp.ui.jobs import PaintingJob, run_job
from kcdp.ui.lanes import Backend, ReadingLane
from kcdp.ui.layout import build_app
from kcdp.ui.understanding import Understanding
from tests.app_page import free_port, serve
from tests.fake_bundle import FakeBundle, FakeUniEmo, fake_bundle, fake_output, fake_verdict
from tests.tiny_pipeline import tiny_pipeline
from tests.tiny_uniemo import tiny_uniemo

SECONDS = 60


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    gr.close_all()


def full_disk(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def once(fault: BaseException) -> Callable[[int], None]:
    """A `before_step` that raises at its first call alone."""
    faults = [fault]

    def before_step(step: int) -> None:
        if faults:
            raise faults.pop()

    return before_step


@pytest.mark.parametrize("fault", [RuntimeError("no more paint"), MemoryError(), SystemExit(1)])
def test_a_painter_that_breaks_or_is_ended_is_one_sentence_and_the_next_picture_is_painted(
    fault: BaseException,
) -> None:
    client = Client(serve(fake_bundle(FakeUniEmo(once(fault)))), verbose=False)
    with pytest.raises(AppError, match="through a fault of this program") as caught:
        client.predict("awe", "bench", seed=7, api_name="/transfer")
    assert caught.value.title == "fault"
    made, _ = client.predict("awe", "bench", seed=7, api_name="/transfer")
    assert made["seeds"][0] == 7


def test_a_reader_that_is_ended_fails_its_batch_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    faults = [SystemExit(1)]
    plain = FakeBundle.read

    def read(self: FakeBundle, images: list, attention: bool = True) -> list:
        if faults:
            raise faults.pop()
        return plain(self, images, attention)

    monkeypatch.setattr(FakeBundle, "read", read)
    lane = ReadingLane(fake_bundle())
    picture = DecodedPicture.load(Image.new("RGB", (8, 8)))
    batch = [lane.enter(picture, False) for _ in range(2)]
    for reading in batch:
        with pytest.raises(RuntimeError, match="ended by SystemExit"):
            lane.read(reading)
    assert lane.read(lane.enter(picture, False)).emotion == "contentment"


def test_a_full_disk_is_said_with_a_code_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeUniEmo, "_paint", full_disk)
    client = Client(serve(fake_bundle()), verbose=False)
    with pytest.raises(AppError, match="There is no room left on the disk") as caught:
        client.predict("awe", "bench", api_name="/transfer")
    assert caught.value.title == "no_room"


def test_a_correction_that_finds_no_room_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "wrong"
    first, second = (
        Understanding(fake_verdict(fake_output()), Image.new("RGB", (8, 8), color)) for color in ("gold", "navy")
    )
    save_correction(folder, first, "awe")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    plain = Path.write_bytes

    def half(path: Path, content: bytes) -> None:
        plain(path, content[: len(content) // 2])
        full_disk()

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
        patch.setattr(Path, "write_bytes", half)
        save_correction(folder, second, "fear")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
        patch.setattr("kcdp.files.os.replace", full_disk)
        save_correction(folder, second, "fear")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


class Gate:
    """Steps that wait until they are let through, and how many came."""

    def __init__(self) -> None:
        self.steps = 0
        self.began, self.passes = threading.Semaphore(0), threading.Semaphore(0)

    def before_step(self, step: int) -> None:
        self.steps += 1
        self.began.release()
        assert self.passes.acquire(timeout=SECONDS)


def called(http: httpx.Client, name: str, *data: Any) -> str:
    """Address where the answer of a call over plain HTTP comes."""
    said = http.post(f"/gradio_api/call/{name}", json={"data": list(data)}).json()
    return f"/gradio_api/call/{name}/{said['event_id']}"


TRANSFER = ("awe", "bench", 1, 7, None, 100, "")


def until(holds: Callable[[], bool]) -> None:
    """Wait for something that happens elsewhere."""
    waited = threading.Event()
    for _ in range(SECONDS * 20):
        if holds():
            return
        waited.wait(0.05)
    pytest.fail("what was waited for never came")


def test_who_hangs_up_is_painted_for_no_longer_and_others_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """One hangs up while their picture is painted, one while they wait for their turn; the third gets a picture."""
    gate = Gate()
    uniemo = FakeUniEmo(gate.before_step)
    monkeypatch.setattr("kcdp.ui.endpoints._WAIT_SECONDS", 0.05)
    gone: list[Callable[[], bool]] = []
    monkeypatch.setattr("kcdp.ui.endpoints.asker_is_gone", lambda: gone.append(asker_is_gone()) or gone[-1])
    backend = Backend(fake_bundle(uniemo))
    _, url, _ = build_app(backend).launch(server_port=free_port(), ssr_mode=False, prevent_thread_lock=True, quiet=True)
    with httpx.Client(base_url=url, timeout=SECONDS, trust_env=False) as http:
        addresses = [called(http, "transfer", *TRANSFER)]
        assert gate.began.acquire(timeout=SECONDS)
        addresses.append(called(http, "transfer", "fear", *TRANSFER[1:]))
        until(lambda: len(gone) == 2)
        for address in addresses:
            with http.stream("GET", address):
                pass
        until(lambda: all(one() for one in gone))
        third = called(http, "transfer", "sadness", *TRANSFER[1:5], 2, "")
        # Both have left the lane, the first in the middle of a step: its painting ends with that one.
        until(lambda: len(gone) == 3 and len(backend.paintings._tickets) == 1)
        gate.passes.release(3)
        text = http.get(third).text
    assert "event: complete" in text
    assert [call["emotion"] for call in uniemo.calls] == ["awe", "sadness"]
    assert gate.steps == 1 + 2


def test_who_hangs_up_is_read_for_no_longer_and_others_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sizes: list[int] = []
    began, passes = threading.Semaphore(0), threading.Semaphore(0)
    plain = FakeBundle.read

    def read(self: FakeBundle, images: list, attention: bool = True) -> list:
        sizes.append(len(images))
        began.release()
        assert passes.acquire(timeout=SECONDS)
        return plain(self, images, attention)

    monkeypatch.setattr(FakeBundle, "read", read)
    entered: list[lanes.Reading] = []
    enter = ReadingLane.enter
    monkeypatch.setattr(ReadingLane, "enter", lambda *given: entered.append(enter(*given)) or entered[-1])
    with httpx.Client(base_url=serve(fake_bundle()), timeout=SECONDS, trust_env=False) as http:
        addresses = []
        for color in ("gold", "navy", "tomato"):
            Image.new("RGB", (8, 8), color).save(tmp_path / "own.png")
            (path,) = http.post("/gradio_api/upload", files={"files": (tmp_path / "own.png").open("rb")}).json()
            addresses.append(called(http, "understand", {"path": path}, False))
            until(lambda: len(entered) == len(addresses))
        assert began.acquire(timeout=SECONDS)
        with http.stream("GET", addresses[1]):
            pass
        until(entered[1].gone)
        passes.release(3)
        answers = [http.get(addresses[number]).text for number in (0, 2)]
    assert all("event: complete" in answer for answer in answers)
    assert sizes == [1, 1] and isinstance(entered[1].result.exception(), lanes.Superseded)


@pytest.fixture(scope="module")
def tiny(tiny_tokenizer, tmp_path_factory):
    """A bundle of random weights that reads and paints."""
    folder = tmp_path_factory.mktemp("tiny") / "bundle"
    kcdp = tiny_pipeline(tiny_tokenizer)
    kcdp.save_pretrained(folder)
    tiny_uniemo(kcdp).save_pretrained(folder)
    return load_bundle(folder, device="cpu")


def job(emotion: str, **options: Any) -> PaintingJob:
    given = {"emotion": emotion, "prompt": "a cat", "num_images": 1, "seed": 1, "num_inference_steps": 3}
    return PaintingJob(given | {"guidance_scale": 2.0, "negative_prompt": None} | options)


def test_two_at_once_with_other_settings_get_what_they_get_one_after_the_other(tiny, picture) -> None:
    """Bit by bit, while a third has pictures read."""
    loaded: Future = Future()
    loaded.set_result(tiny)
    own = DecodedPicture.load(picture())
    jobs = [
        job("awe"),
        job("fear", num_images=2, seed=5, num_inference_steps=5, guidance_scale=1.0),
        job("anger", image=own, strength=0.7, num_inference_steps=6, prompt="a dog"),
    ]

    def painted(one: PaintingJob) -> list[tuple[bytes, dict[str, float]]]:
        _, output, readings = run_job(loaded, one)
        return [
            (image.tobytes(), dict(reading.probabilities))
            for image, reading in zip(output.images, readings, strict=True)
        ]

    def read(color: str) -> dict[str, Any]:
        lane = ReadingLane(loaded)
        return lane.read(lane.enter(DecodedPicture.load(picture(color=color)), False)).to_dict()

    colors = ("gold", "navy", "tomato")
    apart = [painted(one) for one in jobs], [read(color) for color in colors]
    with ThreadPoolExecutor(6) as pool:
        paintings, readings = [pool.submit(painted, one) for one in jobs], [pool.submit(read, one) for one in colors]
        together = [one.result(SECONDS) for one in paintings], [one.result(SECONDS) for one in readings]
    assert together == apart


def test_pictures_of_a_batch_are_read_as_each_alone(tiny, picture) -> None:
    """What the lane brings together: stills of several sizes and an animation, with and without heat maps."""
    stills = [picture(size, color=color) for size, color in ((64, "gold"), (40, "navy"), ((64, 32), "tomato"))]
    moving = DecodedPicture((stills[0].convert("RGB"), stills[1].convert("RGB").resize((64, 64))), ((0, 90), (90, 90)))
    pictures = [*map(DecodedPicture.load, stills), moving]
    for attention in (False, True):
        together = tiny.read(pictures, attention=attention)
        for one, found in zip(pictures, together, strict=True):
            alone = tiny.read(one, attention=attention)
            assert (found.caption, found.triplets, found.leaning) == (alone.caption, alone.triplets, alone.leaning)
            assert found.probabilities == pytest.approx(alone.probabilities, abs=1e-5)
            assert found.kcdp.similarities == pytest.approx(alone.kcdp.similarities, abs=1e-5)
            assert len(found.attention) == len(alone.attention)
            for mine, other in zip(found.attention, alone.attention, strict=True):
                assert mine.text == other.text and abs(mine.heat - other.heat).max() < 1e-5


def test_nothing_is_kept_of_calls_that_are_sessions_of_their_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A visitor's session stays, whatever others ask meanwhile."""
    app = build_app(Backend(fake_bundle()))
    _, url, _ = app.launch(server_port=free_port(), ssr_mode=False, prevent_thread_lock=True, quiet=True)
    visitor = Client(url, verbose=False)
    visitor.predict("awe", "bench", number=1, api_name="/transfer")
    with httpx.Client(base_url=url, timeout=SECONDS, trust_env=False) as http:
        for data in (TRANSFER, ("boredom", *TRANSFER[1:])):
            http.get(called(http, "transfer", *data))
        http.get(called(http, "understand", None, False))
    assert list(app.state_holder.session_data) == [visitor.session_hash]


def test_a_client_sees_the_sentence_of_a_page_that_is_busy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(lanes, "MAX_READINGS", 0)
    Image.new("RGB", (8, 8), "gold").save(tmp_path / "own.png")
    client = Client(serve(fake_bundle()), verbose=False)
    with pytest.raises(AppError, match="please try again in a minute") as caught:
        client.predict(handle_file(tmp_path / "own.png"), api_name="/understand")
    assert caught.value.title == "busy"
