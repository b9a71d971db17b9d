"""The tabs that make pictures, in a real browser and through their endpoints, around a pipeline that paints at once."""

from __future__ import annotations

import json
import re
import threading
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from kcdp.ui.painted import SETTINGS_KEY
from tests.app_page import downloaded_png, drop_to_refeel, gallery_items, open_tab, serve
from tests.fake_bundle import FakeUniEmo, fake_bundle

pytest_plugins = ["tests.page_fixtures"]


def test_transfer_paints_judges_and_hands_out(page: Page, url: str) -> None:
    open_tab(page, url, "Transfer")
    expect(page.get_by_text("Nothing painted yet").filter(visible=True)).to_be_visible()
    page.locator("#transfer-emotion").get_by_label("fear", exact=True).check()
    page.get_by_role("button", name="Seed, guidance and steps").filter(visible=True).click()
    seed = page.get_by_label("Seed", exact=True).filter(visible=True)
    # Gradio shows 0 in an empty field until the page has emptied it.
    expect(seed).to_have_value("")
    seed.fill("7")
    page.locator("#transfer-make").click()
    expect(page.locator("#transfer-verdict strong")).to_have_text("fear")
    expect(page.locator("#transfer-verdict .kc-bars li").first).to_contain_text("82 %")
    expect(gallery_items(page, "transfer")).to_have_text([f"seed\N{NO-BREAK SPACE}{seed}" for seed in (7, 8, 9, 10)])
    expect(page.locator("#transfer-stop")).to_be_hidden()

    with page.expect_download() as download:
        page.locator("#transfer-zip").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.namelist() == [f"{number}-fear-{number + 6}.png" for number in (1, 2, 3, 4)]
    gallery_items(page, "transfer").nth(2).click()
    assert downloaded_png(page, "transfer", lambda name, text: name == "fear-9.png") == {}
    page.locator("#transfer-with-settings input").check()
    text = downloaded_png(page, "transfer", lambda name, text: text)
    settings = json.loads(text[SETTINGS_KEY])
    assert settings["seed"] == 9 and settings["emotion"] == {"fear": 1.0} and settings["prompt"] == "house"


def test_own_words_reach_the_pipeline(page: Page) -> None:
    uniemo = FakeUniEmo()
    open_tab(page, serve(fake_bundle(uniemo)), "Transfer")
    words = page.locator("#transfer-thing input")
    words.fill("")
    words.press_sequentially("a cat in a <emotion> hat")
    page.locator("#transfer-make").click()
    expect(page.locator("#transfer-verdict strong")).to_have_text("anger")
    assert uniemo.calls[-1]["prompt"] == "a cat in a <emotion> hat"
    assert uniemo.calls[-1]["guidance_scale"] is None and uniemo.calls[-1]["num_inference_steps"] is None


def test_settings_that_are_looked_at_and_left_empty_stay_empty(page: Page) -> None:
    """The seed is drawn, and the guidance is the pipeline's own: neither becomes 0 by being shown."""
    uniemo = FakeUniEmo()
    open_tab(page, serve(fake_bundle(uniemo)), "Transfer")
    page.get_by_role("button", name="Seed, guidance and steps").filter(visible=True).click()
    guidance = page.get_by_label("Guidance").filter(visible=True)
    expect(guidance).to_have_value("")
    page.locator("#transfer-make").click()
    expect(gallery_items(page, "transfer")).to_have_count(4)
    assert uniemo.calls[-1]["guidance_scale"] is None and uniemo.calls[-1]["seed"] > 0
    guidance.fill("2.5")
    page.locator("#transfer-row").click()
    expect(gallery_items(page, "transfer")).to_have_count(7)
    assert uniemo.calls[-1]["guidance_scale"] == 2.5


