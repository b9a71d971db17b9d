"""The app around a bundle that answers at once, and a browser to look at it with: a plugin for test modules that name it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.app_page import serve
from tests.fake_bundle import fake_bundle
from train.benchmarks.slider import CHROMIUM, open_browser


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
    with open_browser() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    # Generous: a page that takes long on a busy machine is not a broken one.
    page.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    yield page
    page.close()
