"""The tab Many pictures, in a real browser and by its parts."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from kcdp.imaging import ImageError
from kcdp.ui import many
from kcdp.ui.languages import InputError
from kcdp.ui.many import uploaded_pictures
from tests.app_page import open_tab

pytest_plugins = ["tests.page_fixtures"]


def upload(path: Path, name: str | None = None) -> dict[str, Any]:
    return {"path": str(path), "orig_name": name or path.name}


@pytest.fixture
def uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where uploads lie."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    Image.new("RGB", (16, 16), "gold").save(tmp_path / "sticker.png")
    with zipfile.ZipFile(tmp_path / "pack.zip", "w") as archive:
        for name in ("one.png", "two.png"):
            archive.write(tmp_path / "sticker.png", name)
    return tmp_path / "pack.zip"


@pytest.mark.usefixtures("uploads")
def test_packs_are_opened_and_equal_names_told_apart(pack: Path) -> None:
    sticker = pack.with_name("sticker.png")
    pictures, earlier = uploaded_pictures([upload(sticker), upload(pack), upload(sticker)])
    assert [item.name for item in pictures] == [
        "sticker.png",
        "pack.zip/one.png",
        "pack.zip/two.png",
        "sticker.png (2)",
    ]
    assert earlier == []


@pytest.mark.usefixtures("uploads")
def test_too_many_pictures_are_refused_with_the_way_to_read_them(pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many, "MAX_PICTURES", 1)
    with pytest.raises(InputError, match="kcdp understand"):
        uploaded_pictures([upload(pack.with_name("sticker.png")), upload(pack.with_name("sticker.png"))])


def test_files_that_are_no_uploads_are_refused(pack: Path) -> None:
    for path in (pack, pack.with_name("sticker.png"), pack.with_name("results.jsonl")):
        with pytest.raises(ImageError, match="is no upload"):
            uploaded_pictures([upload(path)])


def test_rows_of_earlier_results_are_taken_and_other_lines_left(uploads: Path) -> None:
    good = {"path": "a.png", "emotion": "awe", "probabilities": {"awe": 1.0}}
    lines = [
        good,
        {"path": "b.png", "error": "No."},
        {"path": "c.png", "emotion": "awe", "probabilities": {}},
        [],
        {"x": 1},
    ]
    text = "\n".join(map(json.dumps, lines)) + "\nno json"
    (uploads / "results.jsonl").write_text(text)
    _, earlier = uploaded_pictures([upload(uploads / "results.jsonl")])
    assert [row.name for row in earlier] == ["a.png", "b.png"]


def test_pictures_are_read_shown_filtered_and_downloaded(
    page: Page, url: str, files: Path, pack: Path, tmp_path: Path
) -> None:
    open_tab(page, url, "Many pictures")
    page.locator("#many-read").click()
    expect(page.locator("#many-status [role=alert]")).to_contain_text("No picture arrived")
    page.locator("#many-files input[type=file]").set_input_files([pack, files / "broken.png", files / "moving.gif"])
    expect(page.locator("#many-files").get_by_text("moving")).to_be_visible()
    page.locator("#many-read").click()
    expect(page.locator("#many-status strong")).to_have_text("contentment")
    expect(page.locator("#many-status")).to_contain_text("On average, over 3 pictures that were read, they lean to")
    expect(page.locator("#many-table tbody tr")).to_have_count(4)
    expect(page.locator("#many-table img")).to_have_count(3)
    page.locator("#many-least input[type=number]").fill("60")
    expect(page.locator("#many-table")).to_contain_text("No picture fits")
    with page.expect_download() as download:
        page.locator("#many-jsonl").click()
    results = tmp_path / "results.jsonl"
    results.write_bytes(Path(download.value.path()).read_bytes())
    assert len(results.read_text().splitlines()) == 4
