import json
import logging
import os
import signal
from dataclasses import replace
from multiprocessing import get_context

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from train import files
from train.core import trainer
from train.core.trainer import LoopConfig, run_stage, step_seed

CONFIG = LoopConfig(
    steps=12,
    batch_size=4,
    learning_rate=1e-2,
    warmup_steps=3,
    ema_decay=0.9,
    checkpoint_minutes=0.0,
    validate_every=4,
    seed=3,
)


class Net(nn.Module):
    """Linear regression through dropout, so that the loop's random state matters."""

    def __init__(self):
        super().__init__()
        self.frozen = nn.Linear(4, 8).requires_grad_(False)
        self.linear = nn.Linear(8, 1)

    def forward(self, x, y):
        hidden = nn.functional.dropout(self.frozen(x), 0.2, self.training)
        return {"loss": (self.linear(hidden) - y).square().mean()}


class TinyStage:
    name = "tiny"
    selection = "score"

    def __init__(self, scores=None, die_at=None):
        self.scores, self.die_at = scores, die_at
        self.batches, self.validated = 0, []

    def build(self):
        return Net()

    def batch(self, size, generator):
        if self.batches == self.die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.batches += 1
        x = torch.randn(size, 4, generator=generator)
        return {"x": x, "y": x.sum(1, keepdim=True)}

    def validate(self, model):
        assert not model.training
        self.validated.append(model.linear.weight.clone())
        generator = torch.Generator().manual_seed(99)
        x = torch.randn(32, 4, generator=generator)
        loss = model(x, x.sum(1, keepdim=True))["loss"].item()
        score = -loss if self.scores is None else self.scores[len(self.validated) - 1]
        # Which one chooses says `selection`, and not their order.
        return {"pictures": 32.0, "score": score, "loss": loss}

    def export(self, model, folder):
        save_file(model.state_dict(), folder / "model.safetensors")


def weights(folder):
    """All that a run leaves: what validation chose, and where the last checkpoint stands."""
    best, last = load_file(folder / "best/model.safetensors"), load_file(folder / "checkpoint/model.safetensors")
    return {f"best.{k}": v for k, v in best.items()} | {f"last.{k}": v for k, v in last.items()}


def killed(run):
    """Run `run` in a process that has to die of SIGKILL."""
    process = get_context("fork").Process(target=run)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL


def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    return run_stage(TinyStage(), CONFIG, folder), weights(folder)


def assert_same(folder, metrics, uninterrupted):
    expected_metrics, expected = uninterrupted
    assert metrics == expected_metrics
    found = weights(folder)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert torch.equal(found[name], value), name


@pytest.mark.parametrize("steps", [(0,), (1,), (5,), (11,), (2, 3, 4)])
def test_a_killed_run_ends_with_the_very_same_weights(tmp_path, uninterrupted, steps):
    for step in steps:
        killed(lambda step=step: run_stage(TinyStage(die_at=step), CONFIG, tmp_path))
    stage = TinyStage()
    assert_same(tmp_path, run_stage(stage, CONFIG, tmp_path), uninterrupted)
    assert stage.batches == CONFIG.steps - sum(steps)


def test_steps_since_the_last_checkpoint_are_walked_again(tmp_path, uninterrupted):
    rare = replace(CONFIG, checkpoint_minutes=60)
    killed(lambda: run_stage(TinyStage(die_at=6), rare, tmp_path))
    assert not (tmp_path / "checkpoint").exists()
    assert_same(tmp_path, run_stage(TinyStage(), rare, tmp_path), uninterrupted)


@pytest.mark.parametrize("rename", range(2))
def test_a_run_killed_while_it_renames_a_checkpoint_goes_on_from_one(tmp_path, uninterrupted, monkeypatch, rename):
    """Kill before either rename of the fourth checkpoint: of the old one aside, of the new one into its place."""
    replaced = []

    def dying_replace(source, target, original=os.replace):
        if "checkpoint" in os.fspath(target):
            replaced.append(target)
            # The first checkpoint has nothing to put aside.
            if len(replaced) == 1 + 2 * 2 + 1 + rename:
                die()
        original(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "replace", dying_replace)
        killed(lambda: run_stage(TinyStage(), CONFIG, tmp_path))
    stage = TinyStage()
    assert_same(tmp_path, run_stage(stage, CONFIG, tmp_path), uninterrupted)
    assert stage.batches == CONFIG.steps - 3


