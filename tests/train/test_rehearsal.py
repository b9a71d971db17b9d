"""A Space rehearsed: installed with no index to install from, and an app that answers as ours does."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from PIL import Image

from train import push
from train.rehearsal import Rehearsal, RehearsalError, find_python, install, read_sticker, space_variables

APP = """
import os
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
import gradio as gr

def understand(upload):
    assert os.environ["SPACE_ID"] and "KCDP_BUNDLE" not in os.environ
    return {answer}, []

with gr.Blocks() as app:
    gr.Button().click(
        understand, [gr.Image(type="filepath")], [gr.JSON(), gr.Gallery()], api_name="understand"
    )
_, url, _ = app.launch(prevent_thread_lock=True, quiet=True, ssr_mode=False)
print("a line before", flush=True)
print("ready at", url, "in 0.1 s", flush=True)
app.block_thread()
"""


def space(folder: Path, app: str) -> Path:
    (folder / "assets/examples").mkdir(parents=True)
    Image.new("RGB", (32, 32), "gold").save(folder / "assets/examples/awe.png")
    (folder / "app.py").write_text(app)
    return folder


def test_the_python_is_the_spaces(monkeypatch):
    assert find_python(f"{sys.version_info.major}.{sys.version_info.minor}").is_file()
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RehearsalError, match=r"runs on Python 2\.7, which is not installed here"):
        find_python("2.7")


def test_what_pip_cannot_install_is_one_sentence(tmp_path, monkeypatch):
    for name, value in (("PIP_NO_INDEX", "1"), ("PIP_FIND_LINKS", ""), ("PIP_CONFIG_FILE", "/dev/null")):
        monkeypatch.setenv(name, value)
    python = find_python(f"{sys.version_info.major}.{sys.version_info.minor}")
    (tmp_path / "requirements.txt").write_text("nobody-has-this==1.0\n")
    sentence = "cannot be installed together: ERROR: No matching distribution found for nobody-has-this==1.0"
    with pytest.raises(RehearsalError, match=sentence) as error:
        install(python, tmp_path / "venv", tmp_path)
    assert "\n" not in str(error.value)
    (tmp_path / "requirements.txt").write_text("")
    own = install(python, tmp_path / "venv", tmp_path, ["pip"])
    assert own.is_relative_to(tmp_path) and own.exists()


def test_a_sticker_is_read_in_the_built_folder_as_on_a_space(tmp_path, monkeypatch):
    monkeypatch.setenv("KCDP_BUNDLE", "somewhere")
    answer = {"emotion": "awe", "probabilities": {"awe": 0.75, "fear": 0.25}}
    seconds, sticker, emotion = read_sticker(
        Path(sys.executable), space(tmp_path, APP.replace("{answer}", repr(answer)))
    )
    assert (sticker, emotion) == ("awe.png", "awe") and seconds > 0


@pytest.mark.parametrize(
    ("app", "sentence"),
    [
        (APP.replace("{answer}", json.dumps({"probabilities": {"awe": 0.5}})), "answer to a sticker is no reading"),
        ("raise SystemExit('There are no weights.')", r"ended before it was ready: There are no weights\."),
    ],
)
def test_an_app_that_does_not_answer_is_one_sentence(tmp_path, app, sentence):
    with pytest.raises(RehearsalError, match=sentence):
        read_sticker(Path(sys.executable), space(tmp_path, app))


def test_nothing_of_whoever_rehearses_is_there(monkeypatch):
    for name in ("HF_TOKEN", "PYTHONPATH", "GRADIO_SHARE"):
        monkeypatch.setenv(name, "x")
    assert not {"HF_TOKEN", "PYTHONPATH", "GRADIO_SHARE"} & set(space_variables())


def test_a_dry_run_of_a_space_rehearses_what_its_front_matter_asks_for(tmp_path, monkeypatch, capsys):
    asked = []

    def rehearse(*values):
        asked.append(values)
        return Rehearsal(61.2, 7.04, "awe.png", None)

    monkeypatch.setattr(push, "rehearse", rehearse)
    monkeypatch.setattr(push, "HfApi", lambda: pytest.fail("the Hub was asked"))
    push.main(["--space", str(tmp_path / "space"), "me/space", "--dry-run"])
    settings = push.front_matter(push.ROOT / "README.md")
    assert asked == [(tmp_path / "space", settings["python_version"], settings["sdk_version"])]
    said = capsys.readouterr().out
    assert "Installed in 61 s; the page was ready after 7.0 s. The emotion of awe.png cannot be told." in said
    assert said.endswith("Nothing was pushed.\n")
    monkeypatch.setattr(push, "rehearse", lambda *_: pytest.fail("nobody asked for it"))
    push.main(["--space", str(tmp_path / "space")])
