"""A visit: pictures that go from tab to tab, links, the browser's history, corrections, what stands at the foot of the page."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from kcdp.decoded import DecodedPicture
from kcdp.ui import history
from kcdp.ui.about import PAPERS, card_text
from kcdp.ui.corrections import save_correction
from kcdp.ui.languages import ENGLISH
from kcdp.ui.parts import link
from kcdp.ui.understanding import Understanding
from tests.app_page import drop, gallery_items, open_tab, serve
from tests.fake_bundle import FakeUniEmo, fake_bundle, fake_output, fake_verdict
from train.data.folder import load_folder

pytest_plugins = ["tests.page_fixtures"]


def understanding(colour: str = "gold") -> Understanding:
    picture = DecodedPicture.load(Image.new("RGB", (96, 64), colour))
    return Understanding.of(picture, fake_verdict(fake_output("awe")))


def test_pictures_go_from_tab_to_tab_and_before_stands_beside_after(page: Page, url: str, files: Path) -> None:
    page.goto(url)
    drop(page, files / "still.png")
    expect(page.locator("#verdict strong")).to_have_text("contentment")
    page.locator("#understand-to-refeel").click()
    expect(page.locator("#refeel-picture img")).to_be_visible()
    page.locator("#refeel-make").click()
    expect(page.locator("#refeel-verdict strong")).to_have_text("awe")
    expect(page.locator("#refeel-compared img")).to_have_count(2)
    page.locator("#refeel-to-understand").click()
    expect(page.locator("#verdict strong")).to_have_text("awe")
    expect(page.locator("#picture img")).to_be_visible()


def test_of_several_pictures_each_has_a_link_of_its_own(page: Page, url: str) -> None:
    page.goto(url + link("transfer", {"emotion": "fear", "thing": "a cat", "seed": 7}))
    expect(page.locator("#transfer-emotion input:checked")).to_have_value("fear")
    page.locator("#transfer-column").click()
    expect(gallery_items(page, "transfer")).to_have_count(8)
    address = page.get_by_role("link", name="Link to these settings")
    expect(address).to_have_attribute("href", re.compile(r"emotion=amusement&thing=a\+cat&.*seed=7"))
    gallery_items(page, "transfer").nth(4).click()
    expect(address).to_have_attribute("href", re.compile(r"emotion=anger&thing=a\+cat&.*seed=7"))


def test_a_link_restores_the_settings_and_the_browser_remembers_what_it_saw(page: Page, url: str) -> None:
    page.goto(url + link("transfer", {"emotion": "fear", "thing": "a cat", "seed": 7, "number": 2, "steps": ""}))
    expect(page.locator("#transfer-emotion input:checked")).to_have_value("fear")
    expect(page.locator("#transfer-thing input")).to_have_value("a cat")
    page.locator("#transfer-make").click()
    expect(gallery_items(page, "transfer")).to_have_text([f"seed\N{NO-BREAK SPACE}{seed}" for seed in (7, 8)])
    address = page.get_by_role("link", name="Link to these settings").get_attribute("href")
    kept = page.locator("#history-strip a")
    # The browser has it once the panel shows it; only then may the page go.
    page.get_by_role("button", name="Earlier in this browser").click()
    expect(kept).to_have_count(1)
    page.goto(url + str(address))
    expect(page.locator("#transfer-emotion input:checked")).to_have_value("fear")
    page.get_by_role("button", name="Earlier in this browser").click()
    expect(kept).to_have_count(1)
    expect(kept).to_have_text("fear")
    assert kept.get_attribute("href") == address
    page.locator("#history-clear").click()
    expect(kept).to_have_count(0)
    page.reload()
    page.get_by_role("button", name="Earlier in this browser").click()
    expect(page.locator("#history-strip")).to_contain_text("Nothing yet")


def test_a_link_with_nonsense_changes_nothing(page: Page, url: str) -> None:
    page.goto(url + "?tab=mix&w0=1e9&w1=nan&w2=7&number=many")
    expect(page.locator("#mix-2 input[type=number]")).to_have_value("7")
    expect(page.locator("#mix-0 input[type=number]")).to_have_value("60")
    expect(page.locator("#mix-1 input[type=number]")).to_have_value("0")


def test_corrections_are_asked_for_only_where_they_are_wanted(page: Page, files: Path, tmp_path: Path) -> None:
    page.goto(serve(fake_bundle(), corrections=tmp_path / "corrections"))
    drop(page, files / "still.png")
    page.get_by_role("button", name="This is wrong").click()
    expect(page.locator("#wrong")).to_contain_text("stores the picture")
    page.locator("#wrong-emotion").get_by_label("fear", exact=True).check()
    page.locator("#wrong-send").click()
    expect(page.locator("#wrong-answer")).to_have_text("Stored. Thank you.")
    (record,) = load_folder(tmp_path / "corrections")
    assert record["emotion"] == "fear"
    page.goto(serve(fake_bundle()))
    drop(page, files / "still.png")
    expect(page.locator("#verdict strong")).to_have_text("contentment")
    expect(page.locator("#wrong")).to_be_hidden()


def test_a_later_correction_of_the_same_picture_counts_and_a_wrong_one_is_a_sentence(tmp_path: Path) -> None:
    for colour, emotion in (("gold", "fear"), ("navy", "anger"), ("gold", "sadness")):
        save_correction(tmp_path, understanding(colour), emotion)
    lines = [json.loads(line) for line in (tmp_path / "metadata.jsonl").read_text().splitlines()]
    assert [line["emotion"] for line in lines] == ["anger", "sadness"]
    with pytest.raises(ValueError, match=r"^Please choose one of amusement, .*\.$"):
        save_correction(tmp_path, understanding(), "boredom")


def test_a_full_folder_takes_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kcdp.ui.corrections.MAX_CORRECTIONS", 1)
    save_correction(tmp_path, understanding(), "fear")
    with pytest.raises(ValueError, match="No more corrections"):
        save_correction(tmp_path, understanding("navy"), "fear")


def test_the_history_keeps_the_newest_and_nothing_that_is_no_note() -> None:
    notes = history.remembered("nonsense", None)
    for number in range(30):
        notes = history.remembered(
            [*notes, {"picture": 3}], history.note(Image.new("RGB", (99, 50)), "awe", f"?n={number}")
        )
    assert len(notes) == 24 and notes[0]["link"] == "?n=29"
    assert sum(len(item["picture"]) for item in notes) < 60_000
    hostile = {"picture": '"><script>', "emotion": "<script>", "link": "javascript:alert(1)"}
    shown = history.strip([hostile], ENGLISH)
    assert "<script>" not in shown and "href" not in shown and "cannot tell" in shown


def test_the_foot_has_figures_papers_and_the_card(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_role("button", name="How often is it right?").click()
    expect(page.locator("#trust")).to_contain_text("best these things: smiley, cat")
    page.get_by_role("button", name="Papers, citation and model card").click()
    for paper in PAPERS:
        expect(page.locator("#about").get_by_role("link", name=paper.title)).to_have_attribute("href", paper.url)
    expect(page.locator("#card")).to_contain_text("Licence")
    assert PAPERS[0].bibtex().startswith("@misc{yin2025kcdp,\n  title = {{Knowledge")


def test_a_card_is_shown_without_its_settings_and_pictures(tmp_path: Path) -> None:
    assert card_text(tmp_path) == ""
    (tmp_path / "README.md").write_text("---\ntags: [a]\n---\n# Card\n![A sheet](sheet.png)\nText.")
    assert card_text(tmp_path) == "# Card\n\nText."


def test_many_languages_reach_the_result(browser, url: str, files: Path) -> None:
    page = browser.new_page(locale="zh-HK")
    page.set_default_timeout(60_000)
    page.goto(url)
    expect(page.get_by_text("等待圖片")).to_be_visible()
    expect(page.get_by_role("tab", name="理解", exact=True)).to_be_visible()
    drop(page, files / "still.png")
    expect(page.locator("#verdict strong")).to_have_text("滿足")
    expect(page.locator("#verdict")).to_contain_text("兩個模型都解讀為滿足")
    page.close()


def test_what_is_chosen_is_sent_as_it_is_in_every_language(browser) -> None:
    uniemo = FakeUniEmo()
    page = browser.new_page(locale="zh-SG")
    page.set_default_timeout(60_000)
    open_tab(page, serve(fake_bundle(uniemo)), "赋予情感")
    expect(page.locator("#transfer-emotion")).to_contain_text("愤怒")
    page.locator("#transfer-make").click()
    expect(page.locator("#transfer-verdict strong")).to_have_text("愤怒")
    assert uniemo.calls[-1]["emotion"] == "anger"
    page.close()
