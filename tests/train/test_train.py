import json
import logging
import shutil
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from kcdp.bundle import BundleError, load_bundle
from train.core import runs
from train.core.bundle import add_uniemo
from train.core.runs import load_foundation
from train.data.dataset import PictureDataset
from train.data.training_record import TrainingRecord
from train.stages.correlation import EmotionClassifier
from train.stages.painter_pipeline import STEPS
from train.stages.registry import STAGES, read_recipe
from train.stages.uniemo import assemble_uniemo, trained_uniemo
from train.train import main

TINY = Path(__file__).resolve().parents[2] / "train" / "configs" / "tiny.yaml"


SPLITS = ("train", "val", "test")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, picture):
    """An image folder with labelled pictures of every split, none like another."""
    root = tmp_path_factory.mktemp("pictures")
    rows = []
    for number in range(12):
        name, emotion = f"{number}.png", ("awe", "fear")[number % 2]
        picture(size=20 + number, mode="RGBA", color=("gold", "red")[number % 2]).save(root / name)
        rows.append({"file_name": name, "text": "a face", "emotion": emotion, "split": SPLITS[number % 3]})
    (root / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return root


class Spies:
    """What each stage of a run does with its data, and whose weights it reads."""

    def __init__(self, patch):
        self.stage, self.splits, self.drawn, self.fitted, self.read = None, [], [], [], {}
        original = {name: getattr(PictureDataset, name) for name in ("__init__", "sample", "texts")}
        fit, weights = EmotionClassifier.__init__, runs.best_weights

        def init(dataset, records, *arguments, **options):
            original["__init__"](dataset, records, *arguments, **options)
            self.splits.append((self.stage, set(records["split"]), set(records["style"])))

        def noted(name, into):
            def call(dataset, *arguments):
                into.append((self.stage, set(dataset.records["split"])))
                return original[name](dataset, *arguments)

            return call

        def fitted(classifier, clip, train, *arguments, **options):
            self.fitted.append((self.stage, set(train.records["split"])))
            fit(classifier, clip, train, *arguments, **options)

        def read(recipe, stage):
            self.read.setdefault(self.stage, set()).add(stage)
            return weights(recipe, stage)

        patch.setattr(PictureDataset, "__init__", init)
        patch.setattr(PictureDataset, "sample", noted("sample", self.drawn))
        patch.setattr(PictureDataset, "texts", noted("texts", self.fitted))
        patch.setattr(EmotionClassifier, "__init__", fitted)
        for name, module in sys.modules.items():
            if name.startswith(("train.core", "train.stages")) and hasattr(module, "best_weights"):
                patch.setattr(module, "best_weights", read)
        for name, spec in STAGES.items():
            patch.setitem(STAGES, name, replace(spec, run=partial(self.noted_run, name, spec.run)))

    def noted_run(self, name, run, recipe):
        self.stage = name
        return run(recipe)


@pytest.fixture(scope="module")
def spies():
    with pytest.MonkeyPatch.context() as patch:
        yield Spies(patch)


@pytest.fixture(scope="module")
def run(tmp_path_factory, folder, spies):
    """The folder of a whole run on drawn pictures and a few others."""
    output = tmp_path_factory.mktemp("run")
    main(["--config", str(TINY), "--output_dir", str(output), "--folder", str(folder)])
    return output


#: What these learn from is drawn as they go, and none of it is in a dataset.
DRAWING = ("painter_upscaler", "painter", "painter_distilled")


def test_a_student_is_asked_for_what_is_on_training_pictures(spies, run):
    asked = [splits for name, splits, _ in spies.splits if name == "uniemo_distilled"]
    assert asked and {"train"} in asked
    assert not [name for name, _ in spies.drawn if name == "uniemo_distilled"]


@pytest.mark.parametrize("stage", [name for name in STAGES if name not in (*DRAWING, "uniemo_distilled")])
def test_no_stage_is_given_test_rows_nor_trains_on_validation_rows(run, spies, stage):
    """Every split has labelled pictures. What generated pictures there are belong to no split but the training one."""
    datasets = [splits for name, splits, _ in spies.splits if name == stage]
    assert not {name for name, *_ in spies.splits}.intersection(DRAWING)
    assert {"train"} in datasets and {"val"} in datasets
    assert all(splits in ({"train"}, {"val"}) for splits in datasets)
    drawn = [splits for name, splits in spies.drawn if name == stage]
    assert drawn and all(splits == {"train"} for splits in drawn)
    assert all(splits == {"train"} for name, splits in spies.fitted if name == stage)
    assert [name for name, _ in spies.fitted].count("text") == 1


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_reads_the_weights_that_it_says_it_needs(run, spies, stage):
    read = spies.read.get(stage, set()) - {stage}
    if "uniemo_feedback" in read:  # which goes on where joint training ended, and takes its place
        read = read - {"uniemo_feedback"} | {"uniemo_joint"}
    assert read == set(STAGES[stage].needs)


def test_what_measurements_between_domains_stand_on_has_seen_no_label():
    """Directly or by what it was trained from: only the labelled encoder and what is after it learn from emotions."""

    def closure(name):
        return {name}.union(*(closure(need) for need in STAGES[name].needs))

    unlabelled = {name for name, spec in STAGES.items() if spec.foundation} - {"labelled_latent_encoder"}
    assert all(closure(name) <= unlabelled for name in unlabelled)


def test_every_stage_leaves_its_weights_and_scores(run):
    for stage in STAGES:
        assert (run / stage / "best").is_dir()
        assert json.loads((run / stage / "metrics.json").read_text())
    assert not list(run.rglob("*.part*"))


def test_every_stage_and_the_bundle_say_what_they_have_learned_from(run):
    for folder in (*STAGES, "bundle"):
        assert TrainingRecord.read(run / folder) == TrainingRecord.of("benchmark", ["drawn", "folder"])


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
    card = (run / "bundle" / "README.md").read_text()
    assert "uniemo_feedback" in card and "`painter_distilled`" in card
    # The student paints, and knows how; its teacher is there for quality.
    assert uniemo("awe", "a bench", seed=3).settings["num_inference_steps"] == 2
    quality = load_bundle(run / "bundle", device="cpu").quality
    assert quality.config.num_inference_steps == STEPS and quality.config.guidance_scale > 1
    taught = load_file(run / "painter/best/unet/diffusion_pytorch_model.safetensors")
    assert all(torch.allclose(quality.unet.state_dict()[name], value, atol=1e-3) for name, value in taught.items())
    # The painter is one of its own; KCDP sees with the denoiser that knows nothing of it.
    tuned = load_file(run / "painter_distilled/best/unet/diffusion_pytorch_model.safetensors")
    base = load_file(run / "unet/best/unet/diffusion_pytorch_model.safetensors")
    for own, expected in ((uniemo.unet, tuned), (load_bundle(run / "bundle", device="cpu").kcdp.unet, base)):
        state = own.state_dict()
        assert all(torch.allclose(state[name], value, atol=1e-3) for name, value in expected.items())
    (cut,) = uniemo("awe", "a bench", seed=3, transparent=True).images
    assert [one.size for one in uniemo.enlarge([cut])] == [(128, 128)]


def test_a_bundle_follows_what_is_trained(run, tmp_path):
    """A denoiser of an earlier stage goes with it, and without UniEmo's weights there is nothing to write."""
    copied = tmp_path / "run"
    shutil.copytree(run, copied, ignore=shutil.ignore_patterns("cache", "checkpoint", "logs"))
    recipe = read_recipe(["--config", str(TINY), "--output_dir", str(copied)])
    foundation = load_foundation(recipe)
    before = copied / "bundle"
    assert (before / "uniemo_unet").is_dir() and (before / "uniemo_vae").is_dir()
    for stage in ("uniemo_feedback", "painter", "painter_distilled"):
        shutil.rmtree(copied / stage)
    shutil.rmtree(copied / "uniemo_joint/best/unet")
    assert add_uniemo(recipe, trained_uniemo(recipe, foundation)) == before
    assert not (before / "uniemo_unet").exists() and not (before / "uniemo_vae").exists()
    # Without the painter it is the student of the joint stage that paints, in what that paints in.
    student = load_file(copied / "uniemo_distilled/best/unet/diffusion_pytorch_model.safetensors")
    found = load_bundle(before, device="cpu")
    assert all(
        torch.allclose(found.uniemo.unet.state_dict()[name], value, atol=1e-3) for name, value in student.items()
    )
    assert found.quality.unet is found.kcdp.unet
    shutil.rmtree(copied / "uniemo_distilled")
    assert add_uniemo(recipe, trained_uniemo(recipe, foundation)) == before
    assert not (before / "uniemo_student").exists()
    card = (before / "README.md").read_text()
    assert card.count("## UniEmo") == 1 and "uniemo_joint" in card and "uniemo_feedback" not in card
    bundle = load_bundle(before, device="cpu")
    assert bundle.uniemo.unet is bundle.kcdp.unet
    shutil.rmtree(before)
    alone = load_bundle(add_uniemo(recipe, trained_uniemo(recipe, foundation)), device="cpu")
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
        (["--stages", "gan"], r"'gan' is unknown; known: kcdp"),
        (["--kcdp.preset", "mine"], r"'kcdp\.preset' cannot be 'mine'"),
        (["--label_space", "Mikels"], r"'Mikels' is unknown; nearest: 'Mikels-8'"),
        (["--epochs", "3"], r"'--epochs' is unknown"),
    ],
)
def test_what_makes_no_sense_ends_with_one_sentence(arguments, sentence):
    with pytest.raises(SystemExit, match=sentence) as error:
        main(arguments)
    assert "\n" not in str(error.value)
