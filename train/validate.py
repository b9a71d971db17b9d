"""Look through published data sets before training: `python train/validate.py --sets emoset=FOLDER ser30k=FOLDER`.

For each set: pictures by class and split, files that cannot be read, annotations that are missing and labels that are
unknown. The report is printed, and goes to `output_dir` as `sets.md` and, with every file named, `sets.json`. Training
leaves out what cannot be read; an index file that is missing or malformed has to be mended first, and is all that stops
this report.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm
from transformers import HfArgumentParser

# Of a script Python looks in its own folder first, where `train` would be train.py instead of the package.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kcdp.emotions import LABEL_SPACES
from train.data.records import SPLITS
from train.data.sets import SetError, named
from train.data.sets.checking import checked
from train.data.sets.labels import reaches
from train.evaluation.tables import markdown_table
from train.files import write_json, write_text

#: Of each list, what the Markdown report names; the JSON names all.
SHOWN = 20


@dataclass
class ValidateArguments:
    """What to look through."""

    sets: list[str] = field(metadata={"help": "Data sets, each as name=folder."})
    output_dir: str = field(default="runs/validation", metadata={"help": "Where the report goes."})


def validate(name: str, root: Path) -> dict[str, Any]:
    """What there is to say of a set (JSON-like).

    `counts` are readable pictures by label ("" where there is none) and split. `unreadable` are [file, fault] pairs,
    `unknown` the pictures of each unknown label, `lost` the annotation files that are named but missing or malformed, all
    below `root`. `bare` is how many readable pictures have no caption, scene or object. `spaces` are the label spaces that
    can be trained with.

    Raises SetError when the set is unknown, or an index file or a folder is missing or malformed.
    """
    chosen, root = named(name), root.resolve()
    if not root.is_dir():
        raise SetError(f"There is no folder {root}; give the root folder of {chosen.title}.")
    counts: dict[str, Counter[str]] = {label: Counter() for label in (*chosen.space.labels, "")}
    unreadable: list[tuple[str, str]] = []
    unknown: dict[str, list[str]] = {}
    lost: list[str] = []
    bare = Counter[str]()
    for entry, fault, _ in tqdm(checked(chosen.reader(root)), desc=chosen.title, mininterval=5):
        path = entry.path.relative_to(root).as_posix()
        if entry.lost is not None:
            lost.append(entry.lost.relative_to(root).as_posix())
        if fault is not None:
            unreadable.append((path, fault))
        elif (entry.label or "") not in counts:
            unknown.setdefault(str(entry.label), []).append(path)
        else:
            counts[entry.label or ""][entry.split] += 1
            bare.update(caption=not entry.captions, scene=entry.scene is None, object=not entry.objects)
    return {
        "title": chosen.title,
        "root": str(root),
        "space": chosen.space.name,
        "spaces": [other for other, space in LABEL_SPACES.items() if reaches(chosen.space, space)],
        "pictures": sum(row.total() for row in counts.values()),
        "counts": {label: {split: row[split] for split in SPLITS} for label, row in counts.items() if label or row},
        "bare": dict(bare),
        "unreadable": unreadable,
        "unknown": unknown,
        "lost": lost,
    }


def _listed(title: str, lines: Sequence[str]) -> list[str]:
    """A list of files in Markdown; nothing where there is none."""
    if not lines:
        return []
    rest = [f"- and {len(lines) - SHOWN} more, in sets.json"] if len(lines) > SHOWN else []
    return ["", f"{title}: {len(lines)}", "", *(f"- {line}" for line in lines[:SHOWN]), *rest]


def report(result: dict[str, Any]) -> str:
    """What `validate` returns, in Markdown."""
    counts = result["counts"]
    rows = [
        [label or "no label", *(row[split] for split in SPLITS), sum(row.values())] for label, row in counts.items()
    ]
    totals = [sum(row[split] for row in counts.values()) for split in SPLITS]
    bare = [f"{count} without {kind}" for kind, count in result["bare"].items()]
    unknown = [f"'{label}': {', '.join(paths[:3])}" for label, paths in result["unknown"].items()]
    return "\n".join(
        [
            f"## {result['title']}",
            "",
            f"{result['root']}: {result['pictures']} readable pictures, labelled in {result['space']}; can be trained in "
            f"{', '.join(result['spaces'])}.",
            "",
            markdown_table([result["space"], *SPLITS, "all"], [*rows, ["all", *totals, result["pictures"]]]),
            *(["", f"Of the readable pictures, {', '.join(bare)}."] if result["pictures"] else []),
            *_listed("Pictures that cannot be read", [f"`{path}` {fault}" for path, fault in result["unreadable"]]),
            *_listed("Unknown labels", unknown),
            *_listed("Annotation files that are missing or malformed", [f"`{path}`" for path in result["lost"]]),
        ]
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Print and write the report; raises SystemExit with one sentence when a set cannot be looked through."""
    (asked,) = HfArgumentParser(
        (ValidateArguments,), description=__doc__, allow_abbrev=False
    ).parse_args_into_dataclasses(sys.argv[1:] if arguments is None else list(arguments))
    results: dict[str, Any] = {}
    for one in asked.sets:
        name, given, root = one.partition("=")
        if not given:
            raise SystemExit(f"'{one}' says no folder; write name=folder, as in emoset=data/EmoSet.")
        try:
            results[name] = validate(name, Path(root))
        except SetError as error:
            raise SystemExit(str(error)) from error
    text = "\n\n".join(["# Data sets", *map(report, results.values())])
    write_text(Path(asked.output_dir) / "sets.md", text + "\n")
    write_json(Path(asked.output_dir) / "sets.json", results)
    print(text)


if __name__ == "__main__":
    main()
