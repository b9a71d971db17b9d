"""The benchmark's rows and what it prints; how fast anything is, no test can say."""

import json
import re

import pytest
import torch

from tests.tiny_pipeline import tiny_pipeline
from tests.tiny_uniemo import tiny_uniemo
from train import benchmark, full_size
from train.benchmarks.full import full_shapes, measure_full
from train.benchmarks.timing import Stopwatch
from train.full_size import FullSize


@pytest.fixture
def narrow(monkeypatch):
    """The published architectures with fewer pixels, channels and layers."""
    monkeypatch.setitem(full_size.UNET, "sample_size", 16)
    monkeypatch.setitem(full_size.UNET, "block_out_channels", (32,) * 4)
    monkeypatch.setitem(full_size.UNET, "layers_per_block", 1)
    monkeypatch.setitem(full_size.VAE, "block_out_channels", (32,) * 4)
    monkeypatch.setitem(full_size.TEXT, "num_hidden_layers", 1)
    tower = {"hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 2, "patch_size": 32}
    monkeypatch.setitem(full_size.VISION, "L/14", tower)


def test_full_prints_shapes_rows_and_memory(narrow, monkeypatch, capsys, tmp_path):
    rows = tmp_path / "rows.json"
    command = ["benchmark.py", "--full", "--repeats", "1", "--batch_size", "1"]
    monkeypatch.setattr("sys.argv", [*command, "--output", str(rows)])
    benchmark.main()
    printed = capsys.readouterr().out
    # 6 cross-attentions fewer than in the published one, all 32 channels wide.
    assert f"KGCA {2 * 10 * 8 * (768 + 32)} of them" in printed
    assert "k (1, 154, 768)" in printed and "v (1, 1024)" in printed and "all finite: True" in printed
    found = json.loads(rows.read_text())
    assert len(found) == 5 and len(re.findall(r"^\| .*beside.* \|$", printed, re.MULTILINE)) == 4
    assert "1 picture painted in 1 step, beside" in printed
    assert all(min(row["ours"]) > 0 and (row["plain"] is None) == (row["pictures"] is None) for row in found)
    assert re.search(r"Peak memory of the process: \d+ MiB", printed)


def test_the_plain_side_has_as_much_to_learn_and_leaves_the_denoiser_alone(narrow):
    full = FullSize.build("cpu", torch.float32)
    latents, states, _ = full_shapes(full, 1)
    before = full.visual(latents, states)
    measure_full(full, latents, states, Stopwatch(1), steps=2)
    torch.testing.assert_close(full.visual(latents, states), before)
    assert not any(parameter.requires_grad for parameter in full.unet.parameters())


def test_a_bundle_is_measured_with_what_it_has(tiny_tokenizer, monkeypatch, capsys, tmp_path):
    kcdp = tiny_pipeline(tiny_tokenizer)
    kcdp.save_pretrained(tmp_path / "bundle")
    command = ["benchmark.py", "--bundle", str(tmp_path / "bundle"), "--repeats", "1", "--batch_size", "2"]
    written = tmp_path / "table.md"
    monkeypatch.setattr("sys.argv", [*command, "--inference_steps", "2", "--markdown", str(written)])
    benchmark.main()
    printed = capsys.readouterr().out
    assert "cannot make pictures" in printed and "painted" not in printed
    # A denoiser, k, experts, captions; three sizes of batches; the command; a step of training.
    assert len(re.findall(r"^\| .*beside.* \|$", printed, re.MULTILINE)) == 9
    assert "`kcdp understand` of 64 stickers, beside a loop of calls |" in printed
    tiny_uniemo(kcdp).save_pretrained(tmp_path / "bundle")
    benchmark.main()
    printed = capsys.readouterr().out
    assert written.read_text() == printed
    assert "cannot make pictures" not in printed
    assert len(re.findall(r"^\| .*beside.* \|$", printed, re.MULTILINE)) == 13
    assert re.search(r"one picture of 2 steps and what it is read as.* \| \d+\.\d \| \d+\.\d \| \d+\.\d\d \(", printed)
    assert re.search(r"whole result, beside its networks' bare calls \| \d+\.\d \| \d+\.\d \|", printed)


def test_builds_are_compared_alone_when_nothing_of_a_bundle_is_asked_for(monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(benchmark, "measure_builds", lambda *given: asked.append(given) or [])
    monkeypatch.setattr(benchmark, "load_bundle", lambda _: pytest.fail("loaded a bundle"))
    monkeypatch.setattr("sys.argv", ["benchmark.py", "--what", "", "--against", "HEAD", "--repeats", "3"])
    benchmark.main()
    assert asked == [("HEAD", Stopwatch(3), 0)]
    assert "| | ours, ms |" in capsys.readouterr().out
