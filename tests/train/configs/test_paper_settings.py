"""Presets and configuration files against what the papers and their authors' code say, number by number."""

from __future__ import annotations

from dataclasses import asdict
from inspect import signature
from operator import attrgetter
from pathlib import Path

import pytest
import torch

from kcdp.prediction.moe import MixtureOfExperts
from train.evaluation.arguments import EvaluationArguments
from train.full_size import build_vision
from train.losses.kcdp import LOSS_PRESETS, TEMPERATURE
from train.losses.uniemo import UNIEMO_PRESETS, condition_loss
from train.stages.feedback import FeedbackConfig
from train.stages.joint import JointConfig
from train.stages.kcdp import KCDPConfig
from train.stages.registry import read_recipe
from train.stages.understanding import UnderstandingConfig

CONFIGS = Path(__file__).parents[3] / "train" / "configs"

KCDP = {
    "paper": {"positive_in_denominator": False, "moe_inputs": "v+k", "balance_weight": 0.0, "scale_latents": True, "lambda1": 1.0, "lambda2": 1.0},
    "released": {"positive_in_denominator": True, "moe_inputs": "v", "balance_weight": 0.1, "scale_latents": False, "lambda1": 1.0, "lambda2": 1.0},
}  # fmt: skip
#: gamma 1 to 3 of equation 10 are the paper's in both.
GAMMAS = {"understanding": 0.3, "condition": 0.3, "denoising": 0.4, "token_length": False}
UNIEMO = {
    "paper": {"block_layers": 2, "block_keys": "patches", "beta": 1e-4, "scene_weight": 0.25, "object_weight": 0.25, "emotion_weight": 0.5, "both_directions": False},
    "released": {"block_layers": 1, "block_keys": "all", "beta": None, "scene_weight": 0.05, "object_weight": 0.05, "emotion_weight": 0.9, "both_directions": True},
}  # fmt: skip


@pytest.mark.parametrize("name", ["paper", "released"])
def test_presets(name):
    assert set(LOSS_PRESETS) == set(UNIEMO_PRESETS) == {"paper", "released"}
    assert asdict(LOSS_PRESETS[name]) == KCDP[name]
    assert asdict(UNIEMO_PRESETS[name]) == UNIEMO[name] | GAMMAS


#: Where a setting has no preset, its default is the paper's.
DEFAULTS = [
    (KCDPConfig(), {"num_experts": 4, "top_k": 2, "timestep": 1, "tuning": "lora", "features": "decoder", "condition": "both", "pyramid_channels": 256, "use_cliea": True, "use_mha": True, "use_mapping": True}),
    (UnderstandingConfig(), {"preset": "paper", "strategy": "multi-stage", "num_queries": 32, "head_dim": 768, "dropout": 0.5, "tune_tower": False}),
    (JointConfig(), {"use": "all", "correlation": True, "condition": "cond", "tune_unet": "none", "guidance_scale": 7.5, "guidance_rescale": 0.0}),
    (FeedbackConfig(), {"low": 0.2, "high": 0.8, "share": 0.2, "by": "both"}),
]  # fmt: skip


@pytest.mark.parametrize(("config", "expected"), DEFAULTS, ids=lambda one: type(one).__name__)
def test_defaults(config, expected):
    assert {name: getattr(config, name) for name in expected} == expected


def test_constants():
    assert TEMPERATURE == 0.07
    assert signature(condition_loss).parameters["margin"].default == 0.5
    experts = MixtureOfExperts(visual_dim=8, knowledge_dim=4, num_classes=6).experts
    assert experts.weight_in.shape[1:] == (512, 128)


@pytest.mark.parametrize(("tower", "layers", "scene", "object"), [("B/32", 12, 4, 8), ("B/16", 12, 4, 8), ("L/14", 24, 8, 16)])  # fmt: skip
def test_queries_are_read_after_a_third_and_two_thirds_of_a_tower(tower, layers, scene, object):
    with torch.device("meta"):
        vision, chain = build_vision(tower)
    assert vision.config.num_hidden_layers == layers
    assert (chain.config.scene_layer, chain.config.object_layer) == (scene, object)


#: KCDP section 5.2 and UniEmo section IV.
KCDP_LOOP = {"kcdp.loop.learning_rate": 1e-5, "kcdp.loop.weight_decay": 1e-2, "kcdp.loop.betas": (0.9, 0.999), "kcdp.loop.schedule": "constant", "kcdp.loop.warmup_steps": 0, "kcdp.preset": "paper", "kcdp.classifier": "v+k", "kcdp.scale_latents": None, "kcdp.dropout": 0.0, "kcdp.knowledge_dropout": 0.0, "kcdp.balance": 0.0, "label_space": "KCDP-6", "evaluation.epochs": 10, "evaluation.batch_size": 16}  # fmt: skip
UNDERSTANDING_LOOP = {"uniemo_understanding.loop.learning_rate": 1e-4, "uniemo_understanding.loop.weight_decay": 1e-3, "uniemo_understanding.loop.betas": (0.9, 0.999), "uniemo_understanding.preset": "paper", "uniemo_understanding.both_directions": None, "uniemo_understanding.num_queries": 32, "uniemo_understanding.balance": 0.0, "label_space": "Mikels-8", "evaluation.epochs": 15, "evaluation.batch_size": 128}  # fmt: skip
FILES = {
    "kcdp-da": KCDP_LOOP,
    "kcdp-uc": KCDP_LOOP | {"kcdp.loop.batch_size": 16, "kcdp.loop.steps": 59000},
    "kcdp-ablations": KCDP_LOOP,
    "uniemo-own": UNDERSTANDING_LOOP,
    "uniemo": UNDERSTANDING_LOOP
    | {
        "uniemo_understanding.loop.batch_size": 128,
        "uniemo_joint.loop.learning_rate": 1e-2,
        "uniemo_joint.guidance_scale": 7.5,
        "uniemo_joint.token_length": None,
        "uniemo_feedback.low": 0.2,
        "uniemo_feedback.high": 0.8,
        "uniemo_feedback.share": 0.2,
        "uniemo_feedback.num_inference_steps": 50,
        "evaluation.inference_steps": 50,
    },
}


@pytest.mark.parametrize("name", FILES)
def test_files(name):
    recipe = read_recipe(["--config", str(CONFIGS / f"{name}.yaml")], evaluation=EvaluationArguments)
    assert {setting: attrgetter(setting)(recipe) for setting in FILES[name]} == FILES[name]
