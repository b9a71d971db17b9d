import json
import logging
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from kcdp.bundle import BundleError, load_bundle
from train.bundle import add_uniemo, assemble_uniemo
from train.core.arguments import parse
from train.core.recipe import Recipe
from train.stages import STAGES, load_foundation
from train.train import main

TINY = Path(__file__).resolve().parents[2] / "train" / "configs" / "tiny.yaml"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a whole run on drawn pictures."""
    folder = tmp_path_factory.mktemp("run")
    main(["--config", str(TINY), "--output_dir", str(folder)])
    return folder


def test_every_stage_leaves_its_weights_and_scores(run):
    for stage in STAGES:
        assert (run / stage / "best").is_dir()
        assert json.loads((run / stage / "metrics.json").read_text())
    assert not list(run.rglob("*.part*"))


def test_the_bundle_recognises_a_picture(run, picture):
    pipeline = load_bundle(run / "bundle", device="cpu").kcdp
    found = pipeline(picture(50, "RGBA"))
    assert sum(found.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert pipeline.size == 32
    card = (run / "bundle" / "README.md").read_text()
    assert "Mikels-8" in card
    assert "drawn pictures" in card
    assert max(file.stat().st_size for file in (run / "bundle").rglob("*") if file.is_file()) < 10 * 2**20


def test_the_bundle_does_not_say_where_it_was_trained(run):
    texts = {path: path.read_text() for path in (run / "bundle").rglob("*") if path.suffix in {".json", ".md"}}
    assert [path for path, text in texts.items() if str(run) in text or "_name_or_path" in text] == []
    assert len(texts) > 10


def test_the_bundle_paints_a_picture(run, picture):
    uniemo = load_bundle(run / "bundle", device="cpu").uniemo
    made = uniemo("awe", "a bench", seed=[3, 4], num_inference_steps=2)
    assert [image.size for image in made.images] == [(32, 32)] * 2
    assert uniemo.understand(picture(40)).scene is not None
    assert "uniemo_feedback" in (run / "bundle" / "README.md").read_text()
    # The denoiser was tuned; KCDP sees with the one that was not.
    tuned = load_file(run / "uniemo_feedback/best/unet/diffusion_pytorch_model.safetensors")
    base = load_file(run / "unet/best/unet/diffusion_pytorch_model.safetensors")
    for own, expected in ((uniemo.unet, tuned), (load_bundle(run / "bundle", device="cpu").kcdp.unet, base)):
        state = own.state_dict()
        assert all(torch.allclose(state[name], value, atol=1e-3) for name, value in expected.items())
    assert any(not torch.allclose(value, tuned[name], atol=1e-3) for name, value in base.items())


def test_a_bundle_follows_what_is_trained(run, tmp_path):
    """A denoiser of an earlier stage goes with it, and without UniEmo's weights there is nothing to write."""
    copied = tmp_path / "run"
    shutil.copytree(run, copied, ignore=shutil.ignore_patterns("cache", "checkpoint", "logs"))
    (recipe,) = parse((Recipe,), ["--config", str(TINY), "--output_dir", str(copied)], None)
    foundation = load_foundation(recipe)
    before = copied / "bundle"
    assert (before / "uniemo_unet").is_dir()
    shutil.rmtree(copied / "uniemo_feedback")
    shutil.rmtree(copied / "uniemo_joint/best/unet")
    assert add_uniemo(recipe, foundation) == before
    assert not (before / "uniemo_unet").exists()
    card = (before / "README.md").read_text()
    assert card.count("## UniEmo") == 1 and "uniemo_joint" in card and "uniemo_feedback" not in card
    bundle = load_bundle(before, device="cpu")
    assert bundle.uniemo.unet is bundle.kcdp.unet
    shutil.rmtree(before)
    alone = load_bundle(add_uniemo(recipe, foundation), device="cpu")
    assert all(
        torch.equal(value, bundle.uniemo.unet.state_dict()[name])
        for name, value in alone.uniemo.unet.state_dict().items()
    )
    with pytest.raises(BundleError, match="is UniEmo alone"):
        _ = alone.kcdp
    shutil.rmtree(copied / "uniemo_joint/best/space")
    with pytest.raises(SystemExit, match="'uniemo_joint' has to be trained to its end"):
        assemble_uniemo(recipe, foundation, copied / "uniemo_joint/best")


def test_a_second_start_trains_nothing(run, caplog):
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*/best/**/*.safetensors")}
    assert before
    with caplog.at_level(logging.INFO):
        main(["--config", str(TINY), "--output_dir", str(run), "--stages", "vae", "kcdp", "uniemo_joint"])
    assert "vae is already trained" in caplog.text
    assert "kcdp is already trained" in caplog.text
    assert "uniemo_joint is already trained" in caplog.text
    # Written again by `kcdp`, the bundle has all its parts still.
    assert (run / "bundle" / "uniemo_index.json").is_file()
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_stage_needs_the_one_before(tmp_path):
    with pytest.raises(SystemExit, match="'vae' has to be trained first"):
        main(["--config", str(TINY), "--output_dir", str(tmp_path), "--stages", "language"])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--config", "none.yaml"], r"no configuration file none\.yaml"),
        (["--stages", "gan"], r"'gan' is not a stage; known stages: vae"),
        (["--kcdp.preset", "mine"], r"'kcdp\.preset' cannot be 'mine'"),
        (["--label_space", "Mikels"], r"'Mikels' is not a label space"),
        (["--epochs", "3"], r"'--epochs' is unknown"),
    ],
)
def test_what_makes_no_sense_ends_with_one_sentence(arguments, sentence):
    with pytest.raises(SystemExit, match=sentence) as error:
        main(arguments)
    assert "\n" not in str(error.value)
