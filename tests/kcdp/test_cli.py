from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from kcdp import cli
from kcdp.batch import ResultFile, understand_pictures
from kcdp.bundle import BundleError
from kcdp.results import VerdictOutput
from tests.fake_bundle import FakeBundle, FakeUniEmo, fake_bundle
from tests.two_processes import in_two_processes

ROOT = Path(__file__).parents[2]


@pytest.fixture
def uniemo(monkeypatch: pytest.MonkeyPatch) -> FakeUniEmo:
    """What the commands load in the place of a bundle."""
    uniemo = FakeUniEmo()
    monkeypatch.setattr(cli, "load", lambda *args, **options: fake_bundle(uniemo).result())
    return uniemo


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(5):
        Image.new("RGB", (16, 16), "gold").save(folder / f"{number}.png")
    return folder


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_understand_writes_a_line_a_picture_and_skips_what_is_there(
    uniemo: FakeUniEmo, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "results.jsonl"
    assert cli.main(["understand", str(pictures / "0.png"), str(pictures / "1.png"), "--out", str(out)]) == 0
    first = out.read_bytes()
    assert cli.main(["understand", str(pictures), "--out", str(out)]) == 0
    assert out.read_bytes().startswith(first)
    assert sorted(Path(row["path"]).name for row in rows(out)) == [f"{number}.png" for number in range(5)]
    assert {row["emotion"] for row in rows(out)} == {"contentment"} and '"heat"' not in out.read_text()
    monkeypatch.setattr(cli, "load", lambda *args, **options: fake_bundle(with_uniemo=False).result())
    Image.new("RGB", (16, 16)).save(pictures / "new.png")
    assert cli.main(["understand", str(pictures), "--out", str(out)]) == 0
    assert rows(out)[-1]["uniemo"] is None and len(rows(out)) == 6


def test_unreadable_pictures_are_named_and_told_by_the_exit_code(
    uniemo: FakeUniEmo, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (pictures / "2.png").write_text("this is no picture")
    assert cli.main(["understand", str(pictures)]) == cli.SOME_UNREADABLE
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 5 and f"{pictures / '2.png'}: " in err
    assert [json.loads(line)["error"] for line in out.splitlines() if "error" in json.loads(line)]


def test_what_ends_a_command_is_one_sentence(
    uniemo: FakeUniEmo, pictures: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*args: object, **options: object) -> None:
        raise BundleError("The bundle is damaged.")

    def sentence(*argv: str) -> str:
        assert cli.main(argv) == cli.FAILED
        return capsys.readouterr().err.splitlines()[-1]

    assert sentence("understand", str(pictures / "nowhere")).startswith("There is no file or folder")
    assert "'boredom' is not one of" in sentence("paint", "boredom")
    assert "cannot be read or written" in sentence(
        "understand", str(pictures), "--out", str(pictures / "0.png/results")
    )
    monkeypatch.setattr(cli, "load", broken)
    assert sentence("understand", str(pictures)) == "The bundle is damaged."
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert "add --out FILE" in sentence("understand", str(pictures))


def test_what_ends_a_run_in_the_middle_loses_nothing_and_nothing_is_read_again(
    uniemo: FakeUniEmo,
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An interrupt while the second batch is read, then a disk that is full while the third is written."""
    monkeypatch.setattr("kcdp.batch.understand_pictures", partial(understand_pictures, batch_size=1))
    out, plain, write = tmp_path / "results.jsonl", FakeBundle.read, ResultFile.write
    batches = 0

    def interrupted(self: FakeBundle, images: list, attention: bool) -> list:
        nonlocal batches
        batches += 1
        if batches == 2:
            raise KeyboardInterrupt
        return plain(self, images, attention)

    def half(self: ResultFile, results: list) -> None:
        if batches == 5:
            self._stream.write('{"path": "cut sh')
            self._stream.flush()
            raise OSError(errno.ENOSPC, "No space left on device")
        write(self, results)

    monkeypatch.setattr(FakeBundle, "read", interrupted)
    monkeypatch.setattr(ResultFile, "write", half)
    command = ["understand", str(pictures), "--out", str(out)]
    assert cli.main(command) == cli.INTERRUPTED and len(rows(out)) == 1
    assert "run the same command again" in capsys.readouterr().err
    assert cli.main(command) == cli.FAILED
    assert capsys.readouterr().err.splitlines()[-1].endswith("No space left on device.")
    assert cli.main(command) == cli.DONE
    assert sorted(Path(row["path"]).name for row in rows(out)) == [f"{number}.png" for number in range(5)]
    # What was at work when it ended, twice, and everything else once.
    assert batches == 5 + 2


def test_two_processes_share_pictures_and_one_that_is_killed_loses_none(
    uniemo: FakeUniEmo, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kcdp.batch.understand_pictures", partial(understand_pictures, batch_size=1))
    for number in range(5, 12):
        Image.new("RGB", (16, 16), (20 * number, 0, 0)).save(pictures / f"{number}.png")
    out, alone, plain = tmp_path / "results.jsonl", tmp_path / "alone.jsonl", FakeBundle.read
    command = ["understand", str(pictures), "--out"]
    assert cli.main([*command, str(alone)]) == cli.DONE
    calls = 0

    def killed(self: FakeBundle, images: list, attention: bool) -> list:
        nonlocal calls
        calls += 1
        if calls == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return plain(self, images, attention)

    def run() -> None:
        assert cli.main([*command, str(out)]) == cli.DONE

    with monkeypatch.context() as patch, pytest.raises(Exception, match="SIGKILL"):
        patch.setattr(FakeBundle, "read", killed)
        in_two_processes(run)
    parts = sorted(tmp_path.glob("results.jsonl.part-*"))
    assert 2 <= sum(len(rows(part)) for part in parts) <= 4 and not out.exists()
    in_two_processes(run)
    assert sorted(rows(out), key=str) == sorted(rows(alone), key=str) and len(rows(out)) == 12
    assert list(tmp_path.glob("results.jsonl.*")) == []


def test_a_picture_that_finds_no_room_leaves_nothing_behind(
    uniemo: FakeUniEmo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = Path.write_bytes

    def half(path: Path, content: bytes) -> None:
        plain(path, content[: len(content) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half)
    assert cli.main(["paint", "awe", "--out", str(tmp_path / "made")]) == cli.FAILED
    assert capsys.readouterr().err.splitlines()[-1].endswith("No space left on device.")
    assert os.listdir(tmp_path / "made") == []


def test_paint_names_files_by_emotion_and_seed_and_overwrites_none(uniemo: FakeUniEmo, tmp_path: Path) -> None:
    out = str(tmp_path / "made")
    command = ["paint", "awe=0.7,fear=0.3", "--thing", "a cat", "--number", "2", "--seed", "7", "--out", out]
    assert cli.main(command) == 0 and cli.main(command) == 0
    assert sorted(os.listdir(out)) == ["awe-fear-7-2.png", "awe-fear-7.png", "awe-fear-8-2.png", "awe-fear-8.png"]
    assert uniemo.calls[0]["emotion"] == {"awe": 0.7, "fear": 0.3} and uniemo.calls[0]["prompt"] == "a cat"
    assert cli.main(["paint", "AWE", "--out", out]) == 0 and uniemo.calls[-1]["emotion"] == "awe"


def test_stickers_are_square_cut_out_and_enlarged_where_the_bundle_can(
    uniemo: FakeUniEmo, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, enlarged = str(tmp_path / "made"), []
    assert cli.main(["paint", "awe", "--seed", "7", "--sticker", "webp", "--out", out]) == 0
    assert uniemo.calls[-1]["transparent"] is True
    monkeypatch.setattr(uniemo, "upscaler", object())
    monkeypatch.setattr(uniemo, "enlarge", lambda images: enlarged.extend(images) or images)
    assert cli.main(["refeel", str(pictures / "0.png"), "fear", "--seed", "7", "--sticker", "png", "--out", out]) == 0
    assert len(enlarged) == 1
    assert sorted(os.listdir(out)) == ["awe-7.webp", "fear-7.png"]
    for name, kind in (("awe-7.webp", "WEBP"), ("fear-7.png", "PNG")):
        with Image.open(tmp_path / "made" / name) as sticker:
            assert (sticker.format, sticker.size) == (kind, (512, 512))
            assert sticker.convert("RGBA").getpixel((2, 2))[3] == 0
    assert cli.main(["paint", "awe", "--out", out]) == 0
    assert uniemo.calls[-1]["transparent"] is False
    assert uniemo.calls[-1]["num_inference_steps"] is None


@pytest.mark.parametrize(
    ("emotion", "leaning", "said"),
    [("awe", "awe", "read as awe, 60%"), (None, "awe", "nearest to awe, 60%"), (None, None, "nothing is read in it")],
)
def test_what_is_read_in_a_painted_picture_is_the_verdict(
    uniemo: FakeUniEmo,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    emotion: str | None,
    leaning: str | None,
    said: str,
) -> None:
    verdict = VerdictOutput(emotion, leaning, {"awe": 0.6, "fear": 0.4}, "Mikels-8")
    monkeypatch.setattr(FakeBundle, "read", lambda self, images, attention: [verdict] * len(images))
    assert cli.main(["paint", "awe", "--seed", "7", "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out.strip().endswith(f"awe-7.png: {said}")


def test_quality_paints_with_the_bundles_other_painter(
    uniemo: FakeUniEmo, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, other = str(tmp_path / "made"), FakeUniEmo()
    monkeypatch.setattr(FakeBundle, "quality", property(lambda _: other))
    for arguments in (["paint", "awe"], ["refeel", str(pictures / "0.png"), "fear"]):
        before = len(uniemo.calls), len(other.calls)
        assert cli.main([*arguments, "--out", out]) == 0
        assert cli.main([*arguments, "--quality", "--out", out]) == 0
        assert (len(uniemo.calls), len(other.calls)) == (before[0] + 1, before[1] + 1)


def test_refeel_takes_a_name_or_a_picture_for_the_emotion(uniemo: FakeUniEmo, pictures: Path, tmp_path: Path) -> None:
    source, out = str(pictures / "0.png"), ["--seed", "3", "--out", str(tmp_path / "made")]
    assert cli.main(["refeel", source, "Fear", "--strength", "0.4", *out]) == 0
    assert uniemo.calls[-1]["emotion"] == "fear" and uniemo.calls[-1]["strength"] == 0.4
    assert cli.main(["refeel", source, str(pictures / "1.png"), *out]) == 0
    assert sorted(os.listdir(tmp_path / "made")) == ["fear-3.png", "picture-3.png"]


def test_help_has_examples_and_needs_no_model_libraries() -> None:
    code = "import sys; sys.argv[1:] = ['--help']\nfrom kcdp.cli import main\ntry: main()\nfinally: print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "kcdp understand stickers/" in done.stdout and done.stdout.endswith("False\n")
    wrong = subprocess.run([sys.executable, "-m", "kcdp", "listen"], cwd=ROOT, capture_output=True, text=True)
    assert wrong.returncode == 2 and "invalid choice" in wrong.stderr
