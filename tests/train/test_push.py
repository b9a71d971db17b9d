"""Pushing: what would be pushed, what must not be, and what is said to the Hub (which is not asked)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from train import push
from train.push import ROOT, SPACE, PushError, build_space, check_bundle, main

CARD = "---\nlicense: apache-2.0\n---\n# A bundle\n"
FRONT = """---
title: A title
sdk: gradio
sdk_version: 6.31.0
app_file: app.py
license: apache-2.0
short_description: Short
---
"""


@pytest.fixture
def root(tmp_path) -> Path:
    """A small project of the same layout."""
    files = {
        "app.py": "import argparse\nfrom kcdp.ui import page\n",
        "requirements.txt": "gradio==6.31.0\npillow==12.3.0\n",
        "README.md": FRONT,
        "LICENSE": "",
        "NOTICE": "",
        "kcdp/__init__.py": "",
        "kcdp/ui/__init__.py": "",
        "kcdp/ui/page.py": "import gradio\nfrom PIL import Image\n",
        "kcdp/metrics.py": "import sklearn\n",
        "kcdp/__pycache__/page.pyc": "",
        "assets/mini/model_index.json": "{}",
        "train/stage.py": "",
    }
    for name, text in files.items():
        (tmp_path / "root" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "root" / name).write_text(text)
    return tmp_path / "root"


def test_a_space_is_the_app_and_nothing_of_training(root, tmp_path):
    content = build_space(tmp_path / "space", root)
    names = {str(path) for path in content.files}
    assert {"app.py", "kcdp/ui/page.py", "assets/mini/model_index.json"} <= names
    assert not [name for name in names if "pycache" in name or name.startswith("train")]
    assert content.report().endswith(f"in {len(names)} files")
    (root / "kcdp/metrics.py").unlink()
    assert "kcdp/metrics.py" not in map(str, build_space(tmp_path / "space", root).files)


def test_this_repository_makes_a_space(tmp_path):
    content = build_space(tmp_path / "space")
    assert sorted(path.name for path in (tmp_path / "space").iterdir()) == sorted(SPACE)
    assert max(map(content.size, content.files)) <= push.LARGEST


def one_sentence(error) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("kcdp/ui/page.py", "from train.stage import x\n", r"page\.py' imports 'train', which a Space has not"),
        ("kcdp/ui/page.py", "def f():\n    import sklearn\n", r"page\.py' imports 'sklearn', which a Space has not"),
        ("kcdp/ui/page.py", "from kcdp import metrics\n", r"metrics\.py' imports 'sklearn', which a Space has not"),
        ("kcdp/ui/__init__.py", "import torch\n", r"imports 'torch'"),
        ("requirements.txt", "gradio>=6\n", r"'gradio>=6' in requirements\.txt is not pinned"),
        (
            "requirements.txt",
            "gradio==6.30.0\npillow==12.3.0\n",
            r"gradio 6\.31\.0 and requirements\.txt gradio 6\.30\.0",
        ),
        ("README.md", "# No settings\n", r"has no front matter"),
        ("README.md", "---\ntitle: [\n---\n", r"is not YAML"),
        ("README.md", FRONT.replace("license", "licence"), r"has no 'license'"),
        ("README.md", FRONT.replace("app.py", "main.py"), r"app_file 'main\.py' is not there"),
        ("README.md", FRONT.replace("Short", "Long " * 20), r"longer than 60 characters"),
        ("assets/mini/weights.safetensors", "x" * (push.LARGEST + 1), r"a Space takes 10,485,760 a file.*KCDP_BUNDLE"),
        ("assets/mini/weights.ckpt", "", r"weights\.ckpt' is pickled"),
    ],
)
def test_a_space_that_could_not_start_is_one_sentence(root, tmp_path, name, text, sentence):
    (root / name).write_text(text)
    with pytest.raises(PushError, match=sentence) as error:
        build_space(tmp_path / "space", root)
    assert one_sentence(error)


def test_what_is_missing_or_in_the_way_is_one_sentence(root, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/novel.txt").write_text("a year's work")
    with pytest.raises(PushError, match="is not empty and holds no Space"):
        build_space(tmp_path / "full", root)
    assert (tmp_path / "full/novel.txt").is_file()
    (root / "NOTICE").unlink()
    with pytest.raises(PushError, match="A Space needs 'NOTICE'"):
        build_space(tmp_path / "space", root)


@pytest.fixture
def bundle(tmp_path) -> Path:
    folder = tmp_path / "bundle"
    (folder / "vae").mkdir(parents=True)
    for name, text in (("model_index.json", "{}"), ("README.md", CARD), ("vae/w.safetensors", "1234"), (".cache", "")):
        (folder / name).write_text(text)
    return folder


class FakeHub:
    """Keeps what it is told."""

    calls: tuple = ()

    def create_repo(self, name, **options):
        FakeHub.calls += ((name, options),)
        return f"https://hub/{name}"

    def upload_folder(self, **options):
        FakeHub.calls += (options,)


@pytest.fixture
def fake_hub(monkeypatch):
    monkeypatch.setattr(push, "HfApi", FakeHub)
    monkeypatch.setattr(FakeHub, "calls", ())
    return FakeHub


def test_a_dry_run_lists_every_file_and_pushes_none(bundle, fake_hub, capsys):
    for arguments in ([str(bundle)], [str(bundle), "me/bundle", "--dry-run"]):
        main(arguments)
        said = capsys.readouterr().out
        assert "4  vae/w.safetensors" in said and "in 3 files" in said and "Nothing was pushed." in said
    assert fake_hub.calls == ()


def test_a_bundle_is_pushed_as_a_model_with_what_was_listed(bundle, fake_hub, capsys):
    main([str(bundle), "me/bundle"])
    (name, made), sent = fake_hub.calls
    assert name == "me/bundle" and made["repo_type"] == "model" and made["space_sdk"] is None
    assert sent["folder_path"] == bundle and sent["repo_id"] == "me/bundle"
    assert sent["allow_patterns"] == ["README.md", "model_index.json", "vae/w.safetensors"]
    assert "Pushed to https://hub/me/bundle" in capsys.readouterr().out


def test_a_space_is_pushed_as_it_was_built(tmp_path, fake_hub):
    main(["--space", str(tmp_path / "space"), "me/space"])
    (_, made), sent = fake_hub.calls
    assert made["repo_type"] == sent["repo_type"] == "space" and made["space_sdk"] == "gradio"
    assert "app.py" in sent["allow_patterns"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda folder: (folder / "README.md").unlink(), "has no front matter"),
        (lambda folder: (folder / "README.md").write_text("---\ntags: []\n---\n"), "names no license"),
        (lambda folder: (folder / "vae/pytorch_model.bin").touch(), "is pickled"),
        (lambda folder: (folder / "model_index.json").unlink(), "is not a bundle"),
        (lambda folder: shutil.rmtree(folder), "neither a folder here"),
    ],
)
def test_what_is_no_bundle_to_push_is_one_sentence(bundle, change, sentence):
    change(bundle)
    with pytest.raises(SystemExit, match=sentence) as error:
        main([str(bundle)])
    assert one_sentence(error)


def test_a_refusal_is_one_sentence(bundle, fake_hub, monkeypatch):
    def refuse(self, name, **options):
        raise OSError("403 Forbidden\nfor this token")

    monkeypatch.setattr(FakeHub, "create_repo", refuse)
    with pytest.raises(SystemExit, match=r"Nothing was pushed to 'me/bundle'; log in with `hf auth login`") as error:
        main([str(bundle), "me/bundle"])
    assert one_sentence(error)


def test_the_embedded_bundle_may_be_pushed():
    assert Path("model_index.json") in check_bundle(ROOT / "assets" / "mini").files
