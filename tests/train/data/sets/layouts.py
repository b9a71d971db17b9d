"""Each published data set in its layout on disk, in small: pictures that the renderer draws."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from kcdp.emotions import EMOTION_ROI_6, MIKELS_8, POLARITY, SER_7
from train.drawn import draw

SIZE = 24
MIKELS = MIKELS_8.labels


def paint(path: Path, number: int) -> None:
    """A small drawn picture as a file of the kind that its name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(number % 5, SIZE).image.convert("RGB").save(path)


def write(path: Path, value: object) -> None:
    """JSON, or a text as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")


def emoset(root: Path) -> None:
    """Two amused and two sad pictures a split; the rows of `val` have an id, one picture has no annotation named."""
    for number, split in enumerate(("train", "val", "test")):
        rows: list[list[object]] = []
        for place, emotion in enumerate(("amusement", "sadness") * 2):
            name = f"{emotion}/{emotion}_{number * 10 + place:05d}"
            paint(root / f"image/{name}.jpg", place)
            facts = {"scene": "amusement_park", "object": ["Alarm clock", "tree"]} if place < 2 else {"brightness": 0.5}
            write(root / f"annotation/{name}.json", {"image_id": name, "emotion": emotion, **facts})
            ids = [place] if split == "val" else []
            rows.append([emotion, *ids, f"image/{name}.jpg", f"annotation/{name}.json" if place < 3 else None])
        write(root / f"{split}.json", rows)
    write(root / "info.json", {"label2idx": {label: index for index, label in enumerate(MIKELS)}})


def ser30k(root: Path) -> None:
    """One sticker of every label a split, the first with text, one more that nobody labelled."""
    for split in ("train", "val", "test"):
        rows = []
        for number in range(8):
            name = f"{split}_{number}.png"
            paint(root / f"Images/cat topic/{name}", number)
            anno = number + 1 if number < 7 else None
            text = "" if number else "hello"
            rows.append({"topic": "cat topic", "file_name": name, "text": text, "anno1": 1, "anno2": 1, "anno": anno})
        write(root / f"Annotations/image-level/{split}.json", {"annotations": rows})


def fi(root: Path) -> None:
    """Twenty training pictures of every other label and four test pictures; no validation list."""
    for split, count in (("train", 20), ("test", 4)):
        rows = []
        for number in range(count):
            label = number % 2 * 4
            name = f"{sorted(MIKELS)[label].title()}/{split}{number}.jpg"
            paint(root / name, number)
            rows.append([name, label])
        write(root / f"{split}.json", rows)


def emotion_roi(root: Path) -> None:
    """One training and one test picture of each emotion."""
    for split in ("training", "testing"):
        names = [f"{label}/{split}.jpg" for label in EMOTION_ROI_6.labels]
        for number, name in enumerate(names):
            paint(root / "images" / name, number)
        write(root / f"training_testing_split/{split}.txt", "\n".join(names) + "\n")


def emo8(root: Path) -> None:
    """One picture of each emotion a split."""
    for split in ("train", "val", "test"):
        for number, label in enumerate(MIKELS):
            paint(root / split / label / f"{number}.png", number)


def abstract(root: Path) -> None:
    """Four paintings, the last one with a tie; spelling and quotes as published."""
    header = "'Image','Amusement','Anger','Awe','Content','Disgust','Excitement','Fear','Sad'\n"
    votes = ([0, 1, 0, 9, 0, 0, 0, 2], [5, 0, 0, 0, 1, 0, 0, 0], [0, 0, 0, 0, 0, 0, 1, 4], [3, 0, 0, 3, 0, 0, 0, 0])
    lines = []
    for number, row in enumerate(votes):
        paint(root / f"abstract_{number}.jpg", number)
        lines.append(f"'abstract_{number}.jpg',{','.join(map(str, row))}\n")
    write(root / "ABSTRACT_groundTruth.csv", header + "".join(lines))


def artphoto(root: Path) -> None:
    """Three sad, two contented photos."""
    for number, prefix in enumerate(("sad", "sad", "sad", "content", "contentment")):
        paint(root / f"{prefix}_{number:04d}.jpg", number)


def twitter(root: Path) -> None:
    """Three pictures of each polarity."""
    for label in POLARITY.labels:
        for number in range(3):
            paint(root / label / f"{number}.jpg", number)


LAYOUTS: dict[str, Callable[[Path], None]] = {
    "emoset": emoset,
    "ser30k": ser30k,
    "fi": fi,
    "emotion_roi": emotion_roi,
    "emo8": emo8,
    "abstract": abstract,
    "artphoto": artphoto,
    "twitter1": twitter,
    "twitter2": twitter,
}
#: Pictures in each, by label; ties and the like left out.
COUNTS = {
    "emoset": {"amusement": 6, "sadness": 6},
    "ser30k": {**dict.fromkeys(SER_7.labels, 3), None: 3},
    "fi": {"amusement": 12, "disgust": 12},
    "emotion_roi": dict.fromkeys(EMOTION_ROI_6.labels, 2),
    "emo8": dict.fromkeys(MIKELS, 3),
    "abstract": {"contentment": 1, "amusement": 1, "sadness": 1},
    "artphoto": {"sadness": 3, "contentment": 2},
    "twitter1": dict.fromkeys(POLARITY.labels, 3),
    "twitter2": dict.fromkeys(POLARITY.labels, 3),
}
