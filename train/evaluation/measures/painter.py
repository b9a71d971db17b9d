"""A bundle's painter, judged by networks that share nothing with it: emotions, things, blends and edits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kcdp.emotions import MIKELS_8
from kcdp.imaging import to_pictures
from kcdp.painting.things import THINGS
from train.core.runs import exit_on_error
from train.evaluation.bundle_measures import evenly_spaced
from train.evaluation.editing import AMONG
from train.evaluation.generation import real_rows
from train.evaluation.measure import Measure
from train.evaluation.painter_judges import PainterJudges
from train.evaluation.painter_scores import PainterScores
from train.evaluation.run import EvaluationRun
from train.evaluation.tables import markdown_table, percent


def painter_report(accuracies: Mapping[str, Mapping[str, float]], results: Mapping[str, Mapping[str, Any]]) -> str:
    """What `PainterJudges.accuracies` and `PainterScores.all` say, as Markdown; a column each judge of emotions."""
    alone, transfer, blends, refeel = (results[name] for name in ("alone", "transfer", "blends", "refeel"))
    judges = [name for name in accuracies if name != "things"]
    of_each = [[part, *(accuracies[name][part] for name in judges)] for part in accuracies[judges[0]]]

    def row(title: str, pictures: int, scores: Sequence[float | str | None]) -> list[str | int | float | None]:
        return [title, pictures, *scores]

    rows = [
        row("emotion, nothing else said", alone["pictures"], [alone[name]["emotion"] for name in judges]),
        row("thing told", transfer["pictures"], [transfer["thing"]] * len(judges)),
        row("emotion on a thing", transfer["pictures"], [transfer[name]["emotion"] for name in judges]),
        row("both", transfer["pictures"], [transfer[name]["both"] for name in judges]),
        row(f"both of an equal blend among {AMONG}", blends["pictures"], [blends[name] for name in judges]),
    ]
    edits = [
        [
            f"strength {strength}",
            edit["kept"],
            *(_signed(edit[name][score]) for score in ("emo_s_kept", "emo_s") for name in judges),
        ]
        for strength, edit in refeel["strengths"].items()
    ]
    emotions = [[name, *alone[name]["emotions"].values()] for name in judges]
    return "\n\n".join(
        [
            "## Painter",
            "Per cent. The judges' own accuracy, on pictures that they have not learned from:",
            markdown_table(["test", *judges], of_each),
            f"Things are told in {percent(accuracies['things']['stickers'])} % of stickers that show one. What is painted:",
            markdown_table(["", "pictures", *judges], rows),
            markdown_table(["emotion alone", *MIKELS_8.labels], emotions),
            markdown_table(["thing told", *transfer["things"]], [["", *transfer["things"].values()]]),
            f"FID in ImageNet's features {alone['fid']:.0f}, between real pictures {alone['fid_real']:.0f}; LPIPS by the first judge "
            f"{alone['lpips']:.3f}, of real pictures {alone['lpips_real']:.3f}.",
            f"{refeel['pictures']} real pictures towards another emotion: how many stay themselves, and Emo-S of those and of all.",
            markdown_table(
                ["", "kept", *(f"Emo-S, {which}, {name}" for which in ("kept", "all") for name in judges)], edits
            ),
        ]
    )


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+.3f}"


def run(evaluation: EvaluationRun) -> None:
    """Train the judges where they are not there yet, paint, and report."""
    bundle, count = evaluation.bundle, evaluation.arguments.pictures
    if bundle is None:
        raise SystemExit("A painter is that of a bundle; name one, as `--evaluation.bundle assets/mini`.")
    if tuple(bundle.uniemo.labels) != MIKELS_8.labels:
        raise SystemExit(f"The judges know {', '.join(MIKELS_8.labels)}; this bundle paints other emotions.")
    with exit_on_error():
        judges = PainterJudges(evaluation.recipe)
        scores = PainterScores(
            bundle.uniemo, judges.readers, judges.things_told, judges.features, judges.resnet.levels, THINGS, count
        )
        pictures = judges.domains.union(judges.domains.test_parts)
        shown, compared = real_rows(pictures, count)
        edited = judges.edited
        rows = evenly_spaced(len(edited), 2 * count)
        results = scores.all(
            {emotion: pictures.plain(part) for emotion, part in shown.items()},
            pictures.plain(compared),
            to_pictures(edited.plain(rows)),
            edited.labels[rows].tolist(),
        )
        accuracies = judges.accuracies()
    evaluation.report("painter", painter_report(accuracies, results), {"judges": accuracies, **results})


MEASURE = Measure(
    run,
    "what a bundle paints, by judges that share nothing with it",
    in_all=lambda evaluation: evaluation.arguments.bundle is not None,
)
