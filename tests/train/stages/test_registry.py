"""A new stage is one module and one line of the registry."""

import importlib.util
import json

import pytest

from train import train as command
from train.stages import registry

MODULE = '''
"""Counts the pictures of each emotion."""

from dataclasses import dataclass

from train.core.config import setting
from train.core.recipe import Recipe, StageSpec
from train.core.runs import stage_datasets
from train.files import write_json


@dataclass
class CountConfig:
    """What is counted."""

    least: int = setting(0, "Counts below this are left out.", "pictures")


def run(recipe: Recipe) -> dict[str, float]:
    """Count."""
    config = recipe.stage_settings("count", CountConfig).config
    train, _ = stage_datasets(recipe, "count")
    found = {name: int((train.labels == label).sum()) for label, name in enumerate(train.emotions)}
    found = {name: count for name, count in found.items() if count >= config.least}
    write_json(recipe.run_dir("count") / "metrics.json", found)
    return found


SPEC = StageSpec("count", CountConfig, run)
'''


@pytest.fixture
def count(tmp_path, monkeypatch):
    path = tmp_path / "count.py"
    path.write_text(MODULE)
    spec = importlib.util.spec_from_file_location("count_stage", path)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(__import__("sys").modules, "count_stage", module)
    spec.loader.exec_module(module)
    monkeypatch.setitem(registry.STAGES, "count", module.SPEC)


def test_a_stage_is_a_module_and_a_line(count, tmp_path, capsys):
    line = ["--output_dir", str(tmp_path / "run"), "--stages", "count", "--drawn", "24", "--size", "16"]
    command.main([*line, "--count.least", "1"])
    found = json.loads((tmp_path / "run/count/metrics.json").read_text())
    assert sum(found.values()) > 5 and min(found.values()) >= 1
    with pytest.raises(SystemExit, match=r"'count\.least' cannot be 'few'"):
        command.main([*line, "--count.least", "few"])
    with pytest.raises(SystemExit):
        command.main(["--help"])
    assert "--count.least: Counts below this are left out. [pictures] Default: 0" in capsys.readouterr().out
