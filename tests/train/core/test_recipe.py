from dataclasses import fields

import pytest

from kcdp.emotions import MIKELS_8
from tests.recipes import make_recipe
from train.core.config import SettingError
from train.core.recipe import Recipe
from train.core.trainer import LoopConfig
from train.stages.kcdp import KCDPConfig
from train.stages.registry import STAGES, check
from train.stages.unet import UNetConfig
from train.stages.vae import VAEConfig


def test_settings_of_a_stage_are_its_own_its_loop_and_its_shares():
    given = {
        "crop": 32,
        "loop": {"learning_rate": "1e-3", "steps": 100.0, "ema_decay": None},
        "shares": {"drawn": "1e-1"},
    }
    config, loop, shares = make_recipe(vae=given).stage_settings("vae", VAEConfig)
    assert (config, loop, shares) == (VAEConfig(crop=32), LoopConfig(learning_rate=1e-3, steps=100), {"drawn": 0.1})
    assert type(config) is VAEConfig
    config, _, shares = make_recipe(unet={"block_out_channels": [32, 64]}).stage_settings("unet", UNetConfig)
    assert config.block_out_channels == (32, 64) and shares == {}


def test_without_settings_every_stage_runs_with_its_defaults():
    recipe = make_recipe()
    assert recipe == make_recipe() and recipe.stages == list(STAGES)
    for name, spec in STAGES.items():
        assert recipe.stage_settings(name, spec.config) == (spec.config(), LoopConfig(), {})
    # One recipe keeps its settings from the next.
    recipe.vae.loop.steps, recipe.vae.shares["drawn"] = 7, 1.0
    assert make_recipe().vae.loop.steps == LoopConfig().steps and make_recipe().vae.shares == {}


def test_every_setting_has_a_help():
    kinds = [Recipe, LoopConfig, *(spec.config for spec in STAGES.values())]
    assert [item.name for kind in kinds for item in fields(kind) if not item.metadata.get("help")] == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"stages": ["vae", "gan"]}, r"'gan' is unknown; known: kcdp, labelled_latent_encoder"),
        ({"stages": ["vaes"]}, r"'vaes' is unknown; nearest: 'vae'"),
        ({"vae": {"patch": 3}}, r"'vae\.patch' is unknown; nearest: 'patch_size'"),
        ({"vae": {"loop": {"epochs": 3}}}, r"'vae\.loop\.epochs' is unknown; nearest: 'steps'"),
        ({"vae": {"loop": 3}}, r"'vae\.loop' needs settings"),
        ({"vae": {"loop": {"steps": "many"}}}, r"'vae\.loop\.steps' cannot be 'many'"),
        ({"vae": {"shares": {"photo": 1}}}, r"'vae\.shares' cannot be .*'photo' is unknown; nearest: 'photos'"),
        ({"vae": {"shares": {"drawn": -1}}}, r"'vae\.shares\.drawn' cannot be -1"),
        ({"kcdp": {"preset": "mine"}}, r"'kcdp\.preset' cannot be 'mine': .*'paper' or 'released'"),
        ({"kcdp": {"tuning": "all"}}, r"'kcdp\.tuning' cannot be 'all'"),
        ({"kcdp": {"condition": "none"}}, r"'kcdp\.condition' cannot be 'none'"),
        ({"mixed_precision": "fp8"}, r"'mixed_precision' cannot be 'fp8': .*'fp16' or 'bf16'"),
        ({"protocol": "all"}, r"'all' is no protocol"),
        ({"label_space": "Mikels"}, r"'Mikels' is unknown; nearest: 'Mikels-8'"),
    ],
)
def test_checks_speak_before_the_first_stage_runs(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        check(make_recipe(**changes))


def test_a_stage_needs_those_before_it(tmp_path):
    check(make_recipe(output_dir=str(tmp_path)))
    with pytest.raises(ValueError, match=r"'vae' has to be trained first, for 'unet' needs it: there is no .*vae/best"):
        check(make_recipe(output_dir=str(tmp_path), stages=["unet", "vae", "text"]))
    for name in ("vae", "text"):
        (tmp_path / name / "best").mkdir(parents=True)
    check(make_recipe(output_dir=str(tmp_path), stages=["unet"]))


def test_needs_are_of_earlier_stages():
    names = list(STAGES)
    assert all(names.index(need) < names.index(name) for name, spec in STAGES.items() for need in spec.needs)


def test_places_and_labels():
    recipe = make_recipe(output_dir="out")
    assert recipe.run_dir("vae").as_posix() == "out/vae"
    assert recipe.cache_dir.as_posix() == "out/cache"
    assert recipe.emotions is MIKELS_8


def test_a_setting_error_is_a_value_error():
    with pytest.raises(SettingError):
        make_recipe(kcdp={"top": 1})
    assert make_recipe(kcdp={"top_k": 1}).stage_settings("kcdp", KCDPConfig).config == KCDPConfig(top_k=1)
