import json
import logging

import pytest
from PIL import Image

from train.data.folder import FolderError, load_folder


def write(root, rows):
    (root / "metadata.jsonl").write_text("\n".join(json.dumps(row) for row in rows) + "\n\n", encoding="utf-8")


@pytest.fixture
def root(tmp_path):
    Image.new("RGB", (20, 10), "red").save(tmp_path / "a.jpg")
    Image.new("RGBA", (10, 10), "blue").save(tmp_path / "b.png")
    return tmp_path


def test_a_folder_becomes_records(root):
    write(
        root,
        [
            {"file_name": "a.jpg", "text": "a dog is sitting in the snow", "emotion": "amusement", "license": "CC0"},
            {"file_name": "b.png", "split": "validation"},
        ],
    )
    first, second = load_folder(root)
    assert first["captions"] == ["a dog is sitting in the snow", "a funny dog is sitting in the snow"]
    assert (first["emotion"], first["split"], first["license"]) == ("amusement", "train", "CC0")
    assert (second["caption"], second["noun"], second["emotion"]) == ("a picture", None, None)
    assert (second["split"], second["license"], second["domain"]) == ("val", "unknown", "folder")
    assert first["image"].size == (20, 10)
    assert first["style"] == root.name


def test_broken_pictures_are_left_out_and_named(root, caplog):
    (root / "broken.png").write_bytes(b"no picture")
    whole = (root / "b.png").read_bytes()
    (root / "cut.png").write_bytes(whole[: len(whole) // 2])
    write(root, [{"file_name": name} for name in ("broken.png", "a.jpg", "cut.png", "gone.png")])
    with caplog.at_level(logging.WARNING):
        assert len(load_folder(root)) == 1
    assert "3 of 4" in caplog.text
    for name in ("broken.png", "cut.png", "gone.png"):
        assert name in caplog.text


def test_other_label_spaces_can_be_given(root):
    write(root, [{"file_name": "a.jpg", "emotion": "joy"}])
    assert load_folder(root, emotions=("joy", "sad"))["emotion"][:] == ["joy"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"text": "no name"}, "Line 1 .* has no file_name"),
        ({"file_name": "a.jpg", "emotion": "joyful"}, "unknown emotion 'joyful'; use amusement"),
        ({"file_name": "a.jpg", "split": "dev"}, "unknown split 'dev'"),
        ({"file_name": "../a.jpg"}, "lies outside"),
        ({"file_name": "gone.png"}, "No picture"),
    ],
)
def test_wrong_lines_are_refused(root, row, message):
    write(root, [row])
    with pytest.raises(FolderError, match=message):
        load_folder(root)


def test_missing_or_broken_metadata(root):
    with pytest.raises(FolderError, match=r"has no metadata\.jsonl"):
        load_folder(root)
    (root / "metadata.jsonl").write_text("{")
    with pytest.raises(FolderError, match=r"Line 1 .* is not JSON"):
        load_folder(root)


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\u0085"])
def test_what_some_programs_take_for_the_end_of_a_line_is_text(root, separator):
    rows = [{"file_name": name, "text": f"a red{separator}square"} for name in ("a.jpg", "b.png")]
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    (root / "metadata.jsonl").write_text(text, encoding="utf-8")
    assert load_folder(root)["caption"][:] == [f"a red{separator}square"] * 2


@pytest.mark.parametrize(("mark", "end"), [(b"\xef\xbb\xbf", b"\n"), (b"", b"\r\n"), (b"\xef\xbb\xbf", b"\r\n")])
def test_byte_order_marks_and_other_line_ends(root, mark, end):
    lines = [json.dumps({"file_name": name, "text": "x"}).encode() for name in ("a.jpg", "b.png")]
    (root / "metadata.jsonl").write_bytes(mark + end.join(lines) + end)
    assert len(load_folder(root)) == 2


def test_a_file_in_another_encoding_is_one_sentence(root):
    (root / "metadata.jsonl").write_bytes('{"file_name": "a.jpg"}'.encode("utf-16"))
    with pytest.raises(FolderError, match=r"cannot be read .*; save it as UTF-8"):
        load_folder(root)


def test_a_picture_that_the_app_refuses_is_left_out(root, caplog):
    Image.new("RGB", (200, 8), "red").save(root / "strip.png")
    write(root, [{"file_name": name} for name in ("a.jpg", "strip.png")])
    with caplog.at_level(logging.WARNING):
        assert len(load_folder(root)) == 1
    assert "strip.png" in caplog.text
