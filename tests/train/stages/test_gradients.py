"""Every parameter that asks for a gradient gets one, for two processes that train together wait for it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

from tests.two_processes import in_two_processes
from train.core.trainer import LoopConfig, run_stage
from train.stages.joint import JointConfig
from train.stages.kcdp import KCDPConfig, KCDPStage

TINY = KCDPConfig(lora_rank=2, lora_alpha=2.0, views=0, pyramid_channels=8)
GLOBAL = {"num_experts": 1, "top_k": 1}
#: What the rows of the papers' tables change, with and without a target.
KCDP_ROWS = {
    "source only": (False, {**GLOBAL, "classifier": "v", "use_cliea": False}),
    "pseudo-labels": (True, {"use_cliea": False}),
    "KCDP (UC)": (False, {}),
    "KCDP (DA)": (True, {}),
    "CLIEA without mapping": (True, {"use_mapping": False}),
    "CLIEA without attention": (True, {"use_mha": False}),
    "caption alone": (True, {"condition": "caption"}),
    "triplets alone": (True, {"condition": "triplets"}),
    "visual experts": (True, {"classifier": "v"}),
    "global classifier": (True, GLOBAL),
    "latent encoder": (True, {"latent_encoder_channels": (8, 16)}),
    **{f"tuning {name}": (True, {"tuning": name}) for name in ("frozen", "kv", "lora", "full")},
    "tuning full, encoder": (True, {"tuning": "full", "features": "encoder"}),
}
JOINT_ROWS = [
    *({"use": use, "condition": "none", "correlation": False} for use in ("cls", "cls+scene", "cls+object", "all")),
    {"condition": "ce"},
    {"tune_unet": "lora"},
    {"tune_unet": "full"},
]


def kcdp_stage(row, foundation, dataset):
    adapts, changes = KCDP_ROWS[row]
    return KCDPStage(replace(TINY, **changes), foundation, dataset, dataset, dataset if adapts else None)


def without_gradient(task, batch):
    next(iter(task.train()(**batch).values())).backward()
    return [name for name, parameter in task.named_parameters() if parameter.requires_grad and parameter.grad is None]


@pytest.mark.parametrize("row", KCDP_ROWS)
def test_every_parameter_of_kcdp_gets_a_gradient(row, foundation, labelled_dataset):
    torch.manual_seed(0)
    stage = kcdp_stage(row, foundation, labelled_dataset)
    assert without_gradient(stage.build(), stage.batch(8, torch.Generator().manual_seed(1))) == []


@pytest.mark.parametrize("changes", JOINT_ROWS, ids=str)
def test_every_parameter_of_joint_training_gets_a_gradient(changes, joint_parts):
    torch.manual_seed(0)
    stage = joint_parts.stage(JointConfig(**changes))
    assert without_gradient(stage.build(), stage.batch(8, torch.Generator().manual_seed(1))) == []


@pytest.mark.parametrize("strategy", ["none", "single-step", "multi-stage"])
def test_every_parameter_of_understanding_gets_a_gradient(strategy, joint_parts, monkeypatch):
    stage = joint_parts.pictures
    monkeypatch.setattr(stage, "config", replace(stage.config, strategy=strategy))
    assert without_gradient(stage.build(), stage.batch(8, torch.Generator().manual_seed(1))) == []


def test_two_processes_train_the_rows_that_once_ended_in_an_error(foundation, labelled_dataset, tmp_path):
    loop = LoopConfig(steps=2, batch_size=8, warmup_steps=0, validate_every=2)
    rows = ("source only", "pseudo-labels", "tuning full")
    # What is computed once is there before the processes part.
    for row in rows:
        kcdp_stage(row, foundation, labelled_dataset)

    def train() -> None:
        for row in rows:
            run_stage(kcdp_stage(row, foundation, labelled_dataset), loop, tmp_path / row)

    in_two_processes(train)
    for row in rows:
        assert "macro_f1" in json.loads((tmp_path / row / "metrics.json").read_text())
