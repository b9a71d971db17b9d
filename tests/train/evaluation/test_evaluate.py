"""The command from end to end, on stages of random weights."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from datasets import Dataset
from PIL import Image

from kcdp.perception.latent_encoder import LatentEncoder
from tests.temporary_module import added_module
from train import evaluate
from train.core.clip import FrozenCLIP
from train.core.foundation import Foundation
from train.core.recipe import Recipe
from train.core.trainer import LoopConfig, run_stage
from train.data.training_record import TrainingRecord
from train.evaluation.arguments import EvaluationArguments
from train.evaluation.domains import Domains
from train.evaluation.measures import MEASURES, adaptation, captions, reconstruction
from train.evaluation.run import EvaluationRun
from train.evaluation.vlm import FrozenVLM
from train.stages.kcdp import KCDPConfig, KCDPStage
from train.stages.registry import read_recipe
from train.stages.unet import build_scheduler

SETTINGS = "drawn: 0\nsize: 32\nkcdp: {lora_rank: 2, views: 1, loop: {learning_rate: 1.0e-3}}\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, foundation: Foundation, clip: FrozenCLIP, domains: Domains) -> Path:
    """A run's folder with the best weights of every stage, and the configuration beside it."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "mini.yaml").write_text(SETTINGS + f"output_dir: {folder}\n")
    foundation.vae.save_pretrained(folder / "vae/best/vae")
    foundation.unet.save_pretrained(folder / "unet/best/unet")
    for stage in ("latent_encoder", "labelled_latent_encoder"):
        LatentEncoder(6, (8, 16)).save_pretrained(folder / stage / "best/latent_encoder")
    build_scheduler().save_pretrained(folder / "unet/best/scheduler")
    language = folder / "language/best"
    clip.model.save_pretrained(language / "clip")
    clip.tokenizer.save_pretrained(language / "tokenizer")
    clip.processor.save_pretrained(language / "image_processor")
    foundation.captioner.save_pretrained(language / "captioner")
    stage = KCDPStage(KCDPConfig(lora_rank=2, views=1), foundation, domains.source("emoji"), domains.test("emoji"))
    run_stage(stage, LoopConfig(steps=1, batch_size=4, warmup_steps=1, validate_every=1), folder / "kcdp")
    return folder


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, records: Dataset, foundation: Foundation) -> None:
    """Pictures of the tests, and a parser without weights."""

    def load_records(recipe: Recipe) -> Dataset:
        return records

    monkeypatch.setattr("train.evaluation.run.load_records", load_records)
    monkeypatch.setattr("train.core.foundation.TripletParser.from_pretrained", lambda folder: foundation.parser)


def command(run: Path, *arguments: str) -> None:
    evaluate.main(["--config", str(run / "mini.yaml"), *arguments])


