from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from accelerate import PartialState
from PIL import Image

from kcdp.imaging import to_tensor
from tests.two_processes import in_two_processes
from train.data.dataset import PictureDataset
from train.data.records import make_record, to_dataset
from train.evaluation.generation import Generation, GenerationMethod, generation_report, measure, real_rows
from train.evaluation.result_cache import ResultCache
from train.metrics.diversity import lpips_diversity
from train.metrics.fid import frechet_distance
from train.metrics.pictures import Instruments

EMOTIONS = ("amusement", "fear", "sadness")
COLOURS = {"amusement": (250, 210, 20), "fear": (40, 40, 40), "sadness": (30, 60, 220)}
SIZE = 16


def colours(pictures: torch.Tensor) -> torch.Tensor:
    """Mean colour and contrast (B, 6): all that these instruments see."""
    return torch.cat([pictures.mean(dim=(2, 3)), pictures.std(dim=(2, 3))], dim=1)


def judge(pictures: torch.Tensor) -> torch.Tensor:
    """The emotion whose colour is nearest."""
    known = torch.tensor([COLOURS[emotion] for emotion in EMOTIONS]) / 127.5 - 1
    return (-4 * torch.cdist(pictures.mean(dim=(2, 3)), known)).softmax(1)


TOOLS = Instruments(
    key="colours",
    emotions=EMOTIONS,
    judge=judge,
    scenes=lambda pictures: colours(pictures)[:, :3].softmax(1),
    objects=lambda pictures: (3 * colours(pictures)).softmax(1),
    embeddings=colours,
    features=colours,
    levels=lambda pictures: [pictures, torch.nn.functional.avg_pool2d(pictures, 4)],
)


def dots(emotion: str, seeds: list[int], shift: int = 0) -> list[Image.Image]:
    """A method's work: noise of each seed around the emotion's colour."""
    painted = []
    for seed in seeds:
        noise = torch.randint(-20, 21, (SIZE, SIZE, 3), generator=torch.Generator().manual_seed(seed))
        levels = (torch.tensor(COLOURS[emotion]) + noise + shift + seed % 7).clamp(0, 255).byte()
        painted.append(Image.fromarray(levels.numpy()))
    return painted


class Painter:
    """Counts what it is asked for."""

    def __init__(self, wrong: str = "") -> None:
        self.asked: list[tuple[str, list[int]]] = []
        self.wrong = wrong

    def __call__(self, emotion: str, seeds: list[int]) -> list[Image.Image]:
        self.asked.append((emotion, seeds))
        return dots("fear" if emotion == self.wrong else emotion, seeds)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> PictureDataset:
    """Six pictures of each emotion and a stray one without; two of a group."""
    rows = [
        make_record(
            dots(emotion, [50 + 10 * place + 100 * number], shift=5)[0],
            ["dots"],
            domain="photos",
            style="dots",
            group=f"{emotion}-{number // 2}",
            license="CC0-1.0",
            emotion=emotion,
            split="test",
        )
        for place, emotion in enumerate(EMOTIONS)
        for number in range(6)
    ]
    stray = make_record(
        Image.new("RGB", (SIZE, SIZE), "green"), ["green"], domain="photos", style="dots", group="stray",
        license="CC0-1.0", split="test",
    )  # fmt: skip
    return PictureDataset(to_dataset([stray, *rows]), tmp_path_factory.mktemp("real"), EMOTIONS, size=SIZE)


@pytest.fixture
def generation(real: PictureDataset, tmp_path: Path) -> Generation:
    return Generation(real, TOOLS, ResultCache(tmp_path), count=3, batch_size=2)


def test_real_rows_share_no_group(real: PictureDataset) -> None:
    shown, compared = real_rows(real, count=10)
    groups, labels = real.records["group"][:], real.labels.tolist()
    first = {groups[row] for rows in shown.values() for row in rows.tolist()}
    second = {groups[row] for row in compared.tolist()}
    assert first.isdisjoint(second)
    assert "stray" not in first | second
    for label, emotion in enumerate(EMOTIONS):
        # Of three groups of two, two are on one side.
        assert len(shown[emotion]) == 4
        assert {labels[row] for row in shown[emotion].tolist()} == {label}
        assert sum(labels[row] == label for row in compared.tolist()) == 2