def test_a_run_killed_after_its_last_checkpoint_still_reports_its_metrics(tmp_path, uninterrupted, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(trainer, "write_json", die)
        killed(lambda: run_stage(TinyStage(), CONFIG, tmp_path))
    assert not (tmp_path / "metrics.json").exists()
    stage = TinyStage()
    assert_same(tmp_path, run_stage(stage, CONFIG, tmp_path), uninterrupted)
    assert stage.batches == 0


def test_a_finished_run_is_not_done_again(tmp_path, caplog):
    first = run_stage(TinyStage(), CONFIG, tmp_path)
    stage = TinyStage()
    stage.build = lambda: pytest.fail("built again")
    with caplog.at_level(logging.INFO):
        assert run_stage(stage, CONFIG, tmp_path) == first
    assert "already trained" in caplog.text
    assert json.loads((tmp_path / "metrics.json").read_text()) == first


def test_validation_chooses_the_best_checkpoint(tmp_path):
    stage = TinyStage(scores=[0.1, 0.7, 0.3])
    metrics = run_stage(stage, CONFIG, tmp_path)
    assert len(stage.validated) == 3
    assert metrics["score"] == 0.3
    assert torch.equal(load_file(tmp_path / "best/model.safetensors")["linear.weight"], stage.validated[1])


def test_the_best_score_survives_a_restart(tmp_path):
    killed(lambda: run_stage(TinyStage(scores=[0.9], die_at=5), CONFIG, tmp_path))
    before = load_file(tmp_path / "best/model.safetensors")
    run_stage(TinyStage(scores=[0.8, 0.2]), CONFIG, tmp_path)
    assert torch.equal(load_file(tmp_path / "best/model.safetensors")["linear.weight"], before["linear.weight"])


def test_the_average_is_validated_and_exported_and_never_trained_on(tmp_path, monkeypatch):
    """Slow reference: the same run without an average gives the weights of every step; average them by hand."""
    plain = replace(CONFIG, ema_decay=None, validate_every=1)
    stage = TinyStage()
    run_stage(stage, plain, tmp_path / "plain")
    walked = stage.validated
    torch.manual_seed(CONFIG.seed)
    expected = Net().linear.weight.clone()
    for step, value in enumerate(walked):
        decay = min(CONFIG.ema_decay, 1 - (1 + step) ** -0.75) if step else 0.0
        expected = decay * expected + (1 - decay) * value
    run_stage(TinyStage(), replace(CONFIG, validate_every=12), tmp_path / "average")
    best, last = (
        load_file(tmp_path / "average" / name / "model.safetensors")["linear.weight"] for name in ("best", "checkpoint")
    )
    torch.testing.assert_close(best, expected, rtol=1e-5, atol=1e-6)
    assert torch.equal(last, walked[-1])
    assert not torch.equal(best, last)


def test_frozen_parameters_stay_and_losses_fall(tmp_path):
    torch.manual_seed(CONFIG.seed)
    start = Net()
    stage = TinyStage()
    losses = []
    validate = stage.validate
    stage.validate = lambda model: losses.append(validate(model)) or losses[-1]
    run_stage(stage, replace(CONFIG, steps=60, validate_every=30, ema_decay=None, checkpoint_minutes=9), tmp_path)
    after = load_file(tmp_path / "best/model.safetensors")
    assert torch.equal(after["frozen.weight"], start.frozen.weight)
    assert losses[1]["loss"] < losses[0]["loss"]


def test_the_seed_decides_the_run(tmp_path, uninterrupted):
    run_stage(TinyStage(), replace(CONFIG, seed=4), tmp_path)
    assert not torch.equal(weights(tmp_path)["last.linear.weight"], uninterrupted[1]["last.linear.weight"])


def test_step_seeds_are_distinct():
    seeds = {step_seed(seed, step, process) for seed in range(3) for step in range(2000) for process in range(8)}
    assert len(seeds) == 3 * 2000 * 8


def test_a_killed_run_with_muon_ends_with_the_very_same_weights(tmp_path, uninterrupted):
    config, whole, cut = replace(CONFIG, optimizer="muon"), tmp_path / "whole", tmp_path / "cut"
    metrics = run_stage(TinyStage(), config, whole)
    killed(lambda: run_stage(TinyStage(die_at=7), config, cut))
    assert_same(cut, run_stage(TinyStage(), config, cut), (metrics, weights(whole)))
    assert not torch.equal(weights(whole)["last.linear.weight"], uninterrupted[1]["last.linear.weight"])


class NormNet(nn.Module):
    """A batch normalisation before a linear layer."""

    def __init__(self):
        super().__init__()
        self.norm, self.linear = nn.BatchNorm1d(4), nn.Linear(4, 1)

    def forward(self, x, y):
        return {"loss": (self.linear(self.norm(x)) - y).square().mean()}


class NormStage(TinyStage):
    def build(self):
        return NormNet()

    def batch(self, size, generator):
        # The statistics drift, so that averages of them differ from the last.
        return {name: value + self.batches for name, value in super().batch(size, generator).items()}

    def validate(self, model):
        self.validated.append({name: value.clone() for name, value in model.state_dict().items()})
        return {"score": float(len(self.validated))}


def test_batch_statistics_are_averaged_like_the_weights(tmp_path):
    """Slow reference: statistics of every step of a run without an average, averaged by hand; the run itself keeps its own."""
    stage = NormStage()
    run_stage(stage, replace(CONFIG, ema_decay=None, validate_every=1), tmp_path / "plain")
    expected = torch.zeros(4)
    for step, state in enumerate(stage.validated):
        decay = min(CONFIG.ema_decay, 1 - (1 + step) ** -0.75) if step else 0.0
        expected = decay * expected + (1 - decay) * state["norm.running_mean"]
    run_stage(NormStage(), replace(CONFIG, validate_every=12), tmp_path / "average")
    best, last = (load_file(tmp_path / f"average/{name}/model.safetensors") for name in ("best", "checkpoint"))
    torch.testing.assert_close(best["norm.running_mean"], expected, rtol=1e-5, atol=1e-6)
    assert torch.equal(last["norm.running_mean"], stage.validated[-1]["norm.running_mean"])
    assert not torch.allclose(best["norm.running_mean"], last["norm.running_mean"])


def test_averages_of_batch_statistics_survive_a_restart(tmp_path):
    run_stage(NormStage(), CONFIG, tmp_path / "whole")
    killed(lambda: run_stage(NormStage(die_at=6), CONFIG, tmp_path / "killed"))
    again = NormStage()
    again.batches = 6
    run_stage(again, CONFIG, tmp_path / "killed")
    whole, resumed = (load_file(tmp_path / name / "best/model.safetensors") for name in ("whole", "killed"))
    assert all(torch.equal(value, resumed[name]) for name, value in whole.items())