def test_everything_is_printed_and_written(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = ("--pairs", "emoji:photos", "--seeds", "3", "--steps", "1", "--batch_size", "4", "--limit", "3")
    command(run, *few, "--methods", "clip-zero-shot", "source-only", "kcdp-da", "caption-only")
    folder, said = run / "evaluation", capsys.readouterr().out
    for name in ("recognition", "captions", "reconstruction", "adaptation", "ablations"):
        assert (folder / f"{name}.md").read_text().strip() in said
        json.loads((folder / f"{name}.json").read_text())
    pictures = {path.name for path in folder.glob("*.png")}
    tests = ("test-emoji", "test-cartoons", "test-photos")
    assert pictures == {*(f"confusion-{part}.png" for part in tests), "tsne-emoji-photos.png", "paintings.png"}
    assert Image.open(folder / "paintings.png").size == (8 * 32, 8 * 32)
    table = json.loads((folder / "adaptation.json").read_text())
    assert list(table) == ["clip-zero-shot", "source-only", "kcdp-da"]
    assert [run["settings"]["loop"]["seed"] for run in table["kcdp-da"]["emoji → photos"]] == [3]
    assert list(json.loads((folder / "ablations.json").read_text())) == [
        *("kcdp-da", "clip-zero-shot", "caption-only"),
    ]


def test_what_has_been_measured_is_read(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ("--what", "reconstruction", "captions", "--limit", "2")
    command(run, *asked)
    for module, name in ((reconstruction, "reconstruct"), (captions, "describe")):
        monkeypatch.setattr(module, name, lambda *_: pytest.fail("measured again"))
    command(run, *asked)
    with pytest.raises(pytest.fail.Exception, match="measured again"):
        command(run, "--what", "captions", "--limit", "1")


def test_the_model_named_is_asked(run: Path, vlm: FrozenVLM) -> None:
    vlm.model.save_pretrained(run / "vlm")
    vlm.processor.save_pretrained(run / "vlm")
    rows = ("vlm-answer", "vlm-likelihood", "vlm-linear-probe")
    asked = ("--what", "adaptation", "--pairs", "emoji:photos", "--seeds", "3", "--vlm.name", str(run / "vlm"))
    command(run, *asked, "--methods", *rows)
    table = json.loads((run / "evaluation/adaptation.json").read_text())
    assert [len(table[row]["emoji → photos"]) for row in rows] == [1, 1, 1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--what", "beauty"), "'beauty' is not known"),
        (("--methods", "magic"), "'magic' is not known"),
        (("--what", "adaptation", "--pairs", "emoji:stickers"), "'emoji:stickers' is not a pair"),
        (("--what", "adaptation", "--methods", "vlm-answer"), "'vlm-answer' asks a vision-language model"),
        (
            ("--what", "adaptation", "--vlm.name", "nowhere/at-all"),
            "'nowhere/at-all' is (neither a folder|no folder here)",
        ),
        (("--vlm.nmae", "org/vlm"), "'--vlm.nmae' is unknown"),
        (("--what", "recognition", "--protocol", "selection"), "no labelled test picture"),
        (("--what", "recognition", "--bundle", "nowhere/at-all"), "nowhere/at-all"),
        (("--what", "captions", "--output_dir", "nowhere"), "has to be trained first"),
        (("--protocol", "none"), "'none' is no protocol"),
        (("--kcdp.experts", "3"), "'--kcdp.experts' is unknown"),
    ],
)
def test_mistakes_end_in_one_sentence(
    run: Path, arguments: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=message):
        command(run, *arguments)


COUNT = """
    from train.evaluation.measure import Measure
    from train.evaluation.run import EvaluationRun

    ROWS = {"by-part": "Pictures of each test part"}


    def run(evaluation: EvaluationRun) -> None:
        if evaluation.chosen(ROWS):
            counts = {part: len(evaluation.domains.part(part)) for part in evaluation.domains.test_parts}
            evaluation.report("count", f"{sum(counts.values())} pictures to test with", counts)


    MEASURE = Measure(run, "how many test pictures there are", ROWS)
"""


def test_a_measure_is_one_file_and_one_line(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="'count' is not known"):
        command(run, "--what", "count")
    monkeypatch.setitem(MEASURES, "count", added_module(tmp_path, "count", COUNT).MEASURE)
    command(run, "--what", "count", "--methods", "by-part")
    assert json.loads((run / "evaluation/count.json").read_text()) == {
        "test-emoji": 6, "test-cartoons": 6, "test-photos": 6
    }  # fmt: skip
    assert "18 pictures to test with" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        command(run, "--help")
    assert "count: how many test pictures" in " ".join(capsys.readouterr().out.split())


def test_what_weights_have_seen_is_marked_in_every_table(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Under a protocol with tests, weights of another that learned from them."""
    asked = ("--what", "recognition", "captions", "reconstruction", "--limit", "2")
    command(run, *asked)
    assert "seen in training" not in capsys.readouterr().out
    recipe = read_recipe(["--config", str(run / "mini.yaml")])
    pipeline = EvaluationRun(recipe, EvaluationArguments()).pipeline
    bundle = SimpleNamespace(folder=tmp_path, kcdp=pipeline)
    monkeypatch.setattr("train.evaluation.run.load_bundle", lambda name, device: bundle)
    command(run, *asked, "--bundle", "somewhere")
    assert "| test-photos (the bundle does not say what it has seen) | 2 |" in capsys.readouterr().out
    TrainingRecord.of("shipped", ["emoji", "cartoons", "photos"]).write(tmp_path)
    command(run, *asked, "--bundle", "somewhere")
    lines = capsys.readouterr().out.splitlines()
    for part in ("test-cartoons", "test-photos"):
        assert any(line.startswith(f"| {part} (seen in training) | 2 |") for line in lines)
    # The vendor that only tests is new to it.
    assert any(line.startswith("| test-emoji | 2 |") for line in lines)
    assert any(line.startswith("| validation emoji (chose the weights) | ") for line in lines)
    assert "PSNR of validation emoji (chose the weights), dB." in lines
    found = json.loads((run / "evaluation/recognition.json").read_text())
    assert found["test-photos"]["test"] == "test-photos (seen in training)"


def test_what_a_run_s_own_stages_have_seen_is_marked(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    TrainingRecord.of("shipped", ["photos"]).write(run / "bundle")
    few = ("--pairs", "emoji:photos", "photos:emoji", "--seeds", "3", "--methods", "clip-zero-shot")
    try:
        command(run, "--what", "adaptation", *few)
    finally:
        shutil.rmtree(run / "bundle")
    lines = capsys.readouterr().out.splitlines()
    assert "| method | emoji → photos (seen in training) | photos → emoji | mean |" in lines


def test_tables_from_domain_to_domain_stand_on_features_without_labels(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The labelled latent encoder has learned what the targets' training pictures show."""
    loaded = []
    real = adaptation.load_perception

    def spy(recipe: Recipe, latent_encoder: str = "labelled_latent_encoder") -> Foundation:
        loaded.append(latent_encoder)
        return real(recipe, latent_encoder=latent_encoder)

    monkeypatch.setattr(adaptation, "load_perception", spy)
    few = ("--what", "adaptation", "--pairs", "emoji:photos", "--seeds", "3", "--methods", "clip-zero-shot")
    command(run, *few)
    assert loaded == ["latent_encoder"]
    assert "The foundation learned from captions that name emotions" in capsys.readouterr().out
    command(run, *few, "--label_free", "true")
    assert "captions that name emotions" not in capsys.readouterr().out
