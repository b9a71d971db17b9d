"""Two builds side by side, with builds of a few lines in the place of this one."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from train.benchmarks import builds
from train.benchmarks.builds import App, Worker, checked_out, measure_builds
from train.benchmarks.timing import Stopwatch

BUNDLE = """
class Reading:
    def __init__(self, said): self.said = said
    def to_dict(self): return self.said

class UniEmo:
    def understand(self, picture): return Reading("old uniemo")
    def set_progress_bar_config(self, disable): assert disable
    def __call__(self, emotion, **options): self.seeds = [emotion, options]; return self

class Bundle:
    uniemo = UniEmo()
    def kcdp(self, picture): return Reading("old kcdp")
"""
VERDICTS = "    def read(self, picture, attention): print('noise'); return Reading([picture, attention])\n"
PAGE = """
import http.server, sys, time
time.sleep(0.5)
print("page", flush=True)
port = int(sys.argv[sys.argv.index("--port") + 1])
http.server.HTTPServer(("127.0.0.1", port), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


def write_build(tree: Path, verdicts: bool) -> Path:
    (tree / "kcdp").mkdir(parents=True)
    bundle = BUNDLE + VERDICTS * verdicts + "\ndef load_bundle(): return Bundle()\n"
    (tree / "kcdp" / "__init__.py").write_text(bundle, encoding="utf-8")
    (tree / "app.py").write_text(PAGE, encoding="utf-8")
    return tree


class Client:
    """Of gradio's client what the benchmark calls."""

    asked: list[tuple[str, str]]

    def __init__(self, url: str, verbose: bool) -> None:
        self.url = url

    def predict(self, given: dict | str, *others: str, api_name: str, **options: object) -> None:
        self.asked.append((given if isinstance(given, str) else given["path"], api_name))

    def close(self) -> None:
        pass


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose first revision has no verdicts, and whose working tree has."""
    tree = write_build(tmp_path / "tree", verdicts=False)
    git = ["git", "-C", str(tree), "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *command], check=True)
    (tree / "kcdp" / "__init__.py").unlink()
    (tree / "kcdp").rmdir()
    (tree / "app.py").unlink()
    write_build(tree, verdicts=True)
    monkeypatch.setattr(builds, "ROOT", tree)
    return tree


def test_a_worker_does_what_its_build_can(tmp_path: Path) -> None:
    new, old = (write_build(tmp_path / name, verdicts) for name, verdicts in (("new", True), ("old", False)))
    with Worker(new) as worker:
        answer = worker.request("read", picture="a.png", attention=False)
        assert answer["result"] == ["a.png", False] and 0 < answer["seconds"] < answer["until_now"]
        assert worker.request("paint", emotion="awe", seed=7, steps=None)["result"] == ["awe", {"seed": 7}]
        assert worker.request("paint", emotion="awe", seed=7, steps=4)["result"][1]["num_inference_steps"] == 4
    with Worker(old, clock="cpu", threads=1) as worker:
        assert worker.request("read", picture="a.png", attention=True)["result"] == ["old kcdp", "old uniemo"]
        with pytest.raises(RuntimeError, match="that should 'read' ended without an answer"):
            worker.request("read", other="argument")


def test_a_revision_is_there_for_as_long_as_it_is_used(repository: Path) -> None:
    with checked_out("HEAD") as tree:
        assert "def read" not in (tree / "kcdp" / "__init__.py").read_text()
    assert not tree.exists()
    assert len(builds._git("worktree", "list").stdout.splitlines()) == 1
    with (
        pytest.raises(ValueError, match=r"The revision 'nowhere' cannot be checked out: .*nowhere"),
        checked_out("nowhere"),
    ):
        pass


def test_every_repeat_shows_both_builds_the_same_new_picture(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Client.asked = []
    monkeypatch.setattr(builds, "Client", Client)
    monkeypatch.setattr(builds, "LIBRARIES", "import json")
    rows = list(measure_builds("HEAD", Stopwatch(2)))
    assert [row.name.split(",")[0] for row in rows] == [
        "one sticker's whole result",
        "the same",
        "one picture painted as the pipeline does by itself",
        "import",
        "the same",
        "one sticker over the API",
        "peak memory of the page after 3 readings",
        "and after 5 paintings",
    ]
    assert rows[4].ours == rows[3].ours and min(rows[4].plain or ()) > 0
    rows.pop(4)
    assert all(len(row.ours) == len(row.plain or ()) == 2 and "beside HEAD" in row.name for row in rows[:-2])
    assert all(row.unit == "MB" and 5 < row.ours[0] < 1000 for row in rows[-2:])
    assert [name for given, name in Client.asked if given == "amusement"] == ["/fuse"] * 10
    pictures = [Path(picture).name for picture, name in Client.asked if name == "/understand"]
    assert pictures == ["0.png", "0.png", "1.png", "1.png", "2.png", "2.png"]


def test_a_page_that_ends_at_once_is_no_page(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("print('no bundle')", encoding="utf-8")
    with pytest.raises(RuntimeError, match=r"ended before it answered; run `python app.py` there"):
        App(tmp_path)
