"""What tests do with the page: serve it, drop pictures on it, look at what appears."""

from __future__ import annotations

import socket
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from starlette.middleware import Middleware

from kcdp.ui.lanes import Backend
from kcdp.ui.languages import head, translations
from kcdp.ui.layout import build_app
from kcdp.ui.page_head import PageHead
from kcdp.ui.theme import css, theme

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
  for (const element of document.querySelectorAll('h1, h2, p, .kc-card *, .kc-header *, #focus span, .kc-chips span, .caption-label, [role=tab]')) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (!own || !element.checkVisibility() || element.closest('svg, .kc-badge')) continue;
    const [one, two] = [light(parse(getComputedStyle(element).color)), light(ground(element))];
    const ratio = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
    if (ratio < 4.5) faint.push([element.textContent.trim(), ratio]);
  }
  return faint;
}"""


def faint_text(page: Page) -> list[list[object]]:
    """`FAINT_TEXT` of the page in light and in dark, once its colours have come to rest."""
    found: list[list[object]] = []
    for dark in (False, True):
        page.evaluate("dark => document.body.classList.toggle('dark', dark)", dark)
        for _ in range(10):
            faint = page.evaluate(FAINT_TEXT)
            if not faint:
                break
            page.wait_for_timeout(200)
        found += faint
    page.evaluate("document.body.classList.remove('dark')")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def serve(bundle: Future, examples: tuple[Path, ...] = (), live: bool = False, corrections: Path | None = None) -> str:
    """Address of a fresh app around `bundle`; `live` pictures would be calls that a test does not count on."""
    _, url, _ = build_app(Backend(bundle, examples, corrections, live)).launch(
        server_port=free_port(),
        theme=theme(),
        css=css(),
        i18n=translations(),
        allowed_paths=[str(path) for path in examples],
        ssr_mode=False,
        prevent_thread_lock=True,
        quiet=True,
        app_kwargs={"middleware": [Middleware(PageHead, html=head())]},
    )
    return url


def drop(page: Page, file: Path) -> None:
    page.locator("#picture input[type=file]").set_input_files(file)


def overlay_picture(page: Page) -> Locator:
    page.locator("#overlay").scroll_into_view_if_needed()
    return page.locator("#overlay img")


def choose_tab(page: Page, name: str) -> None:
    """On a narrow page some tabs are in a menu."""
    tab = page.get_by_role("tab", name=name, exact=True)
    menu = page.get_by_role("button", name="More tabs")
    expect(tab.or_(menu).first).to_be_visible()
    if tab.count() == 0:
        menu.click()
        tab = page.locator(".overflow-dropdown").get_by_text(name, exact=True)
    tab.click()


def open_tab(page: Page, url: str, name: str) -> None:
    page.goto(url)
    choose_tab(page, name)


def drop_to_refeel(page: Page, file: Path) -> None:
    page.locator("#refeel-picture input[type=file]").set_input_files(file)
    expect(page.locator("#refeel-picture img")).to_be_visible()


def gallery_items(page: Page, name: str) -> Locator:
    return page.locator(f"#{name}-gallery .thumbnail-lg")


def downloaded_png(page: Page, name: str, wanted: Callable[[str, dict[str, str]], object]) -> dict[str, str]:
    """Text of the downloaded PNG, as soon as it is the `wanted` one: the button gets its file a moment after the click."""
    for _ in range(50):
        with page.expect_download() as download:
            page.locator(f"#{name}-download").click()
        with Image.open(download.value.path()) as picture:
            picture.load()
            if wanted(download.value.suggested_filename, picture.text):
                return picture.text
        page.wait_for_timeout(100)
    pytest.fail(f"the file that was waited for never came; the last was {download.value.suggested_filename}")