def test_previews_grow_and_stop_keeps_what_is_finished(page: Page) -> None:
    gate = threading.Semaphore(25 + 5)
    uniemo = FakeUniEmo(lambda step: gate.acquire(timeout=60))
    uniemo.config = SimpleNamespace(num_inference_steps=25)
    open_tab(page, serve(fake_bundle(uniemo)), "Transfer")
    page.locator("#transfer-row").click()
    expect(page.locator("#transfer-verdict")).to_contain_text("Picture 2 of 7. Step 5 of 25.")
    expect(page.locator("#transfer-verdict [role=progressbar]")).to_be_visible()
    expect(page.locator("#transfer-make")).to_be_disabled()
    # The finished picture with its caption, and one that is on its way.
    expect(gallery_items(page, "transfer")).to_have_count(2)
    # Not even the step that it is at must end for that.
    page.locator("#transfer-stop").click()
    expect(page.locator("#transfer-stop")).to_be_hidden()
    expect(gallery_items(page, "transfer")).to_have_count(1)
    expect(gallery_items(page, "transfer")).to_contain_text("bench")
    expect(page.locator("#transfer-verdict strong")).to_have_text("anger")
    expect(page.locator("#transfer-make")).to_be_enabled()
    for _ in range(1 + 25):
        gate.release()
    page.locator("#transfer-make").click()
    expect(gallery_items(page, "transfer")).to_have_count(4)
    # Two of the seven, of which the second was given up at its next step, and then one call for all four.
    assert len(uniemo.calls) == 3


def test_fuse_blends_and_goes_from_one_to_the_other(page: Page, url: str) -> None:
    open_tab(page, url, "Fuse")
    page.locator("#fuse-make").click()
    expect(page.locator("#fuse-verdict")).to_contain_text("Asked for 50 % amusement and 50 % fear")
    expect(page.locator("#fuse-verdict")).to_contain_text(
        "Probability of what was asked for: 43 % amusement and 43 % fear."
    )
    page.locator("#fuse-strip").click()
    expect(gallery_items(page, "fuse")).to_have_count(7)
    expect(gallery_items(page, "fuse").last).to_contain_text("fear")
    gallery_items(page, "fuse").last.click()
    expect(page.locator("#fuse-verdict strong")).to_have_text("fear")
    page.locator("#fuse-second").get_by_label("amusement", exact=True).check()
    page.locator("#fuse-strip").click()
    expect(page.locator("#fuse-verdict [role=alert]")).to_have_text(
        "Please choose two different emotions; both are amusement."
    )
    expect(page.locator("#fuse-strip")).to_be_enabled()


def test_captions_examples_and_what_the_card_is_about_are_said_in_the_visitors_language(
    browser: Browser, url: str
) -> None:
    page = browser.new_page(locale="es-ES", viewport={"width": 1280, "height": 900})
    page.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    open_tab(page, url, "Mezclar")
    expect(page.get_by_role("button", name="60 % asombro y 40 % tristeza: lamp")).to_be_visible()
    page.locator("#fuse-strip").click()
    expect(gallery_items(page, "fuse")).to_have_count(7)
    expect(gallery_items(page, "fuse").last).to_have_text(re.compile(r"miedo · semilla\s\d+"))
    expect(page.locator("#fuse-verdict")).to_contain_text("Esto es sobre la imagen enmarcada")
    page.close()


def test_refeel_shows_before_beside_after_and_the_shift(page: Page, url: str, files: Path) -> None:
    open_tab(page, url, "Re-feel")
    page.locator("#refeel-make").click()
    expect(page.locator("#refeel-verdict [role=alert]")).to_contain_text("Please choose the picture")
    drop_to_refeel(page, files / "still.png")
    page.locator("#refeel-make").click()
    expect(gallery_items(page, "refeel")).to_have_count(4)
    expect(gallery_items(page, "refeel").first).to_have_text("before")
    expect(page.locator("#refeel-verdict")).to_contain_text(
        "Probability of awe: 9 % before, 82 % now; a shift (Emo-S) of"
    )
    expect(page.locator("#refeel-verdict .kc-track b")).to_have_count(8)
    gallery_items(page, "refeel").first.click()
    expect(page.locator("#refeel-verdict strong")).to_have_text("contentment")

    page.locator("#refeel-source").get_by_label("of another picture").check()
    expect(page.locator("#refeel-emotion")).to_be_hidden()
    page.locator("#refeel-make").click()
    expect(page.locator("#refeel-verdict [role=alert]")).to_contain_text("Please choose the second picture")
    page.locator("#refeel-other input[type=file]").set_input_files(files / "moving.gif")
    expect(page.locator("#refeel-other img")).to_be_visible()
    page.locator("#refeel-make").click()
    expect(page.locator("#refeel-verdict")).to_contain_text("the feeling of the other picture, contentment")
    # Back at the names, the second picture no longer counts.
    page.locator("#refeel-source").get_by_label("by its name").check()
    expect(page.locator("#refeel-emotion")).to_be_visible()
    page.locator("#refeel-make").click()
    expect(page.locator("#refeel-verdict")).to_contain_text("Asked for awe")


