"""Captions: whether they name what a picture shows, and the parts of a face that it has."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from kcdp.imaging import to_pictures
from kcdp.pipelines.kcdp import KCDPPipeline
from train.core.processes import distributed_map
from train.data.dataset import PictureDataset
from train.data.splits import parts, select
from train.evaluation.bundle_measures import BATCH, evenly_spaced
from train.evaluation.measure import Measure
from train.evaluation.nouns import mentions
from train.evaluation.run import EvaluationRun
from train.evaluation.tables import markdown_table

#: Pictures whose captions have to name a thing: part of the protocol, domain, style (any, if None).
NOUN_TESTS = {
    "validation emoji": ("val", "emoji", None),
    "Caltech photos": ("test-photos", "photos", "caltech101"),
    "OASIS photos of new themes": ("test-photos", "photos", "oasis"),
}
#: Pictures whose captions have to name the parts of a face.
FACE_TESTS = {
    "cartoons in new styles": ("test-new-cartoons", "cartoons", None),
    "kinds in new styles": ("test-new-kinds", "kinds", None),
}
#: What a phrase about a part of a face ends with.
_FACE_PARTS = re.compile(r"(?:brows?|eyes?|lids?|lashes|tears?|mouth|smile|grin|laugh|frown|lips?|teeth|tongue)$")


def describe(pipeline: KCDPPipeline, dataset: PictureDataset, limit: int | None = None) -> dict[str, Any]:
    """`rows` of a dataset, evenly spaced where there are more than `limit`, and the captions of their pictures."""
    indices = evenly_spaced(len(dataset), limit)

    def caption(part: torch.Tensor) -> list[str]:
        return pipeline.knowledge.captions(to_pictures(dataset.plain(part)))

    captions = [text for batch in distributed_map(indices.split(BATCH), caption, "captions") for text in batch]
    return {"rows": indices.tolist(), "captions": captions}


def noun_scores(captions: Sequence[str], nouns: Sequence[str], learned: set[str]) -> dict[str, Any]:
    """How often captions name the head noun of their record, where it has one.

    `named` is that share, `named_learned` that of nouns that are `learned`, and `majority` what always naming the most
    frequent noun would reach; a share of nothing is None.
    """
    pairs = [(caption, noun) for caption, noun in zip(captions, nouns, strict=True) if noun]
    named = [mentions(caption, noun) for caption, noun in pairs]
    known = [hit for hit, (_, noun) in zip(named, pairs, strict=True) if noun in learned]
    return {
        "pictures": len(pairs),
        "named": float(np.mean(named)) if named else None,
        "learned": len(known),
        "named_learned": float(np.mean(known)) if known else None,
        "majority": max(Counter(noun for _, noun in pairs).values()) / len(pairs) if pairs else None,
        "different": len({caption for caption, _ in pairs}),
        "captions": [
            {"noun": noun, "caption": caption, "named": hit} for (caption, noun), hit in zip(pairs, named, strict=True)
        ],
    }


def face_phrases(caption: str) -> set[str]:
    """What a caption says of brows, eyes and mouth.

    >>> sorted(face_phrases("a bear with slanted brows, closed eyes and a wide smile"))
    ['closed eyes', 'slanted brows', 'wide smile']
    """
    phrases = (re.sub(r"^(?:an?|the|its) ", "", phrase) for phrase in re.split(r", | and | with ", caption.lower()))
    return {phrase for phrase in phrases if _FACE_PARTS.search(phrase)}


def face_scores(captions: Sequence[str], drawn: Sequence[str]) -> dict[str, Any]:
    """How the parts of faces that captions name agree with those of the captions of what was `drawn`.

    `right` is the share of the named ones that are there, `found` the share of those that are there which are named, over all
    pictures with any; a share of nothing is None.
    """
    said, there, both, pictures = 0, 0, 0, 0
    for caption, reference in zip(captions, drawn, strict=True):
        named, parts_drawn = face_phrases(caption), face_phrases(reference)
        if parts_drawn:
            pictures += 1
            said, there, both = said + len(named), there + len(parts_drawn), both + len(named & parts_drawn)
    return {
        "pictures": pictures, "right": both / said if said else None, "found": both / there if there else None
    }  # fmt: skip


def captions_report(nouns: Mapping[str, Mapping[str, Any]], faces: Mapping[str, Mapping[str, Any]]) -> str:
    """What `noun_scores` and `face_scores` give, by test."""
    columns = {
        "pictures": "pictures",
        "named": "noun named",
        "learned": "of these learned",
        "named_learned": "named of those",
        "majority": "most frequent noun",
        "different": "captions",
    }
    found = {"pictures": "pictures", "right": "named parts that are there", "found": "parts there that are named"}

    def table(results: Mapping[str, Mapping[str, Any]], heads: Mapping[str, str]) -> str:
        rows = [[test, *(result[name] for name in heads)] for test, result in results.items()]
        return markdown_table(["test", *heads.values()], rows)

    return f"## Captions\n\nHead nouns.\n\n{table(nouns, columns)}\n\nBrows, eyes, mouths.\n\n{table(faces, found)}"


def run(evaluation: EvaluationRun) -> None:
    """Head nouns of emoji and photos, and parts of faces, in captions."""
    records, protocol = evaluation.domains.records, evaluation.recipe.protocol
    learned = set(records.select(select(records, protocol, "train"))["noun"])
    nouns, faces = {}, {}
    for test, (part, domain, style) in (NOUN_TESTS | FACE_TESTS).items():
        if part not in parts(protocol) or not len(dataset := evaluation.pictures(part, domain, style)):
            continue
        result = evaluation.of_pipeline(f"captions-{test.replace(' ', '-')}", describe, dataset)
        chosen = dataset.records.select(result["rows"])
        name = evaluation.marked(test, dataset, evaluation.pipeline_training)
        if test in NOUN_TESTS:
            nouns[name] = noun_scores(result["captions"], chosen["noun"][:], learned)
        else:
            faces[name] = face_scores(result["captions"], chosen["caption"][:])
    if not nouns and not faces:
        raise SystemExit(
            "There are no pictures whose captions are tested: give --data with emoji, cartoons, kinds or photos."
        )
    evaluation.report("captions", captions_report(nouns, faces), {"nouns": nouns, "faces": faces})


MEASURE = Measure(run, "head nouns and parts of faces in captions")
