"""The app in a real browser and through its API, around a bundle that answers at once."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import gradio as gr
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

import app
from kcdp.ui.layout import build_app
from kcdp.ui.theme import css, theme
from tests.fake_bundle import CAPTION, fake_bundle, fake_output

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

#: Text on the page whose contrast with its background is under 4.5, as (text, ratio).
FAINT_TEXT = """() => {
  const parse = color => (color.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const channel = value => { value /= 255; return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4; };
  const light = rgb => 0.2126 * channel(rgb[0]) + 0.7152 * channel(rgb[1]) + 0.0722 * channel(rgb[2]);
  const ground = element => {
    for (; element; element = element.parentElement) {
      const color = getComputedStyle(element).backgroundColor;
      if (color.startsWith('rgb') && (parse(color)[3] ?? 1) > 0.9) return parse(color);
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const element of document.querySelectorAll('h1, h2, p, .kc-card *, .kc-header *, #focus span, [role=tab]')) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (!own || !element.checkVisibility() || element.closest('svg, .kc-badge')) continue;
    const [one, two] = [light(parse(getComputedStyle(element).color)), light(ground(element))];
    const ratio = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
    if (ratio < 4.5) faint.push([element.textContent.trim(), ratio]);
  }
  return faint;
}"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def serve(bundle: Future, examples: tuple[Path, ...] = ()) -> str:
    """Address of a fresh app around `bundle`."""
    _, url, _ = build_app(bundle, examples).launch(
        server_port=free_port(),
        theme=theme(),
        css=css(),
        allowed_paths=[str(path) for path in examples],
        ssr_mode=False,
        prevent_thread_lock=True,
        quiet=True,
    )
    return url


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a still picture, an animation of three frames, and a text that calls itself a picture."""
    folder = tmp_path_factory.mktemp("pictures")
    Image.new("RGB", (96, 64), "gold").save(folder / "still.png")
    frames = [Image.new("RGB", (48, 48), color) for color in ("gold", "skyblue", "tomato")]
    frames[0].save(folder / "moving.gif", save_all=True, append_images=frames[1:], duration=100)
    (folder / "broken.png").write_text("this is no picture")
    return folder


@pytest.fixture(scope="module")
def url(files: Path) -> Iterator[str]:
    yield serve(fake_bundle(), (files / "still.png",))
    gr.close_all()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        if os.environ.get("CI"):
            pytest.fail("The browser tests need Chromium on the PATH.")
        pytest.skip("There is no Chromium on the PATH.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    # Generous: a page that takes long on a busy machine is not a broken one.
    page.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    yield page
    page.close()


def drop(page: Page, file: Path) -> None:
    page.locator("#picture input[type=file]").set_input_files(file)


def overlay_picture(page: Page) -> Locator:
    page.locator("#overlay").scroll_into_view_if_needed()
    return page.locator("#overlay img")


def test_picture_gets_its_emotion_and_every_reason(page: Page, url: str, files: Path) -> None:
    page.goto(url)
    expect(page.get_by_text("Waiting for a picture")).to_be_visible()
    expect(page.locator("#router")).to_be_hidden()
    drop(page, files / "still.png")

    expect(page.locator(".kc-verdict strong")).to_have_text("contentment")
    expect(page.locator("#verdict .kc-bars li")).to_have_count(8)
    expect(page.locator("#verdict .kc-bars li").first).to_contain_text("57 %")
    expect(page.locator(".kc-why")).to_contain_text("experts 1 and 3 of 4")
    expect(page.locator("#knowledge blockquote")).to_have_text(CAPTION)
    expect(page.locator("#knowledge svg.kc-graph")).to_contain_text("hugs")
    expect(page.locator("#triplets").get_by_text("small red heart").filter(visible=True).first).to_be_visible()
    expect(page.locator("#router .kc-chosen")).to_have_count(2)
    expect(page.locator("#alignment")).to_contain_text("closest to this picture is contentment, too")
    expect(page.locator("#alignment .kc-badge")).to_have_text("pseudo-label")
    with page.expect_download() as download:
        page.locator("#download").click()
    assert json.loads(Path(download.value.path()).read_text()) == fake_output().to_dict()


def test_overlay_follows_the_chosen_word_and_triplet(page: Page, url: str, files: Path) -> None:
    page.goto(url)
    drop(page, files / "still.png")
    picture = overlay_picture(page)
    seen = {picture.get_attribute("src")}
    for choice in ("heart", "“round yellow face has closed eyes”"):
        page.locator("#focus").get_by_label(choice, exact=True).check()
        page.wait_for_function("old => !old.includes(document.querySelector('#overlay img').src)", arg=list(seen))
        seen.add(picture.get_attribute("src"))
    assert len(seen) == 3


def test_file_that_is_no_picture_gets_a_sentence_and_the_next_one_works(page: Page, url: str, files: Path) -> None:
    page.goto(url)
    drop(page, files / "broken.png")
    alert = page.locator("#verdict [role=alert]")
    expect(alert).to_be_visible()
    assert alert.inner_text().endswith(".")
    expect(page.locator("#router")).to_be_hidden()
    page.get_by_label("Remove Image").click()
    expect(page.get_by_text("Waiting for a picture")).to_be_visible()
    drop(page, files / "still.png")
    expect(page.locator(".kc-verdict strong")).to_have_text("contentment")


def test_animation_reaches_the_pipeline_with_its_frames(page: Page, url: str, files: Path) -> None:
    page.goto(url)
    drop(page, files / "moving.gif")
    expect(page.locator(".kc-why")).to_contain_text("Averaged over 3 frames")


def test_example_is_understood_at_a_click(page: Page, url: str) -> None:
    page.goto(url)
    page.locator(".gallery-item").first.click()
    expect(page.locator(".kc-verdict strong")).to_have_text("contentment")


def test_page_is_there_before_the_models(page: Page, files: Path) -> None:
    bundle: Future = Future()
    page.goto(serve(bundle))
    drop(page, files / "still.png")
    expect(page.get_by_text("Starting the models")).to_be_visible()
    bundle.set_result(fake_bundle().result())
    expect(page.locator(".kc-verdict strong")).to_have_text("contentment")


@pytest.mark.parametrize("look", ["light", "dark"])
def test_phone_shows_everything_readably_without_scrolling_sideways(
    browser: Browser, url: str, files: Path, look: str
) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme=look)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{url}?__theme={look}")
    drop(page, files / "still.png")
    expect(page.locator(".kc-verdict")).to_be_visible()
    expect(overlay_picture(page)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("document.body.classList.contains('dark')") == (look == "dark")
    assert page.evaluate(FAINT_TEXT) == []
    assert [address for address in asked if not address.startswith((url, "data:", "blob:"))] == []
    page.close()


def test_api_answers_with_the_result_and_an_overlay_per_word(url: str, files: Path) -> None:
    result, overlays = Client(url, verbose=False).predict(handle_file(files / "still.png"), api_name="/understand")
    assert result == json.loads(json.dumps(fake_output().to_dict()))
    assert [item["caption"] for item in overlays] == [item["text"] for item in result["attention"]]
    with Image.open(overlays[0]["image"]) as picture:
        assert picture.size[0] / picture.size[1] == pytest.approx(96 / 64, abs=0.01)


def test_api_names_what_is_wrong_with_a_file(url: str, files: Path) -> None:
    client = Client(url, verbose=False)
    with pytest.raises(AppError, match="picture"):
        client.predict(handle_file(files / "broken.png"), api_name="/understand")
    with pytest.raises(AppError, match="No picture arrived"):
        client.predict(None, api_name="/understand")


def test_api_has_one_endpoint(url: str) -> None:
    assert list(Client(url, verbose=False).view_api(return_format="dict")["named_endpoints"]) == ["/understand"]


def test_missing_bundle_ends_with_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"not a bundle.*\.$"):
        app.main(["--port", str(free_port()), "--bundle", str(tmp_path)])
    gr.close_all()


def test_defaults_listen_only_where_gradio_does_and_take_the_embedded_bundle() -> None:
    args = app.parse_args([])
    assert args.host is None and not args.share
    assert Path(args.bundle) == Path(app.__file__).parent / "assets" / "mini"
