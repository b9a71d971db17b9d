"""The configurations that ship: each is sound, and those of the papers' tables print them, on small sets and tiny models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import yaml
from huggingface_hub import constants
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from kcdp.emotions import MIKELS_8
from tests.tiny_diffusion import clip_vision, stable_diffusion, text_config
from tests.tiny_vlm import instruct_blip
from tests.train.data.sets.layouts import LAYOUTS, paint, write
from train import evaluate
from train.core.foundation import PARSER
from train.data.sets import SETS
from train.evaluation.arguments import EvaluationArguments
from train.evaluation.generators import GENERATORS
from train.evaluation.measures import MEASURES
from train.evaluation.methods import ABLATIONS, METHODS
from train.evaluation.variants import UNDERSTANDINGS, VARIANTS
from train.stages.registry import check, read_recipe

CONFIGS = Path(__file__).parents[3] / "train" / "configs"
FILES = sorted(CONFIGS.glob("*.yaml"))
PAPERS = ["kcdp-ablations", "kcdp-da", "kcdp-uc", "uniemo", "uniemo-own", "uniemo-sdxl"]


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models of the Hub need no commit."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_setting_of_every_stage_is_one_that_there_is(file: Path) -> None:
    recipe = read_recipe(["--config", str(file)], evaluation=EvaluationArguments)
    check(recipe)
    wanted = recipe.evaluation
    assert set(wanted.what) <= {*MEASURES, "all"}
    assert set(wanted.methods) <= {*METHODS, *ABLATIONS, *UNDERSTANDINGS, *GENERATORS, *VARIANTS}
    assert {name for pair in wanted.pairs for name in pair.split(":")} <= set(SETS)


@pytest.mark.parametrize("name", PAPERS)
def test_a_file_says_which_tables_it_is_for_and_the_command_that_prints_them(name: str) -> None:
    head = (CONFIGS / f"{name}.yaml").read_text().split("output_dir:")[0]
    assert "table" in head and "python train/evaluate.py" in head and f"train/configs/{name}.yaml" in head
    assert all(line.startswith("#") for line in head.strip().splitlines())


def test_what_the_file_says_of_the_evaluation_the_command_line_overrides(tmp_path: Path) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_text(yaml.safe_dump({"evaluation": {"what": ["tsne"], "seeds": [7], "epochs": 3}}))

    def wanted(*arguments: str) -> EvaluationArguments:
        line = ["--config", str(file), *arguments]
        return read_recipe(line, short="evaluation", evaluation=EvaluationArguments).evaluation

    assert wanted() == EvaluationArguments(what=["tsne"], seeds=[7], epochs=3)
    assert wanted("--seeds", "1", "2") == EvaluationArguments(what=["tsne"], seeds=[1, 2], epochs=3)
    file.write_text(yaml.safe_dump({"evaluation": {"seed": 7}}))
    with pytest.raises(SystemExit, match=r"'evaluation\.seed' is unknown; nearest: 'seeds'"):
        wanted()
    file.write_text("")
    with pytest.raises(SystemExit, match=r"'evaluation\.epochs' cannot be 'many'"):
        wanted("--epochs", "many")


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every published set in small; of those without splits more pictures, so that there are some of each split."""
    roots = {name: tmp_path_factory.mktemp(name) for name in LAYOUTS}
    for name, root in roots.items():
        LAYOUTS[name](root)
    for number in range(20):
        paint(roots["artphoto"] / f"{('sad', 'amusement')[number % 2]}_{100 + number}.jpg", number)
        paint(roots["abstract"] / f"more_{number}.jpg", number)
        paint(roots["twitter1"] / f"{('negative', 'positive')[number % 2]}/more_{number}.jpg", number)
    rows = [f"'more_{number}.jpg',{'3,0' if number % 2 else '0,3'},0,0,0,0,0,0\n" for number in range(20)]
    index = roots["abstract"] / "ABSTRACT_groundTruth.csv"
    write(index, index.read_text() + "".join(rows))
    return roots


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, tiny_tokenizer: CLIPTokenizer) -> list[str]:
    """What has to be said on the command line for tiny models in place of those of the Hub, and pictures of 32 px."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("models")
    for name, part in stable_diffusion(tiny_tokenizer).items():
        part.save_pretrained(folder / "diffusion" / name)
    text, vision = text_config(tiny_tokenizer, 16).to_dict(), clip_vision().config.to_dict()
    clip = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=12))
    images = CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size=28)
    for part in (clip, tiny_tokenizer, images):
        part.save_pretrained(folder / "vision")
    for part in instruct_blip():
        part.save_pretrained(folder / "captioner")
    named = [f"--foundation.{name}.name={folder / name}" for name in ("diffusion", "vision", "captioner")]
    words = "--foundation.captioning={num_beams: 1, min_new_tokens: 2, max_new_tokens: 4}"
    return [*named, words, f"--foundation.parser={PARSER}", "--foundation.dtype=float32", "--size=32"]


SMALL = ("--kcdp.attention_levels=[0]", "--kcdp.pyramid_channels=8", "--kcdp.lora_rank=2")
FEW = ("--epochs", "1", "--batch_size", "4")


def table(lines: list[str], heading: str) -> dict[str, list[str]]:
    """The cells of the first table after a line that begins with `heading`, by the first of each row."""
    start = next(number for number, line in enumerate(lines) if line.startswith(heading))
    rows = [line.strip("| ").split(" | ") for line in lines[start:] if line.startswith("|")]
    end = next((number for number, row in enumerate(rows[1:], 1) if row[0] in ("method", "pair", "test")), len(rows))
    return {row[0]: row[1:] for row in rows[:end]}


def command(name: str, folder: Path, roots: dict[str, Path], *arguments: str) -> None:
    """Evaluate by the file that ships, in 32 bits: the precision of one process is that of its first training."""
    file = folder / "recipe.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load((CONFIGS / f"{name}.yaml").read_text()) | {"mixed_precision": None}))
    given = [word for one, root in roots.items() for word in (f"--sets.{one}", str(root))]
    evaluate.main(["--config", str(file), "--output_dir", str(folder), *given, *arguments])


def test_table_1_has_our_row_and_the_papers(
    sets: dict[str, Path], models: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    roots = {name: sets[name] for name in ("emoset", "ser30k", "abstract", "artphoto")}
    command("kcdp-da", tmp_path, roots, *models, *SMALL, *FEW, "--methods", "kcdp-da")
    lines = capsys.readouterr().out.splitlines()
    assert any(
        line.startswith("KCDP-6, protocol `benchmark`, epochs of the source: 1, in batches of 4 pictures")
        for line in lines
    )
    rows = table(lines, "Accuracy, per cent")
    assert rows["method"][0] == "emoset → ser30k" and rows["method"][-1] == "mean"
    assert len(rows["method"]) == 7 and len(rows["KCDP (DA)"]) == 7
    assert rows["KCDP, table 1: KCDP"] == ["62.78", "40.55", "51.20", "41.29", "38.69", "42.50", "46.16"]
    assert list(rows).index("KCDP, table 1: KCDP") == list(rows).index("KCDP (DA)") + 1
    assert "KCDP, table 1: UniMoS" in rows and not any("table 2" in title for title in rows)


def test_table_2_has_one_model_for_six_domains(
    sets: dict[str, Path], models: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    roots = {name: sets[name] for name in ("emoset", "emotion_roi", "ser30k", "abstract", "artphoto", "emo8")}
    command("kcdp-uc", tmp_path, roots, *models, *SMALL, *FEW, "--methods", "kcdp-uc", "vlm-answer")
    rows = table(capsys.readouterr().out.splitlines(), "Accuracy, per cent")
    assert len(rows["KCDP (UC)"]) == len(rows["Vision-language model, prompted"]) == 7
    assert rows["KCDP, table 2: KCDP"] == ["83.38", "55.75", "57.71", "35.84", "47.14", "47.84", "-"]
    runs = tmp_path / "evaluation/results/runs"
    assert len(list(runs.iterdir())) == 1
    (result,) = json.loads((tmp_path / "evaluation/adaptation.json").read_text())["kcdp-uc"]["emoset → emo8"]
    assert sum(result["counts"].values()) == len(MIKELS_8)


def test_table_2_of_uniemo_in_its_own_label_space(
    sets: dict[str, Path], models: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny = ("--uniemo_understanding.num_queries", "2", "--uniemo_understanding.head_dim", "16")
    command("uniemo-own", tmp_path, {"twitter1": sets["twitter1"]}, *models, *tiny, *FEW, "--label_space", "Polarity")
    rows = table(capsys.readouterr().out.splitlines(), "Accuracy, per cent")
    assert rows["UniEmo, table II: UniEmo, ViT-L/14"] == ["95.63", "-"]
    assert len(rows["Queries stage by stage (UniEmo)"]) == 2
