"""Files that no browser draws, and such that hold no picture or several, as the page and the API take them."""

from __future__ import annotations

import base64
import gzip
import io
import re
from pathlib import Path

import gradio as gr
import pillow_heif
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image
from playwright.sync_api import Page, expect

from tests.app_page import drop, serve
from tests.fake_bundle import fake_bundle
from tests.sticker_files import greys, layer, lottie, moving, square, video, zipped

pytest_plugins = ["tests.page_fixtures"]

_DROP = """(field, [name, data]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([bytes], name));
  field.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
}"""


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with stickers, a photo and a pack."""
    folder = tmp_path_factory.mktemp("kinds")
    picture = Image.new("RGB", (64, 64), "gold")
    moves = layer(square((1, 0, 0)), place=moving((0, [100, 100]), (60, [400, 400])))
    (folder / "sticker.tgs").write_bytes(gzip.compress(lottie(moves)))
    (folder / "film.webm").write_bytes(video(greys(), "webm", "libvpx-vp9", "yuv420p"))
    (folder / "film.mp4").write_bytes(video(greys(), "mp4", "mpeg4", "yuv420p"))
    picture.save(folder / "scan.tiff")
    pillow_heif.from_pillow(picture).save(folder / "photo.heic")
    picture.save(folder / "site.ico", sizes=[(32, 32)])
    (folder / "drawing.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"/>')
    file = io.BytesIO()
    picture.save(file, "PNG")
    for name in ("pack.zip", "cats.wastickers"):
        (folder / name).write_bytes(zipped({"1.png": file.getvalue(), "2.png": file.getvalue()}))
    return folder


def test_a_moving_sticker_is_shown_as_a_picture_and_read_in_all_its_frames(page: Page, url: str, kinds: Path) -> None:
    page.goto(url)
    drop(page, kinds / "sticker.tgs")
    expect(page.locator(".kc-verdict strong")).to_have_text("contentment")
    expect(page.locator(".kc-why")).to_contain_text("4 frames")
    shown = page.locator("#picture img")
    expect(shown).to_have_attribute("src", re.compile("preview"))
    page.wait_for_function("() => document.querySelector('#picture img')?.naturalWidth === 512")
    # The picture that stands for it is not read in its turn.
    expect(page.locator(".kc-why")).to_contain_text("4 frames")


@pytest.mark.parametrize("name", ["pack.zip", "cats.wastickers"])
def test_a_pack_is_sent_to_the_tab_for_many(page: Page, url: str, kinds: Path, name: str) -> None:
    page.goto(url)
    field = page.locator("#picture button").first
    expect(field).to_be_visible()
    field.evaluate(_DROP, [name, base64.b64encode((kinds / name).read_bytes()).decode()])
    expect(page.locator("#verdict [role=alert]")).to_contain_text("“Many pictures”")


def test_the_file_dialog_offers_every_format(page: Page, url: str) -> None:
    page.goto(url)
    with page.expect_file_chooser():
        page.locator("#picture button").first.click()
    accepted = page.locator("#picture input[type=file]").get_attribute("accept").split(",")
    assert {"image/*", ".tgs", ".webm", ".wastickers", ".heic"} <= set(accepted)


@pytest.fixture(scope="module")
def client() -> Client:
    yield Client(serve(fake_bundle()), verbose=False)
    gr.close_all()


@pytest.mark.parametrize(
    ("name", "frames"),
    [("sticker.tgs", 4), ("film.webm", 4), ("film.mp4", 4), ("scan.tiff", 1), ("photo.heic", 1), ("site.ico", 1)],
)
def test_the_api_reads_every_kind_of_file(client: Client, kinds: Path, name: str, frames: int) -> None:
    result, _ = client.predict(handle_file(str(kinds / name)), api_name="/understand")
    assert len(result["frames"]) == frames
    times = [frame["time"] for frame in result["frames"]]
    assert times == sorted(times) and (frames == 1 or 0 < times[0] < times[-1])


def test_the_api_refuses_with_the_decoders_sentence(client: Client, kinds: Path) -> None:
    with pytest.raises(AppError, match=r"“pack\.zip” is a ZIP archive.*“Many pictures”"):
        client.predict(handle_file(str(kinds / "pack.zip")), api_name="/understand")