def test_real_rows_are_at_most_as_many_as_asked_and_always_the_same(real: PictureDataset) -> None:
    shown, compared = real_rows(real, count=2)
    assert [len(rows) for rows in shown.values()] == [2] * 3
    assert len(compared) == 6
    again, others = real_rows(real, count=2)
    assert all(torch.equal(shown[emotion], again[emotion]) for emotion in EMOTIONS)
    assert torch.equal(compared, others)


def test_too_few_real_pictures_are_named(real: PictureDataset) -> None:
    kept = [row for row, label in enumerate(real.labels.tolist()) if label != 1 or row == 7]
    few = PictureDataset(real.records.select(kept), real.cache_dir, EMOTIONS, size=SIZE)
    with pytest.raises(ValueError, match="too few real pictures of fear"):
        real_rows(few, count=2)


def test_measures_are_the_metrics_of_each_emotion() -> None:
    pictures = {emotion: to_tensor(dots(emotion, list(range(4))), SIZE) for emotion in EMOTIONS}
    # What was asked for as sadness looks like fear, but for one picture.
    pictures["sadness"][1:] = to_tensor(dots("fear", [7, 8, 9]), SIZE)
    compared = torch.randn(8, 6)
    found = measure(pictures.__getitem__, TOOLS, compared, batch_size=3)
    assert found["pictures"] == 12
    assert {emotion: row["emo_a"] for emotion, row in found["emotions"].items()} == {
        "amusement": 1.0, "fear": 1.0, "sadness": 0.25
    }  # fmt: skip
    assert found["emo_a"] == pytest.approx(0.75)
    assert found["judged"]["confusion"] == [[4, 0, 0], [0, 4, 0], [0, 3, 1]]
    clarity, spread, distances = [], [], []
    for some in pictures.values():
        clarity += torch.maximum(TOOLS.scenes(some).amax(1), TOOLS.objects(some).amax(1)).tolist()
        for one, other in itertools.combinations(some.split(1), 2):
            spread.append(float((colours(one) - colours(other)).square().mean()))
            distances.append(lpips_diversity([one, other], TOOLS.levels))
    assert found["sem_c"] == pytest.approx(sum(clarity) / len(clarity))
    assert found["sem_d"] == pytest.approx(sum(spread) / len(spread), rel=1e-4)
    assert found["lpips"] == pytest.approx(sum(distances) / len(distances), rel=1e-4)
    everything = torch.cat([colours(some) for some in pictures.values()])
    assert found["fid"] == pytest.approx(frechet_distance(compared, everything), rel=1e-4)


def test_a_method_makes_every_picture_once(generation: Generation) -> None:
    painter = Painter()
    method = GenerationMethod("Dots", painter, {"weights": "a"})
    first = generation.result("dots", method)
    assert first["pictures"] == 9
    assert first["emo_a"] == 1
    # Three of each emotion by two at a time, and no noise twice.
    assert [len(seeds) for _, seeds in painter.asked] == [2, 1] * 3
    assert len({seed for _, seeds in painter.asked for seed in seeds}) == 9
    painter.asked.clear()
    assert generation.result("dots", method) == first
    # What is measured with others is looked at again, not painted again.
    other = dataclasses.replace(generation, instruments=dataclasses.replace(TOOLS, key="other"))
    assert other.result("dots", method)["settings"]["instruments"] == "other"
    assert painter.asked == []
    # More pictures are those that are there and some more.
    assert dataclasses.replace(generation, count=4).result("dots", method)["pictures"] == 12
    assert [len(seeds) for _, seeds in painter.asked] == [1] * 3


def test_other_weights_paint_anew(generation: Generation) -> None:
    first, second = Painter(), Painter(wrong="sadness")
    generation.result("dots", GenerationMethod("Dots", first, {"weights": "a"}))
    found = generation.result("dots", GenerationMethod("Dots", second, {"weights": "b"}))
    assert len(second.asked) == len(first.asked)
    assert found["emotions"]["sadness"]["emo_a"] == 0
    assert len(list((generation.cache.folder / "pictures").iterdir())) == 2


