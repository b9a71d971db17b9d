"""The results of many pictures as rows: what the table shows, how it is filtered, sorted and exported."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from PIL import Image

from kcdp import plots
from kcdp.ui.languages import ENGLISH, Tell

if TYPE_CHECKING:
    from kcdp.batch import PictureResult

#: Side of a thumbnail, in pixels, and rows of a page of the table.
THUMBNAIL_SIDE, PAGE_ROWS = 56, 50
SORTS = ("as uploaded", "most confident first", "least confident first", "by name")


@dataclass(frozen=True)
class ResultRow:
    """One picture in the table.

    Args:
        record: the JSON-clean result, `PictureResult.to_dict()`.
        thumbnail: a small PNG; None where there is no picture.
    """

    record: Mapping[str, Any]
    thumbnail: bytes | None = None

    @property
    def name(self) -> str:
        """File name of the picture."""
        return str(self.record["path"])

    @property
    def emotion(self) -> str | None:
        """The verdict; None where it cannot be told, or the picture could not be read."""
        return self.record.get("emotion")

    @property
    def was_read(self) -> bool:
        """Whether there is a verdict, if only that it cannot be told."""
        return "error" not in self.record

    @property
    def says_something(self) -> bool:
        """Whether it was read and has an emotion, or one that it leans to: a blank picture has neither."""
        return self.was_read and (self.emotion or self.record.get("leaning")) is not None

    @property
    def confidence(self) -> float:
        """Probability of the likeliest emotion, in [0, 1]; 0 where nothing was read."""
        return max(map(float, self.record["probabilities"].values())) if self.says_something else 0.0


def row_of(result: PictureResult) -> ResultRow:
    """The row of a result, with a thumbnail of its picture."""
    if result.picture is None:
        return ResultRow(result.to_dict())
    small = result.picture.middle.copy()
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    data = BytesIO()
    small.save(data, "PNG")
    return ResultRow(result.to_dict(), data.getvalue())


def chosen_rows(
    rows: Sequence[ResultRow], emotions: Sequence[str] = (), least: float = 0.0, order: str = SORTS[0]
) -> list[ResultRow]:
    """The rows of some emotions (of all, without names) and of at least a confidence in [0, 1], in one of `SORTS`.

    Pictures that could not be read are among them only where nothing is filtered.
    """
    found = [row for row in rows if (not emotions or row.emotion in emotions) and row.confidence >= least]
    if order == SORTS[1]:
        return sorted(found, key=lambda row: -row.confidence)
    if order == SORTS[2]:
        return sorted(found, key=lambda row: row.confidence)
    return sorted(found, key=lambda row: row.name) if order == SORTS[3] else found


def mean_probabilities(rows: Iterable[ResultRow]) -> dict[str, float]:
    """The mean of all readings that say something, {label: probability}; empty where there is none."""
    readings = [row.record["probabilities"] for row in rows if row.says_something]
    return {} if not readings else {label: sum(one[label] for one in readings) / len(readings) for label in readings[0]}


def summary_card(rows: Sequence[ResultRow], tell: Tell = ENGLISH) -> str:
    """How many pictures were read, their mean emotion, and how many of them each emotion has."""
    mean = mean_probabilities(rows)
    if not mean:
        return ""
    read = sum(row.says_something for row in rows)
    failed = sum(not row.was_read for row in rows)
    strongest = max(mean, key=mean.__getitem__)
    unclear = sum(row.was_read and row.emotion is None for row in rows)
    named = Counter(row.emotion for row in rows if row.emotion is not None)
    counts = tell.join([f"{tell.name(label)} {number}" for label, number in named.most_common()])
    notes = tell.sentences(
        tell("Each picture counts the same."),
        tell("Pictures by what they make people feel: {counts}.", counts=counts) if counts else "",
        tell("Pictures of which it cannot be told: {number}.", number=unclear) if unclear else "",
        tell("Pictures that could not be read: {number}; the table says why.", number=failed) if failed else "",
    )
    title = tell("Mean probability of every emotion")
    bars = plots.probability_bars(mean, None, title, tell.name)
    return (
        f'<section class="kc-card kc-verdict" style="{plots.tint(strongest)}">'
        f'<p class="kc-lead">{escape(tell("On average, over {number} pictures that were read, they lean to", number=read))}</p>'
        f"<strong>{escape(tell.name(strongest))}{plots.glyph(strongest)}</strong>"
        f'<p class="kc-say">{escape(title)}</p>'
        f'{bars}<p class="kc-why">{escape(notes)}</p></section>'
    )


def table(rows: Sequence[ResultRow], page: int = 1, tell: Tell = ENGLISH) -> str:
    """A page, counted from 1, of `PAGE_ROWS` rows as an HTML table with thumbnails; every text in it is escaped.

    Of a page behind the last one it is the last.
    """
    if not rows:
        return f'<p class="kc-note">{escape(tell("No picture fits these choices."))}</p>'
    first = PAGE_ROWS * min(page - 1, (len(rows) - 1) // PAGE_ROWS)
    shown = rows[first : first + PAGE_ROWS]
    body = "".join(_table_row(row, tell) for row in shown)
    place = tell("Pictures {first} to {last} of {all}.", first=first + 1, last=first + len(shown), all=len(rows))
    heads = "".join(
        f'<th scope="col">{escape(tell(head))}</th>' for head in ("Picture", "Name", "Emotion", "Confidence", "Caption")
    )
    return (
        f'<p class="kc-note">{escape(place)}</p><div class="kc-scroll" tabindex="0" role="region" aria-label="{escape(tell("Results"))}"><table class="kc-table">'
        f"<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _table_row(row: ResultRow, tell: Tell) -> str:
    image = ""
    if row.thumbnail is not None:
        source = base64.b64encode(row.thumbnail).decode()
        image = f'<img src="data:image/png;base64,{source}" alt="" loading="lazy">'
    name = escape(row.name)
    if not row.was_read:
        return f'<tr><td>{image}</td><td>{name}</td><td colspan="3" lang="en">{escape(str(row.record.get("error")))}</td></tr>'
    leaning = row.record.get("leaning")
    unclear = tell("cannot tell")
    if leaning:
        unclear = tell("cannot tell, perhaps {emotion}", emotion=tell.name(str(leaning)))
    emotion = escape(unclear)
    if row.emotion is not None:
        glyph = f'<span style="{plots.tint(row.emotion)}">{plots.glyph(row.emotion)}</span>'
        emotion = f"{glyph}&nbsp;{escape(tell.name(row.emotion))}"
    return (
        f"<tr><td>{image}</td><td>{name}</td><td>{emotion}</td><td>{escape(plots.percent(row.confidence))}</td>"
        f'<td lang="en">{escape(str(row.record.get("caption") or ""))}</td></tr>'
    )


def export(rows: Sequence[ResultRow], path: Path) -> None:
    """Write the rows in the format that the end of `path` says: .csv, .parquet, .json (a list) or .jsonl (a line each)."""
    if path.suffix in (".json", ".jsonl"):
        records = [dict(row.record) for row in rows]
        lines = [json.dumps(record, ensure_ascii=False) for record in records]
        text = "".join(f"{line}\n" for line in lines) if path.suffix == ".jsonl" else f"[{', '.join(lines)}]"
        path.write_text(text, encoding="utf-8", errors="surrogatepass")
        return
    frame = pd.DataFrame([_flat(row) for row in rows])
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path, index=False)


def _flat(row: ResultRow) -> dict[str, Any]:
    """A row for spreadsheets: one column for each emotion's probability. A text that a spreadsheet would run is quoted."""
    record = row.record
    flat: dict[str, Any] = {
        "path": _text(row.name),
        "emotion": row.emotion,
        "leaning": record.get("leaning"),
        "confidence": row.confidence,
    }
    flat |= {"caption": _text(str(record.get("caption") or "")), "error": record.get("error")}
    return flat | {f"p_{label}": value for label, value in record.get("probabilities", {}).items()}


def _text(text: str) -> str:
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
