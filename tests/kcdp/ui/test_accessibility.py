"""Nothing serious or critical that axe finds in any tab, light and dark; the page's true language; radio groups."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.app_page import choose_tab, drop, drop_to_refeel, overlay_picture

pytest_plugins = ["tests.page_fixtures"]


#: Without the details of what is right, which take as long as all else.
ALL_RULES = {"resultTypes": ["violations"]}
#: The rules that colours decide, so that they have to be asked of the dark page too.
COLOUR_RULES = ALL_RULES | {"runOnly": ["color-contrast", "link-in-text-block"]}


#: What has the focus, and whether it or what frames it has an outline or a shadow.
RING = """() => {
  const field = document.activeElement;
  const rings = [field, field.closest("label"), field.closest(".wrap-inner")].filter(Boolean).map((one) => getComputedStyle(one));
  const seen = (style) => (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none";
  return [field.role || field.type || field.tagName, rings.some(seen)];
}"""


def faults(page: Page) -> list[str]:
    """What axe finds serious or critical, in light and in dark, with the first element of each kind."""
    found = serious(page, ALL_RULES)
    page.evaluate("document.body.classList.add('dark')")
    found += serious(page, COLOUR_RULES)
    page.evaluate("document.body.classList.remove('dark')")
    return found


def serious(page: Page, options: dict[str, Any]) -> list[str]:
    """What axe still finds when the page has come to rest."""
    found: list[str] = []
    for _ in range(10):
        violations = Axe().run(page, options=options).response["violations"]
        found = [
            f"{one['id']}: {one['nodes'][0]['html'][:200]}"
            for one in violations
            if one["impact"] in ("serious", "critical")
        ]
        if not found:
            break
        # Buttons fade in, and a colour half-way has too little contrast.
        page.wait_for_timeout(300)
    return found


def test_axe_finds_nothing_serious_in_any_tab(page: Page, url: str, files: Path) -> None:
    page.goto(f"{url}?__theme=light")
    drop(page, files / "still.png")
    expect(page.locator("#verdict .kc-verdict")).to_be_visible()
    expect(page.locator(".gallery-item").first).to_have_attribute("aria-label", "Example: still")
    assert faults(page) == []
    for name, start in (
        ("Transfer", "#transfer-make"),
        ("Fuse", "#fuse-strip"),
        ("Mix", "#mix-make"),
        ("Re-feel", "#refeel-make"),
    ):
        page.get_by_role("tab", name=name, exact=True).click()
        if name == "Re-feel":
            drop_to_refeel(page, files / "still.png")
        page.get_by_role("button", name="Seed, guidance and steps").filter(visible=True).click()
        page.locator(start).click()
        expect(page.locator(start.split("-")[0] + "-verdict .kc-verdict")).to_be_visible()
        assert faults(page) == []
    page.get_by_role("tab", name="Many pictures", exact=True).click()
    page.locator("#many-files input[type=file]").set_input_files([files / "still.png"])
    expect(page.locator("#many-files").get_by_text("still")).to_be_visible()
    page.locator("#many-read").click()
    expect(page.locator("#many-table img")).to_have_count(1)
    expect(page.locator("#many-read")).to_be_enabled()
    expect(page.locator("#many-read")).to_have_css("opacity", "1")
    assert faults(page) == []


#: What a finger cannot hit: the names and sizes of everything that takes one and is smaller than 44 pixels either way.
SMALL_TARGETS = """() => {
  const small = [];
  for (const element of document.querySelectorAll(".contain :is(button, a, summary, input, textarea)")) {
    const shown = element.matches("[type=radio], [type=checkbox]") ? element.closest("label")
      : element.matches("[role=listbox]") ? element.closest(".wrap") : element;
    const { width, height } = shown.getBoundingClientRect();
    // Gradio measures tabs by copies that nobody sees.
    if (!element.checkVisibility() || !width || element.matches("[type=file], .visually-hidden *")) continue;
    if (Math.min(width, height) < 44) small.push([element.outerHTML.slice(0, 80), width, height]);
  }
  return small;
}"""


def test_on_a_phone_a_finger_hits_everything_and_answers_come_into_sight(
    browser: Browser, url: str, files: Path
) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    page.goto(url)
    drop(page, files / "moving.gif")
    expect(page.locator("#verdict .kc-verdict")).to_be_visible()
    expect(overlay_picture(page)).to_be_visible()
    assert page.evaluate(SMALL_TARGETS) == []
    for name, start, seen in (
        ("Mix", "#mix-make", "#mix-gallery"),
        ("Re-feel", "#refeel-make", "#refeel-compared"),
        ("Many pictures", "#many-read", "#many-status"),
    ):
        choose_tab(page, name)
        if name == "Re-feel":
            drop_to_refeel(page, files / "still.png")
        if name == "Many pictures":
            page.locator("#many-files input[type=file]").set_input_files([files / "still.png", files / "broken.png"])
            expect(page.locator("#many-files").get_by_text("broken")).to_be_visible()
        else:
            page.get_by_role("button", name="Seed, guidance and steps").filter(visible=True).click()
        page.locator(start).click()
        answer = page.locator(start.replace("make", "verdict").replace("read", "status"))
        expect(answer.locator(".kc-verdict")).to_be_visible()
        expect(page.locator(seen)).to_be_in_viewport()
        assert page.evaluate(SMALL_TARGETS) == []
    expect(page.locator("#many-table img")).to_have_css("width", "40px")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for panel in ("Earlier in this browser", "How often is it right?", "Papers, citation and model card"):
        page.get_by_role("button", name=panel).click()
    expect(page.locator("#card table").first).to_be_visible()
    assert page.evaluate(SMALL_TARGETS) == [] and faults(page) == []
    page.close()


def test_arrow_keys_move_within_a_group_of_radio_buttons(page: Page, url: str) -> None:
    page.goto(url)
    page.get_by_role("tab", name="Transfer", exact=True).click()
    amusement = page.locator("#transfer-emotion").get_by_label("amusement", exact=True)
    # The page's script names the group once Gradio has drawn it, and again once one of it is chosen.
    expect(amusement).to_have_attribute("name", re.compile("^radio-group-"))
    amusement.check()
    for radio in page.locator("#transfer-emotion input").all():
        expect(radio).to_have_attribute("name", re.compile("^radio-group-"))
    page.keyboard.press("ArrowRight")
    expect(page.locator("#transfer-emotion input:checked")).to_have_value("awe")


def test_arrow_keys_go_from_tab_to_tab(page: Page, url: str) -> None:
    page.goto(url)
    tabs = page.get_by_role("tab")
    tabs.first.focus()
    names = [name.strip() for name in tabs.all_inner_texts()]
    for key, place in (
        ("ArrowRight", 1),
        ("End", -1),
        ("ArrowRight", 0),
        ("ArrowLeft", -1),
        ("ArrowLeft", -2),
        ("Home", 0),
    ):
        page.keyboard.press(key)
        expect(page.locator("[role=tab][aria-selected=true]")).to_have_text(names[place])
        expect(page.locator("[role=tab]:focus")).to_have_text(names[place])


def test_a_list_closes_when_one_goes_on_by_keys(page: Page, url: str) -> None:
    page.goto(url)
    choose_tab(page, "Transfer")
    words = page.locator("#transfer-thing input")
    words.focus()
    expect(page.get_by_role("listbox")).to_be_visible()
    words.fill("a dragon")
    page.keyboard.press("Tab")
    expect(page.get_by_role("listbox")).to_have_count(0)
    expect(words).to_have_value("a dragon")
    assert page.evaluate("document.activeElement.type") == "number", "and the next field has the focus"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_whoever_goes_by_keys_sees_where_they_are(page: Page, url: str, theme: str) -> None:
    """A ring around every kind of field of the tab that has most, on the field or around its words."""
    page.goto(f"{url}?__theme={theme}")
    choose_tab(page, "Fuse")
    page.get_by_role("tab", name="Fuse").focus()
    kinds = set()
    while "checkbox" not in kinds:
        page.keyboard.press("Tab")
        kind, ring = page.evaluate(RING)
        assert ring, kind
        kinds.add(kind)
    assert kinds >= {"radio", "range", "number", "combobox", "submit"}


@pytest.mark.parametrize(
    ("locale", "lang", "tab"),
    [
        ("en-GB", "en", "Many pictures"),
        ("zh-CN", "zh-CN", "多张图片"),
        ("zh-TW", "zh-TW", "多張圖片"),
        ("ja", "ja", "たくさんの画像"),
        ("es-MX", "es", "Muchas imágenes"),
        ("fr", "en", "Many pictures"),
    ],
)
def test_the_page_speaks_the_visitors_language_and_says_which(
    browser: Browser, url: str, locale: str, lang: str, tab: str
) -> None:
    page = browser.new_page(locale=locale)
    page.goto(url)
    expect(page.get_by_role("tab", name=tab, exact=True)).to_be_visible(timeout=60_000)
    assert page.evaluate("document.documentElement.lang") == lang
    assert "__i18n__" not in page.inner_text("body")
    page.close()