def test_a_killed_method_goes_on(generation: Generation) -> None:
    painter = Painter()

    def killed(emotion: str, seeds: list[int]) -> list[Image.Image]:
        if emotion == "fear":
            raise KeyboardInterrupt
        return painter(emotion, seeds)

    with pytest.raises(KeyboardInterrupt):
        generation.result("dots", GenerationMethod("Dots", killed))
    painter.asked.clear()
    generation.result("dots", GenerationMethod("Dots", painter))
    assert {emotion for emotion, _ in painter.asked} == {"fear", "sadness"}


def test_two_processes_paint_every_picture_once(generation: Generation, tmp_path: Path) -> None:
    def paint() -> None:
        painter = Painter()
        result = generation.result("dots", GenerationMethod("Dots", painter))
        own = {"asked": painter.asked, "fid": result["fid"], "emo_a": result["emo_a"]}
        (tmp_path / f"{PartialState().process_index}.json").write_text(json.dumps(own))

    in_two_processes(paint)
    first, second = (json.loads((tmp_path / f"{process}.json").read_text()) for process in (0, 1))
    # Batches of two and of one, an emotion each.
    assert [len(seeds) for _, seeds in first["asked"]] == [2, 2, 2]
    assert [len(seeds) for _, seeds in second["asked"]] == [1, 1, 1]
    again = Painter()
    alone = dataclasses.replace(generation, cache=ResultCache(tmp_path / "alone"))
    expected = alone.result("dots", GenerationMethod("Dots", again))
    assert sorted(map(repr, map(tuple, first["asked"] + second["asked"]))) == sorted(map(repr, again.asked))
    for found in (first, second):
        assert (found["fid"], found["emo_a"]) == (expected["fid"], expected["emo_a"])


def test_pictures_can_be_looked_at(generation: Generation) -> None:
    method = GenerationMethod("Dots", Painter())
    path = generation.generate("dots", method)["fear"][1]
    assert path.parent == generation.folder("dots", method) / "fear"
    (expected,) = dots("fear", [generation.seeds("fear")[1]])
    with Image.open(path) as picture:
        assert picture.tobytes() == expected.tobytes()


def test_real_pictures_stand_beside_the_methods(generation: Generation) -> None:
    methods = {
        "good": GenerationMethod("Dots", Painter()),
        "bad": GenerationMethod("Fearful dots", Painter(wrong="amusement")),
    }
    results = generation.table(methods)
    assert list(results) == ["real", "good", "bad"]
    assert json.loads(json.dumps(results)) == results
    assert results["real"]["emo_a"] == 1
    assert results["real"]["fid"] < results["bad"]["fid"]
    report = generation_report(results, {name: method.title for name, method in methods.items()}, "A note.")
    lines = report.splitlines()
    assert lines[0] == "## Generation"
    assert "| method | pictures | FID ↓ | LPIPS ↑ | Emo-A ↑ | Sem-C ↑ | Sem-D ↑ |" in lines
    (row,) = (line for line in lines if line.startswith("| Fearful dots | 9 |"))
    bad = results["bad"]
    assert row == (
        f"| Fearful dots | 9 | {bad['fid']:.2f} | {bad['lpips']:.3f} | 66.7 | {bad['sem_c']:.3f} | {bad['sem_d']:.4f} |"
    )
    assert "| Real pictures | 100.0 | 100.0 | 100.0 |" in lines
    assert "| Fearful dots | 0.0 | 100.0 | 100.0 |" in lines


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda known: dataclasses.replace(known, count=1), "two pictures of an emotion"),
        (
            lambda known: dataclasses.replace(known, instruments=dataclasses.replace(TOOLS, emotions=("joy",))),
            "The judge says joy, the pictures amusement",
        ),
        (lambda known: known.table({"real": GenerationMethod("Dots", Painter())}), "another name"),
        (
            lambda known: known.result("few", GenerationMethod("Few", lambda emotion, seeds: dots(emotion, [0]))),
            "'few' was asked for 2 pictures of amusement and made 1",
        ),
    ],
)
def test_errors_say_what_is_wrong(generation: Generation, make: Callable[[Generation], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(generation)
