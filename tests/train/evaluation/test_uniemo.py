"""Understanding and generation measured by the command, on a run whose stages trained for a step."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from datasets import Dataset
from PIL import Image

from kcdp.emotions import MIKELS_8
from kcdp.perception.latent_encoder import LatentEncoder
from tests.recipes import make_recipe
from tests.train.conftest import ENCODER_WIDTHS, TEXT
from train import evaluate
from train.core.clip import FrozenCLIP
from train.core.foundation import Foundation
from train.core.recipe import Recipe
from train.core.trainer import LoopConfig, run_stage
from train.data.records import make_record, to_dataset
from train.evaluation import generators, sheets
from train.evaluation.arguments import EvaluationArguments
from train.evaluation.inversion import InversionStage, InversionTask, learned_words
from train.evaluation.measures import MEASURES
from train.evaluation.run import EvaluationRun
from train.evaluation.uniemo import UniEmoModels
from train.stages import uniemo
from train.stages.joint import JointConfig
from train.stages.language import LanguageConfig, build_clip
from train.stages.registry import read_recipe
from train.stages.text import build_text_tower
from train.stages.unet import build_scheduler

COLOURS = ("gold", "purple", "green", "orange", "red", "olive", "black", "blue")
LOOP = "loop: {steps: 1, batch_size: 8, warmup_steps: 0, validate_every: 1}"
SETTINGS = f"""drawn: 0
size: 32
uniemo_understanding: {{num_queries: 2, head_dim: 16, min_count: 2, {LOOP}}}
uniemo_joint: {{guidance_scale: 2.0, {LOOP}}}
uniemo_feedback: {{pictures: 4, num_inference_steps: 1, low: 0.0, high: 1.0, {LOOP}}}
"""
FEW = (
    *("--seeds", "0", "5", "--steps", "2", "--batch_size", "8", "--pictures", "2", "--inference_steps", "2"),
    *("--judge_steps", "2", "--baseline_steps", "2", "--cnn_widths", "4", "4", "4", "4"),
)


@pytest.fixture(scope="module")
def pictures(picture: Callable[..., Image.Image]) -> Dataset:
    """Of each emotion three pictures to train on, one to choose by and four cartoons and a drawing to test with."""
    rows = []
    for emotion, colour in zip(MIKELS_8.labels, COLOURS, strict=True):
        for number in range(9):
            thing = ("cat on a beach", "robot in the rain")[number % 2]
            rows.append(
                make_record(
                    picture(size=24 + number, mode="RGBA", color=colour, smile=number % 3 == 0),
                    [f"a {thing}"],
                    domain="drawn" if number == 8 else "cartoons",
                    style="face",
                    group=f"{emotion}-{number}",
                    license="CC0-1.0",
                    emotion=emotion,
                    split="train" if number < 3 else "val" if number < 4 else "test",
                )
            )
    return to_dataset(rows)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, foundation: Foundation, clip: FrozenCLIP, pictures: Dataset) -> Path:
    """A run's folder with the best weights of every stage but KCDP's, and the configuration beside it."""
    folder = tmp_path_factory.mktemp("uniemo")
    (folder / "mini.yaml").write_text(SETTINGS + f"output_dir: {folder}\n")
    foundation.vae.save_pretrained(folder / "vae/best/vae")
    foundation.unet.save_pretrained(folder / "unet/best/unet")
    build_scheduler().save_pretrained(folder / "unet/best/scheduler")
    for stage in ("latent_encoder", "labelled_latent_encoder"):
        LatentEncoder(6, ENCODER_WIDTHS).save_pretrained(folder / stage / "best/latent_encoder")
    torch.manual_seed(0)
    text = build_text_tower(TEXT, foundation.tokenizer)
    model = build_clip(LanguageConfig(vision_layers=2), text, foundation.vae, LatentEncoder(6, ENCODER_WIDTHS))
    language = folder / "language/best"
    model.save_pretrained(language / "clip")
    foundation.tokenizer.save_pretrained(language / "tokenizer")
    clip.processor.save_pretrained(language / "image_processor")
    foundation.captioner.save_pretrained(language / "captioner")
    recipe = read_recipe(["--config", str(folder / "mini.yaml")])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("train.core.runs.load_records", lambda recipe: pictures)
        uniemo.run_understanding(recipe)
        uniemo.run_joint(recipe)
    return folder


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, pictures: Dataset) -> None:
    monkeypatch.setattr("train.evaluation.run.load_records", lambda recipe: pictures)


@pytest.fixture
def recipe(run: Path) -> Recipe:
    return read_recipe(["--config", str(run / "mini.yaml")])


def command(run: Path, *arguments: str) -> None:
    evaluate.main(["--config", str(run / "mini.yaml"), *FEW, *arguments])


def test_understanding_is_measured_on_every_test_part(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = ("none", "single-step", "multi-stage", "queries-8")
    command(run, "--what", "understanding", "--methods", *rows)
    results = json.loads((run / "evaluation/understanding.json").read_text())
    assert list(results) == list(rows)
    for runs in results.values():
        assert {part: [sum(one["counts"].values()) for one in some] for part, some in runs.items()} == {
            "test-cartoons": [32, 32],
            "test-drawn": [8, 8],
        }
    assert [one["settings"]["loop"]["seed"] for one in results["none"]["test-drawn"]] == [0, 5]
    configs = {name: runs["test-drawn"][0]["settings"]["config"] for name, runs in results.items()}
    assert {name: configs[name]["strategy"] for name in rows[:3]} == {name: name for name in rows[:3]}
    assert (configs["multi-stage"]["num_queries"], configs["queries-8"]["num_queries"]) == (2, 8)
    said = capsys.readouterr().out
    assert "| Queries stage by stage (UniEmo) |" in said and "| test | pictures | chance | majority |" in said
    # Asked again, it is read; asked for less, it is read too.
    monkeypatch.setattr("train.evaluation.generators.run_stage", lambda *_: pytest.fail("trained again"))
    command(run, "--what", "understanding", "--methods", "multi-stage")
    assert json.loads((run / "evaluation/understanding.json").read_text()) == {"multi-stage": results["multi-stage"]}


def test_generation_is_measured_beside_real_pictures(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sheet, strip = sheets.transfer_sheet, sheets.fusion_strip
    few = {"transfer_sheet": partial(sheet, things=["bench"]), "fusion_strip": partial(strip, steps=2)}
    for name, smaller in few.items():
        monkeypatch.setattr(f"train.evaluation.measures.generation.{name}", smaller)
    command(run, "--what", "generation")
    results = json.loads((run / "evaluation/generation.json").read_text())
    assert list(results) == ["real", "text-to-image", "textual-inversion", "dreambooth", "emogen", "uniemo"]
    assert {result["pictures"] for result in results.values()} == {16}
    said = capsys.readouterr().out
    assert "| Class feature only, as EmoGen's mapper | 16 |" in said and "Only DreamBooth changes the denoiser." in said
    assert "| DreamBooth-LoRA | 16 |" in said and "| The denoiser alone, asked for" in said
    folders = list((run / "evaluation/results/pictures").iterdir())
    assert len(folders) == 5 and all(len(list(folder.rglob("*.png"))) == 16 for folder in folders)
    files = {path.name for path in (run / "evaluation").glob("*.png")}
    assert files == {"transfer.png", "fusion-amusement-sadness.png", "fusion-awe-fear.png"}
    # The drawn ones test nothing here: there are others.
    assert results["real"]["emotions"]["awe"]["pictures"] == 2


def test_edited_pictures_are_measured(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("train.evaluation.measures.editing.THINGS", ("cat", "robot"))
    command(run, "--what", "editing")
    results = json.loads((run / "evaluation/editing.json").read_text())
    assert results["transfer"]["pictures"] == 2 * 8 * 2
    assert len(results["fusion"]["curve"]) == 5 and all(0 <= value <= 1 for value in results["fusion"]["curve"])
    assert results["refeel"]["pictures"] == 2
    # All test pictures show one of the two.
    assert results["real"]["pictures"] == 8 * 5 and 0 <= results["real"]["thing"] <= 1
    assert "## Re-feel" in capsys.readouterr().out
    # Asked again, it is read.
    monkeypatch.setattr("train.evaluation.editing.Editing.transfer", lambda self: pytest.fail("painted again"))
    command(run, "--what", "editing")
    # At another guidance it is not there.
    with pytest.raises(pytest.fail.Exception, match="painted again"):
        command(run, "--what", "editing", "--guidance_rescale", "0.5")


def test_variants_are_measured_by_what_they_see_and_paint(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = []
    real = generators.run_stage

    def counted(stage, loop, folder, *rest):
        if not (folder / "metrics.json").exists():
            trained.append(stage.name)
        return real(stage, loop, folder, *rest)

    monkeypatch.setattr(generators, "run_stage", counted)
    rows = ("cls", "joint", "feedback-30")
    command(run, "--what", "variants", "--methods", *rows)
    # "joint" is what feedback goes on from.
    assert [name for name in trained if name.startswith("uniemo")] == [
        "uniemo_joint",
        "uniemo_joint",
        "uniemo_feedback",
    ]
    results = json.loads((run / "evaluation/variants.json").read_text())
    assert list(results) == ["real", *rows]
    assert all(0 <= results[name]["understanding"] <= 1 for name in rows) and "understanding" not in results["real"]
    (fed,) = (run / "evaluation/results/runs").glob("feedback-*")
    assert (fed / "best/space").is_dir()
    lines = capsys.readouterr().out.splitlines()
    heading = "| method | pictures | accuracy ↑ | FID ↓ | LPIPS ↑ | Emo-A ↑ | Sem-C ↑ | Sem-D ↑ |"
    assert heading in lines
    place = next(number for number, line in enumerate(lines) if line.startswith("| Class token | 16 |"))
    assert lines[place + 1] == "| UniEmo, table V: Cls | - | - | 30.02 | 0.763 | 71.35 | 0.621 | 0.0331 |"
    assert "| UniEmo, table VIII: 30 % generated | - | 85.34 | 27.75 | 0.792 | 78.34 | 0.640 | 0.0389 |" in lines


def test_a_domain_of_no_share_has_no_say(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command(
        *(run, "--what", "understanding", "--methods", "multi-stage", "--seeds", "0"),
        *("--uniemo_understanding.shares", "{cartoons: 1, drawn: 0}", "--epochs", "1"),
    )
    said = capsys.readouterr().out
    assert (
        "learned from cartoons, epochs of the source: 1, in batches of 8 pictures" in said
        and "| test-drawn | 8 |" in said
    )
    table = json.loads((run / "evaluation/understanding.json").read_text())["multi-stage"]
    # Three pictures of each of eight emotions.
    assert [one["settings"]["loop"]["steps"] for (one,) in table.values()] == [3, 3]


def test_other_rows_are_left_out(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EvaluationRun, "report", lambda *_: pytest.fail("reported"))
    command(run, "--what", "understanding", "generation", "variants", "--methods", "kcdp-da")


def test_too_few_pictures_are_one_sentence(run: Path) -> None:
    with pytest.raises(SystemExit, match="two pictures of an emotion or more, not 1"):
        command(run, "--what", "generation", "--methods", "uniemo", "--pictures", "1")


def test_all_is_what_there_are_weights_for(run: Path, recipe: Recipe, tmp_path: Path) -> None:
    def measurable(recipe: Recipe) -> list[str]:
        run = EvaluationRun(recipe, EvaluationArguments())
        return [name for name in ("understanding", "generation", "editing", "variants") if MEASURES[name].in_all(run)]

    assert measurable(recipe) == ["understanding", "generation", "editing"]
    assert measurable(make_recipe(output_dir=str(tmp_path), drawn=0)) == []


def test_few_steps_are_measured_of_the_student(run: Path, recipe: Recipe, foundation: Foundation) -> None:
    generators = EvaluationRun(recipe, EvaluationArguments(few_steps=True)).once(UniEmoModels).generators
    with pytest.raises(SystemExit, match="'uniemo_distilled' has to be trained first"):
        _ = generators.pipeline
    folder = run / "uniemo_distilled"
    foundation.unet.save_pretrained(folder / "best" / "unet")
    student = generators.pipeline
    shutil.rmtree(folder)
    assert (generators.steps(student), student.config.guidance_scale) == (4, 1.0)
    assert student.config.quality["guidance_scale"] == 2.0
    method = generators.of_pipeline("few", student)
    assert method.settings["steps"] == 4 and len(method.generate("awe", [3, 4])) == 2
    teacher = EvaluationRun(recipe, EvaluationArguments(inference_steps=7)).once(UniEmoModels).generators
    assert teacher.steps(teacher.pipeline) == 7


def test_a_word_for_each_emotion_is_learned_and_nothing_else(recipe: Recipe, pictures: Dataset, tmp_path: Path) -> None:
    parts = uniemo.JointParts.load(recipe, pictures)
    stage = InversionStage(parts.stage(JointConfig()), MIKELS_8.labels)
    task = stage.build()
    assert isinstance(task, InversionTask)
    assert [name for name, parameter in task.named_parameters() if parameter.requires_grad] == ["words"]
    tokenizer, table = parts.foundation.tokenizer, parts.foundation.text_encoder.embeddings.token_embedding.weight
    ids = tokenizer("anger", add_special_tokens=False).input_ids
    torch.testing.assert_close(task.words[4].detach(), table[ids].mean(0))
    batch = stage.batch(8, torch.Generator().manual_seed(0))
    loss = task(**batch)["loss"]
    painted = {name: value for name, value in batch.items() if name != "labels"}
    assert loss.item() == pytest.approx(task.joint.denoising(task.words[batch["labels"]], **painted).item())
    loss.backward()
    told = batch["labels"][~batch["drop"]].unique().tolist()
    assert [bool(row.abs().sum() > 0) for row in task.words.grad] == [label in told for label in range(8)]
    metrics = run_stage(stage, LoopConfig(steps=3, batch_size=8, warmup_steps=0, validate_every=3), tmp_path)
    assert metrics["score"] < 0
    words = learned_words(tmp_path / "best")
    assert words.shape == (8, 32) and not torch.equal(words, task.words)
