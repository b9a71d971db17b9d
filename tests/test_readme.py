"""What README shows other programs to do with the running app, done."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import pytest
from PIL import Image

from tests.app_page import serve
from tests.fake_bundle import fake_bundle

_README = Path(__file__).parents[1] / "README.md"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    yield serve(fake_bundle()).rstrip("/")
    gr.close_all()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a sticker."""
    Image.new("RGB", (32, 32), "gold").save(tmp_path / "sticker.png")
    return tmp_path


def example(language: str, word: str, url: str) -> str:
    """The one block of README in a language that has a word in it, for the app at an address."""
    text = _README.read_text(encoding="utf-8")
    [block] = [one for one in re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL) if word in one]
    return block.replace("http://127.0.0.1:7860", url)


def run(command: list[str], folder: Path) -> str:
    if shutil.which(command[0]) is None:
        pytest.skip(f"There is no {command[0]} on the PATH.")
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=True).stdout


def test_python(url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    names: dict = {}
    exec(example("python", "gradio_client", url), names)
    assert names["result"]["emotion"] == "contentment" and names["made"]["seeds"] == [7, 8, 9, 10]


def test_plain_http(url: str, folder: Path) -> None:
    if shutil.which("curl") is None or shutil.which("jq") is None:
        pytest.skip("There is no curl or no jq on the PATH.")
    answer = run(["bash", "-ec", example("bash", "gradio_api", url)], folder)
    data = re.search(r"event: complete\ndata: (.*)", answer)
    assert data and json.loads(data[1])[0]["emotion"] == "contentment"


def test_javascript(url: str, folder: Path) -> None:
    script = f"""{example("javascript", "understand", url)}
import {{ readFileSync }} from "node:fs";
const file = (content) => new File([content], "sticker.png");
console.log(JSON.stringify(await understand(file(readFileSync("sticker.png")))));
try {{ await understand(file("no picture")); }} catch (error) {{ console.log(error.message); }}
"""
    (folder / "example.mjs").write_text(script)
    result, error = run(["node", "example.mjs"], folder).splitlines()
    assert json.loads(result)["emotion"] == "contentment"
    assert error.startswith("“sticker.png” is a text file and not a picture")
