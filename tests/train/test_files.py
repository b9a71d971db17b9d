import os
import signal
from multiprocessing import get_context

import pytest
from PIL import Image

from train import files
from train.files import recover_folder, replace_folder, write_file, write_folder, write_json, write_picture, write_text


def test_files_come_whole_with_their_folder_or_not_at_all(tmp_path):
    path = tmp_path / "deep/er/text.md"
    write_text(path, "old")
    write_text(path, "n\u00e4her")
    assert path.read_text(encoding="utf-8") == "n\u00e4her"

    def fail(aside):
        aside.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_file(path, fail)
    assert path.read_text(encoding="utf-8") == "n\u00e4her"
    assert [one.name for one in path.parent.iterdir()] == ["text.md"]


def test_json_and_pictures(tmp_path):
    write_json(tmp_path / "a.json", {"\u00e4": [1]})
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == '{\n "\u00e4": [\n  1\n ]\n}\n'
    write_picture(tmp_path / "a.png", Image.new("RGB", (2, 3), "red"))
    with Image.open(tmp_path / "a.png") as picture:
        assert (picture.format, picture.size, picture.getpixel((0, 0))) == ("PNG", (2, 3), (255, 0, 0))


def test_two_writers_use_two_names(tmp_path):
    names = []
    for _ in range(2):
        write_file(tmp_path / "a", lambda aside: (names.append(aside.name), aside.write_text("")))
    assert len(set(names)) == 2


def killed(run):
    """Run `run` in a process that has to die of SIGKILL."""
    process = get_context("fork").Process(target=run)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL


def test_a_failed_write_leaves_the_old_folder(tmp_path):
    target = tmp_path / "here"
    write_folder(target, lambda folder: (folder / "a").write_text("old"))

    def fail(folder):
        (folder / "a").write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_folder(target, fail)
    assert (target / "a").read_text() == "old"
    write_folder(target, lambda folder: (folder / "b").write_text("new"))
    assert [path.name for path in target.iterdir()] == ["b"]
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


def test_a_folder_put_aside_comes_back(tmp_path, monkeypatch):
    target, source = tmp_path / "here", tmp_path / "new"
    for folder, text in ((target, "old"), (source, "new")):
        folder.mkdir()
        (folder / "a").write_text(text)
    with monkeypatch.context() as patch:
        calls = []
        patch.setattr(
            files.os,
            "replace",
            lambda a, b, original=os.replace: (
                os.kill(os.getpid(), signal.SIGKILL) if calls else calls.append(original(a, b))
            ),
        )
        killed(lambda: replace_folder(source, target))
    assert not target.exists()
    recover_folder(target)
    assert (target / "a").read_text() == "old"
    recover_folder(target)
    replace_folder(source, target)
    assert (target / "a").read_text() == "new"