def test_bundle_that_makes_no_pictures_has_no_tabs_for_it(page: Page) -> None:
    url = serve(fake_bundle(with_uniemo=False))
    page.goto(url)
    expect(page.get_by_role("tab", name="Understand")).to_be_visible()
    for name in ("Transfer", "Fuse", "Mix", "Re-feel"):
        expect(page.get_by_role("tab", name=name)).to_have_count(0)
    with pytest.raises(AppError, match="cannot make pictures"):
        Client(url, verbose=False).predict("awe", "bench", api_name="/transfer")


def test_bundle_brings_its_own_emotions(page: Page) -> None:
    uniemo = FakeUniEmo()
    uniemo.labels = ("joy", "surprise", "anger", "disgust", "fear", "sadness")
    open_tab(page, serve(fake_bundle(uniemo)), "Fuse")
    expect(page.locator("#fuse-first label")).to_have_count(6)
    chosen = [page.locator(f"#fuse-{turn} input:checked").get_attribute("value") for turn in ("first", "second")]
    assert len(set(chosen)) == 2 and set(chosen) <= set(uniemo.labels)


def test_a_fault_of_the_program_leaves_the_tab_usable(page: Page) -> None:
    faults = [True]

    def break_once(step: int) -> None:
        if faults.pop() if faults else False:
            raise RuntimeError("no more paint")

    open_tab(page, serve(fake_bundle(FakeUniEmo(break_once))), "Transfer")
    page.locator("#transfer-make").click()
    expect(page.locator("#transfer-verdict [role=alert]")).to_contain_text("a fault of this program")
    page.locator("#transfer-make").click()
    expect(page.locator("#transfer-verdict strong")).to_have_text("anger")


def test_api_makes_pictures_as_its_docstrings_say(url: str, files: Path) -> None:
    client = Client(url, verbose=False)
    made, pictures = client.predict("awe", "bench", number=4, seed=7, api_name="/transfer")
    assert made["seeds"] == [7, 8, 9, 10] and made["prompt"] == "bench" and made["emotion"] == {"awe": 1.0}
    assert [item["caption"] for item in pictures] == [f"seed {seed}" for seed in made["seeds"]]
    with Image.open(pictures[0]["image"]) as picture:
        assert picture.format == "PNG" and picture.size == (FakeUniEmo.size,) * 2
    made, _ = client.predict("amusement", "sadness", share=30, thing="a cat", seed=7, api_name="/fuse")
    assert made["emotion"] == pytest.approx({"amusement": 0.7, "sadness": 0.3})
    own = handle_file(files / "still.png")
    made, pictures = client.predict(own, "awe", strength=0.6, seed=7, api_name="/refeel")
    gains = [verdict["awe"] - made["before"]["awe"] for verdict in made["probabilities"]]
    assert made["shifts"] == pytest.approx(gains) and len(pictures) == 3 and made["settings"]["strength"] == 0.6
    made, _ = client.predict({"awe": 3, "FEAR": "1"}, "a cat", seed=7, api_name="/mix")
    assert made["emotion"] == pytest.approx({"awe": 0.75, "fear": 0.25}) and len(made["probabilities"]) == 4
    made, _ = client.predict(own, other=own, api_name="/refeel")
    assert made["target"] == "contentment" and made["emotion"] is None


def test_api_says_what_is_wrong_with_a_wish(url: str, files: Path) -> None:
    client = Client(url, verbose=False)
    with pytest.raises(AppError, match="'boredom' is not one of the Mikels-8 labels") as caught:
        client.predict("boredom", "bench", api_name="/transfer")
    assert caught.value.title == "bad_input"
    with pytest.raises(AppError, match="number of pictures must be a whole number from 1 to 8, not 99"):
        client.predict("awe", "bench", number=99, api_name="/transfer")
    with pytest.raises(AppError, match="two different emotions"):
        client.predict("awe", "awe", api_name="/fuse")
    for weights, sentence in (
        ({"awe": 0}, "some weight"),
        ({}, "by the names of emotions"),
        ({"awe": -1}, "weight must be"),
    ):
        with pytest.raises(AppError, match=sentence):
            client.predict(weights, "a cat", api_name="/mix")
    with pytest.raises(AppError, match="picture"):
        client.predict(handle_file(files / "broken.png"), "awe", api_name="/refeel")
