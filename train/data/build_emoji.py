"""Builds emoji.parquet from checkouts of the emoji repositories.

    python -m train.data.build_emoji --noto ~/noto-emoji --twemoji ~/twemoji-assets --out data/emoji.parquet

Names, keywords, emotions and splits come from `tables/emoji_labels.csv`; a symbol that is not in it is left out. Give as
many of the vendors as there are checkouts:

| option       | repository                       | pictures                                 |
|--------------|----------------------------------|------------------------------------------|
| `--noto`     | googlefonts/noto-emoji           | `png/128/emoji_u1f600.png`               |
| `--twemoji`  | cptpiepmatz/twemoji-assets       | `assets/svg/1f600.svg`                   |
| `--emojitwo` | EmojiTwo/emojitwo                | `png/128/1f600.png`                      |
| `--openmoji` | nataliakeniganti/openmoji-bitmaps | `128x128_png32/1F600.png`               |
| `--fluent`   | ShellBin/WordPress_Fluent-Emoji  | `assets/Grinning face/{Flat,3D,Color}/*` |
"""

from __future__ import annotations

import argparse
import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets import List, Value

from train.data.building import BuildError, encode, render, write_parquet
from train.data.wording import read_table

logger = logging.getLogger(__name__)

COLUMNS = {
    **{name: Value("string") for name in ("source", "vendor", "codepoint", "name")},
    "keywords": List(Value("string")),
    **{name: Value("string") for name in ("group", "subgroup", "emotion", "split", "license")},
}


@dataclass(frozen=True)
class Flat:
    """A vendor whose files are named by code points, all in one folder."""

    folder: str
    pattern: str
    license: str


FLAT: Mapping[str, Flat] = {
    "noto": Flat("png/128", "emoji_u*.png", "Apache-2.0"),
    "twemoji": Flat("assets/svg", "*.svg", "CC BY 4.0"),
    "emojitwo": Flat("png/128", "*.png", "CC BY 4.0"),
    "openmoji": Flat("128x128_png32", "*.png", "CC BY-SA 4.0"),
}
FLUENT_STYLES = ("Flat", "3D", "Color")
FLUENT_LICENSE = "MIT"


def codepoint_of(stem: str) -> str:
    """A file's stem as lower-case code points joined by "-", without the variation selector fe0f.

    >>> codepoint_of("emoji_u1f468_200d_1f680"), codepoint_of("2764-FE0F")
    ('1f468-200d-1f680', '2764')
    """
    parts = re.split(r"[-_]", stem.lower().removeprefix("emoji_u"))
    return "-".join(part.lstrip("0") or "0" for part in parts if part != "fe0f")


def _plain(name: str) -> str:
    """A name without case and punctuation, to compare Fluent's folders with the CLDR names."""
    return re.sub(r"[^a-z0-9]+", " ", name.lower().replace("\u2019", "")).strip()


def flat_pictures(vendor: str, checkout: Path) -> Iterator[tuple[str, str, Path]]:
    """(vendor, code points, file) of every picture of a vendor in `FLAT`.

    Raises BuildError when the checkout has no such folder.
    """
    layout = FLAT[vendor]
    folder = checkout / layout.folder
    if not folder.is_dir():
        raise BuildError(f"{checkout} has no folder {layout.folder}; give a checkout of the repository for {vendor}.")
    for path in sorted(folder.glob(layout.pattern)):
        yield vendor, codepoint_of(path.stem), path


def fluent_pictures(checkout: Path, names: Mapping[str, str]) -> Iterator[tuple[str, str, Path]]:
    """(vendor, code points, file) of Fluent's three styles, in the default skin tone.

    A folder's code points are in its metadata.json; without one its name is looked up in `names` (CLDR name -> code
    points). Raises BuildError when the checkout has no folder `assets`.
    """
    assets = checkout / "assets"
    if not assets.is_dir():
        raise BuildError(f"{checkout} has no folder assets; give a checkout of the repository for fluent.")
    by_name = {_plain(name): codepoint for name, codepoint in names.items()}
    for folder in sorted(path for path in assets.iterdir() if path.is_dir()):
        metadata = folder / "metadata.json"
        if metadata.exists():
            codepoint = codepoint_of("-".join(json.loads(metadata.read_text(encoding="utf-8-sig"))["unicode"].split()))
        else:
            codepoint = by_name.get(_plain(folder.name), "")
        for style in FLUENT_STYLES:
            files = [
                path
                for place in (folder / style, folder / "Default" / style)
                if place.is_dir()
                for path in sorted(place.iterdir())
                if path.suffix.lower() in (".svg", ".png")
            ]
            if codepoint and files:
                yield f"fluent_{style.lower()}", codepoint, files[0]


def build(checkouts: Mapping[str, Path], out: Path) -> int:
    """Writes the Parquet file and returns its number of rows; `checkouts` maps a vendor, or "fluent", to a folder."""
    labels = {row["codepoint"]: row for row in read_table("emoji_labels.csv")}
    names = {row["name"]: codepoint for codepoint, row in labels.items()}
    rows: list[dict[str, Any]] = []
    for vendor, checkout in checkouts.items():
        found = fluent_pictures(checkout, names) if vendor == "fluent" else flat_pictures(vendor, checkout)
        before, seen = len(rows), set()
        for style, codepoint, path in found:
            if codepoint not in labels or (style, codepoint) in seen:
                continue
            seen.add((style, codepoint))
            label = labels[codepoint]
            rows.append(
                {
                    "image": {"bytes": encode(render(path)), "path": f"{style}_{codepoint}.webp"},
                    "source": "emoji",
                    "vendor": style,
                    **{key: label[key] for key in ("codepoint", "name", "group", "subgroup", "emotion", "split")},
                    "keywords": label["keywords"].split("|") if label["keywords"] else [],
                    "license": FLUENT_LICENSE if vendor == "fluent" else FLAT[vendor].license,
                }
            )
        logger.info("%s: %d pictures", vendor, len(rows) - before)
    write_parquet(rows, COLUMNS, out)
    return len(rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line; ends with one line of text when something is wrong with what was given."""
    parser = argparse.ArgumentParser(description="Build emoji.parquet from checkouts of the emoji repositories.")
    for vendor in (*FLAT, "fluent"):
        parser.add_argument(f"--{vendor}", type=Path, help=f"checkout of the repository for {vendor}")
    parser.add_argument("--out", type=Path, required=True, help="the Parquet file to write")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    checkouts = {vendor: getattr(given, vendor) for vendor in (*FLAT, "fluent") if getattr(given, vendor)}
    try:
        print(f"{build(checkouts, given.out)} pictures in {given.out}")
    except BuildError as error:
        parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    main()
