from dataclasses import dataclass

import pytest
import yaml

from kcdp.emotions import MIKELS_8
from train.core.arguments import filled, parse
from train.core.recipe import Recipe
from train.core.trainer import LoopConfig
from train.stages import SETTINGS, STAGES, check
from train.stages.kcdp import KCDPConfig
from train.stages.unet import UNetConfig
from train.stages.vae import VAEConfig


def read(tmp_path, settings, *arguments):
    """The recipe of a file with `settings` (a mapping, or text) and what the command line says."""
    path = tmp_path / "recipe.yaml"
    path.write_text(settings if isinstance(settings, str) else yaml.safe_dump(settings))
    (recipe,) = parse((Recipe,), ["--config", str(path), *arguments], "help")
    return recipe


def test_without_a_file_the_defaults_hold():
    assert parse((Recipe,), [], None) == (Recipe(),)


def test_the_file_fills_every_kind_of_setting(tmp_path):
    recipe = read(tmp_path, "{stages: [vae, kcdp], data: here, drawn: 48, vae: {crop: 32}, mixed_precision: bf16}")
    assert recipe == Recipe(stages=["vae", "kcdp"], data="here", drawn=48, vae={"crop": 32}, mixed_precision="bf16")
    assert read(tmp_path, "{data: null, mixed_precision: null}") == Recipe()
    assert read(tmp_path, "") == Recipe()


@pytest.mark.parametrize(
    ("arguments", "setting", "value"),
    [
        (["--stages", "unet", "kcdp"], "stages", ["unet", "kcdp"]),
        (["--data", "there"], "data", "there"),
        (["--drawn", "7"], "drawn", 7),
        (["--mixed_precision", "fp16"], "mixed_precision", "fp16"),
        (["--vae.crop", "16"], "vae", {"crop": 16, "loop": {"steps": 3}}),
        (["--vae.loop.steps=9"], "vae", {"crop": 32, "loop": {"steps": 9}}),
        (["--vae.block_out_channels", "[8, 16]"], "vae", {"crop": 32, "loop": {"steps": 3}, "block_out_channels": [8, 16]}),
        (["--kcdp.use_mha", "false"], "kcdp", {"use_mha": False}),
        (["--kcdp.classifier", "null", "--kcdp.shares.emoji", "0.5"], "kcdp", {"classifier": None, "shares": {"emoji": 0.5}}),
    ],
)  # fmt: skip
def test_the_command_line_has_the_last_word(tmp_path, arguments, setting, value):
    file = {"stages": ["vae"], "data": "here", "drawn": 48, "vae": {"crop": 32, "loop": {"steps": 3}}}
    recipe = read(tmp_path, file, *arguments)
    expected = vars(Recipe(**file)) | {setting: value}
    assert vars(recipe) == expected


def test_a_recipe_keeps_its_settings_from_the_next(tmp_path):
    parse((Recipe,), ["--vae.crop", "16"], None)
    assert parse((Recipe,), [], None) == (Recipe(),)


def test_yaml_numbers_without_a_dot_are_numbers():
    """YAML 1.1 reads 1e-3 as text."""
    given = yaml.safe_load("{loop: {learning_rate: 1e-3, steps: 1.0e+2, ema_decay: null}, shares: {drawn: 1e-1}}")
    assert given["loop"]["learning_rate"] == "1e-3"
    config, loop, shares = Recipe(vae=given).stage_settings("vae", VAEConfig)
    assert loop == LoopConfig(learning_rate=1e-3, steps=100)
    assert isinstance(loop.steps, int)
    assert shares == {"drawn": 0.1}
    assert config == VAEConfig()


def test_lists_become_the_tuples_that_settings_are():
    config, _, shares = Recipe(unet={"block_out_channels": [32, 64]}).stage_settings("unet", UNetConfig)
    assert config.block_out_channels == (32, 64)
    assert shares == {}


def test_reading_settings_leaves_the_recipe_as_it_is():
    recipe = Recipe(vae={"loop": {"steps": 3}, "shares": {"drawn": 1.0}, "crop": 32})
    assert recipe.stage_settings("vae", VAEConfig) == recipe.stage_settings("vae", VAEConfig)


@pytest.mark.parametrize(
    ("settings", "arguments", "sentence"),
    [
        ({"epochs": 3}, [], r"unknown setting 'epochs'; known: .*drawn"),
        ({}, ["--epochs", "3"], r"'--epochs' is unknown"),
        ({}, ["--vea.crop", "3"], r"'--vea\.crop' is unknown"),
        ({}, ["--drawn.crop", "3"], r"'--drawn\.crop' is unknown"),
        ({"vae": {"crop": 3}}, ["--vae.crop.more", "3"], r"'--vae\.crop\.more' is unknown"),
        ({}, ["--vae.crop"], r"'--vae\.crop' needs a value"),
        ({}, ["stray"], r"'stray' is unknown"),
        ({"stages": "vae"}, [], r"'stages' cannot be 'vae': .*list"),
        ({"drawn": 1.5}, [], r"'drawn' cannot be 1\.5: .*integer"),
        ({"mixed_precision": "fp8"}, [], r"'mixed_precision' cannot be 'fp8': .*'fp16' or 'bf16'"),
        ({"vae": None}, [], r"'vae' cannot be None: .*dictionary"),
        ("[vae, unet]", [], r"needs settings with names"),
        ("vae: {crop: 3", [], r"is not a YAML file"),
    ],
)
def test_what_a_recipe_cannot_be_is_one_sentence(tmp_path, settings, arguments, sentence):
    with pytest.raises(SystemExit, match=sentence) as error:
        read(tmp_path, settings, *arguments)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(SystemExit, match=r"no configuration file .*none\.yaml"):
        parse((Recipe,), ["--config", str(tmp_path / "none.yaml")], None)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"stages": ["vae", "gan"]},
            r"'gan' is not a stage; known stages: vae, text, path, labelled_path, language, unet, kcdp",
        ),
        ({"vae": {"patch": 3}}, r"'vae\.patch' is unknown; known: .*patch_size"),
        ({"vae": {"loop": {"epochs": 3}}}, r"'vae\.loop\.epochs' is unknown; known: .*steps"),
        ({"vae": {"loop": 3}}, r"'vae\.loop' needs settings"),
        ({"vae": {"loop": {"steps": "many"}}}, r"'vae\.loop\.steps' cannot be 'many'"),
        ({"vae": {"shares": {"memes": 1}}}, r"'vae\.shares\.memes' is unknown; known: .*drawn"),
        ({"vae": {"shares": {"drawn": -1}}}, r"'vae\.shares\.drawn' cannot be -1"),
        ({"kcdp": {"preset": "mine"}}, r"'kcdp\.preset' cannot be 'mine': .*'paper' or 'released'"),
        ({"kcdp": {"tuning": "all"}}, r"'kcdp\.tuning' cannot be 'all'"),
        ({"kcdp": {"condition": "none"}}, r"'kcdp\.condition' cannot be 'none'"),
        ({"protocol": "all"}, r"'all' is no protocol"),
        ({"label_space": "Mikels"}, r"'Mikels' is not a label space; known: Mikels-8"),
    ],
)
def test_checks_speak_before_the_first_stage_runs(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        check(Recipe(**changes))


def test_a_sound_recipe_passes_and_every_stage_has_settings():
    check(Recipe())
    assert list(SETTINGS) == list(STAGES) == Recipe().stages


def test_places_and_labels():
    recipe = Recipe(output_dir="out")
    assert recipe.run_dir("vae").as_posix() == "out/vae"
    assert recipe.cache_dir.as_posix() == "out/cache"
    assert recipe.emotions is MIKELS_8


def test_two_dataclasses_share_a_line():
    @dataclass
    class More:
        what: str = "all"

    recipe, more = parse((Recipe, More), ["--what", "some", "--kcdp.top_k", "1"], None)
    assert more.what == "some"
    assert recipe.stage_settings("kcdp", KCDPConfig)[0] == KCDPConfig(top_k=1)


def test_filled_takes_a_dataclass_s_own_values_back():
    config = KCDPConfig(attention_levels=(1,), classifier="v")
    assert filled(KCDPConfig, vars(config)) == config
