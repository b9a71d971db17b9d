"""What the papers report, in their own figures, to stand beside what is measured here.

KCDP: Yin et al., *Knowledge-Aligned Counterfactual-Enhancement Diffusion Perception for Unsupervised Cross-Domain Visual
Emotion Recognition*. UniEmo: Zhu et al., *UniEmo: Unifying Emotional Understanding and Generation with Learnable Expert
Queries*. Figures 4 of KCDP and 6 to 8 of UniEmo are bars without numbers and are not here.

Shares are per cent; FID, LPIPS, Sem-C and Sem-D are in their own units. Everything is as printed, slips of the pen as well:
PADCLIP's average in KCDP's table 1 is 30.01, though its six numbers have the mean 31.02.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from kcdp.emotions import EMOTION_ROI_6, KCDP_6, MIKELS_8, POLARITY, LabelSpace

Report = Literal["adaptation", "ablations", "understanding", "generation", "variants"]

#: What KCDP calls its data sets, and the domains that they are here. P are the abstract paintings, A the art photos.
LETTERS: Mapping[str, str] = {
    "E": "emoset",
    "R": "emotion_roi",
    "S": "ser30k",
    "P": "abstract",
    "A": "artphoto",
    "U": "emo8",
}


def pair_name(source: str, target: str) -> str:
    """How a column from one domain to another is headed."""
    return f"{source} → {target}"


@dataclass(frozen=True)
class PublishedRow:
    """A printed row: `values` by our names of the columns; `ours` are the rows here that measure the same method."""

    title: str
    values: Mapping[str, float]
    ours: tuple[str, ...] = ()


@dataclass(frozen=True)
class PublishedTable:
    """A printed table.

    `report` is the report here that it stands beside, `space` the label space that it is measured in, `score` what its
    numbers are where a report has several.
    """

    paper: str
    number: str
    report: Report
    space: str
    rows: tuple[PublishedRow, ...]
    score: str = "accuracy"

    @property
    def name(self) -> str:
        """How it is cited: "KCDP, table 1"."""
        return f"{self.paper}, table {self.number}"


def published_beside(
    report: Report, space: str, chosen: Iterable[str], columns: Iterable[str]
) -> tuple[PublishedTable, ...]:
    """The printed tables that measure, in the label space, some of these rows of a report in some of these columns."""
    rows, heads = set(chosen), set(columns)
    return tuple(
        table
        for table in TABLES
        if (table.report, table.space) == (report, space)
        and any(rows.intersection(row.ours) and heads.intersection(row.values) for row in table.rows)
    )


def _rows(
    columns: Sequence[str], lines: Iterable[tuple[str, Sequence[float], tuple[str, ...]]]
) -> tuple[PublishedRow, ...]:
    """Rows of a table from (title, a number for each column, our rows)."""
    return tuple(PublishedRow(title, dict(zip(columns, values, strict=True)), ours) for title, values, ours in lines)


_DA = tuple(
    pair_name(LETTERS[source], LETTERS[target])
    for source, target in (("E", "S"), ("E", "P"), ("E", "A"), ("S", "E"), ("S", "P"), ("S", "A"))
)
_UC = tuple(pair_name("emoset", LETTERS[letter]) for letter in "ERSPAU")
_BOTH_WAYS = (pair_name("emoset", "ser30k"), pair_name("ser30k", "emoset"))

#: "source only" is what the paper's asterisk says; the last number of each row is the average that it prints.
_KCDP_1 = PublishedTable(
    "KCDP",
    "1",
    "adaptation",
    KCDP_6.name,
    _rows(
        (*_DA, "mean"),
        [
            ("PADCLIP", (37.22, 25.51, 36.84, 29.77, 26.30, 30.45, 30.01), ()),
            ("AD-CLIP", (38.07, 27.41, 35.64, 30.52, 28.60, 31.95, 32.03), ()),
            ("DAMP", (39.61, 30.94, 36.94, 33.76, 27.25, 31.50, 33.33), ()),
            ("UniMoS", (38.83, 31.27, 37.57, 34.68, 29.36, 32.80, 34.08), ()),
            ("MDAN, source only", (35.86, 30.67, 36.25, 29.78, 26.25, 31.45, 31.71), ()),
            ("LoRA-V, source only", (36.21, 32.69, 33.25, 30.87, 28.25, 35.50, 32.79), ()),
            ("TGCA-PVT, source only", (37.01, 31.90, 35.14, 30.05, 35.14, 34.77, 34.00), ()),
            ("KCDP", (62.78, 40.55, 51.20, 41.29, 38.69, 42.50, 46.16), ("kcdp-da",)),
        ],
    ),
)

#: InstructBLIP has two rows, one prompted and one by features.
_KCDP_2 = PublishedTable(
    "KCDP",
    "2",
    "adaptation",
    KCDP_6.name,
    _rows(
        _UC,
        [
            ("MDAN", (75.75, 43.34, 35.86, 30.67, 36.25, 31.45), ()),
            ("LoRA-V", (76.67, 48.18, 36.21, 32.69, 33.25, 25.50), ()),
            ("TGCA-PVT", (78.70, 49.74, 37.01, 31.90, 35.14, 34.77), ()),
            ("BLIP-2", (49.38, 50.51, 42.84, 29.77, 36.25, 31.45), ()),
            ("LLaVA", (45.07, 47.19, 39.64, 20.52, 38.86, 33.95), ()),
            ("InstructBLIP, first row", (47.28, 46.13, 38.94, 33.76, 30.59, 28.50), ()),
            ("InstructBLIP, second row", (49.51, 48.39, 40.67, 34.50, 28.25, 30.31), ()),
            ("EmoVIT", (84.02, 53.87, 45.66, 34.68, 45.14, 36.89), ()),
            ("KCDP", (83.38, 55.75, 57.71, 35.84, 47.14, 47.84), ("kcdp-uc",)),
        ],
    ),
)

_KCDP_3 = PublishedTable(
    "KCDP",
    "3",
    "ablations",
    KCDP_6.name,
    _rows(
        _BOTH_WAYS,
        [
            ("CLIP (vanilla)", (32.07, 26.53), ("clip-zero-shot",)),
            ("CLIEA with MHA", (57.40, 39.51), ("cliea-mha",)),
            ("CLIEA with MLP", (58.47, 39.24), ("cliea-mlp",)),
            ("CLIEA with MHA and MLP", (62.78, 41.29), ("kcdp-da",)),
        ],
    ),
)

#: (condition, classifier), our row, accuracy on the source S, and on the target E.
_KCDP_4_LINES = (
    ("c, one classifier", "caption-global", 72.36, 35.95),
    ("t, one classifier", "triplets-global", 72.53, 36.64),
    ("c and t, one classifier", "global-classifier", 72.78, 36.77),
    ("c and t, experts on v", "visual-experts", 72.97, 37.49),
    ("c, experts on v and k", "caption-only", 72.81, 36.66),
    ("t, experts on v and k", "triplets-only", 72.82, 37.60),
    ("c and t, experts on v and k", "kcdp-da", 72.84, 37.77),
)
_KCDP_4 = tuple(
    PublishedTable(
        "KCDP",
        "4",
        "ablations",
        KCDP_6.name,
        _rows(_BOTH_WAYS[1:], [(title, (values[place],), (ours,)) for title, ours, *values in _KCDP_4_LINES]),
        score,
    )
    for place, score in enumerate(("source_accuracy", "accuracy"))
)

_OURS_UNIEMO = ("multi-stage",)


def _understood(
    number: str, space: LabelSpace, source: str, target: str, lines: Mapping[str, float], ours: Mapping[str, float]
) -> PublishedTable:
    """A column of tables I to III: other methods', then UniEmo's by backbone."""
    rows = [(title, (share,), ()) for title, share in lines.items()]
    rows += [(f"UniEmo, {backbone}", (share,), _OURS_UNIEMO) for backbone, share in ours.items()]
    return PublishedTable("UniEmo", number, "understanding", space.name, _rows((pair_name(source, target),), rows))


_UNIEMO_1 = (
    _understood(
        "I",
        MIKELS_8,
        "emoset",
        "emoset",
        {
            "BLIP-2, ViT-L/14": 46.79,
            "InstructBLIP, ViT-L/14": 42.20,
            "Flamingo, ViT-L/14": 29.59,
            "LLaVA, ViT-L/14": 44.03,
            "EmoVIT, ViT-L/14": 83.36,
            "MDAN, ResNet-101": 75.75,
            "CoOp, ViT-B/32": 76.19,
            "CoCoOp, ViT-B/32": 80.31,
            "SimEmotion, ViT-B/32": 79.06,
            "PT-DPC, ViT-B/32": 77.13,
            "MVP, ViT-B/32": 81.92,
        },
        {"ViT-B/32": 83.52, "ViT-B/16": 84.54, "ViT-L/14": 85.30},
    ),
    _understood(
        "I",
        MIKELS_8,
        "fi",
        "fi",
        {
            "MDAN, ResNet-101": 76.41,
            "CoOp, ViT-B/32": 78.66,
            "CoCoOp, ViT-B/32": 77.46,
            "SimEmotion, ViT-B/32": 80.33,
            "PT-DPC, ViT-B/32": 78.07,
            "MASANet, ViT-B/32": 79.16,
            "MVP, ViT-B/32": 82.76,
        },
        {"ViT-B/32": 85.22, "ViT-B/16": 86.34, "ViT-L/14": 87.65},
    ),
)

_OTHERS_2 = ("CoOp, ViT-B/32", "CoCoOp, ViT-B/32", "PT-DPC, ViT-B/32", "SimEmotion, ViT-B/32", "MVP, ViT-B/32")
_BACKBONES = ("ViT-B/32", "ViT-B/16", "ViT-L/14")
_UNIEMO_2 = tuple(
    _understood(
        "II",
        space,
        name,
        name,
        dict(zip(_OTHERS_2, others, strict=True)),
        dict(zip(_BACKBONES, ours, strict=True)),
    )
    for name, space, others, ours in (
        ("emotion_roi", EMOTION_ROI_6, (68.48, 71.09, 69.70, 70.54, 71.89), (74.25, 75.57, 76.78)),
        ("twitter1", POLARITY, (89.05, 91.63, 90.94, 89.76, 92.03), (93.98, 94.75, 95.63)),
        ("twitter2", POLARITY, (83.78, 82.94, 82.50, 84.21, 88.21), (89.94, 90.69, 91.68)),
    )
)

_UNIEMO_3 = _understood(
    "III",
    MIKELS_8,
    "emoset",
    "fi",
    {
        "BLIP-2, ViT-L/14": 57.72,
        "InstructBLIP, ViT-L/14": 37.97,
        "Flamingo, ViT-L/14": 14.91,
        "LLaVA, ViT-L/14": 56.04,
        "EmoVIT, ViT-L/14": 68.09,
        "CoOp, ViT-B/32": 60.52,
        "CoCoOp, ViT-B/32": 61.98,
        "MVP, ViT-B/32": 65.73,
    },
    {"ViT-B/32": 68.32, "ViT-B/16": 70.05, "ViT-L/14": 71.22},
)

_PAINTED = ("fid", "lpips", "emo_a", "sem_c", "sem_d")
#: "reproduced" is what the paper's dagger says.
_UNIEMO_4 = PublishedTable(
    "UniEmo",
    "IV",
    "generation",
    MIKELS_8.name,
    _rows(
        _PAINTED,
        [
            ("Stable Diffusion 1.5", (44.05, 0.687, 70.77, 0.608, 0.0199), ("text-to-image",)),
            ("DreamBooth, SD 1.5", (46.89, 0.661, 70.50, 0.614, 0.0178), ("dreambooth",)),
            ("Textual Inversion, SD 1.5", (50.51, 0.702, 74.87, 0.605, 0.0282), ("textual-inversion",)),
            ("EmoGen, SD 1.5", (41.60, 0.717, 76.25, 0.633, 0.0335), ("emogen",)),
            ("UniEmo, SD 1.5", (27.73, 0.793, 79.66, 0.640, 0.0383), ("uniemo",)),
            ("Stable Diffusion XL, reproduced", (41.57, 0.721, 76.18, 0.628, 0.0298), ()),
            ("EmoGen, SDXL, reproduced", (37.23, 0.753, 78.92, 0.638, 0.0357), ()),
            ("UniEmo, SDXL", (26.61, 0.807, 81.74, 0.642, 0.0392), ()),
        ],
    ),
)

#: An asterisk in the paper is the emotional correlation coefficient, alpha here.
_UNIEMO_5 = PublishedTable(
    "UniEmo",
    "V",
    "variants",
    MIKELS_8.name,
    _rows(
        _PAINTED,
        [
            ("Cls", (30.02, 0.763, 71.35, 0.621, 0.0331), ("cls",)),
            ("Cls + Object", (29.99, 0.769, 73.12, 0.625, 0.0337), ("cls+object",)),
            ("Cls + Scene", (30.30, 0.771, 73.10, 0.627, 0.0342), ("cls+scene",)),
            ("Cls + Patch", (29.86, 0.764, 70.62, 0.617, 0.0335), ()),
            ("Cls + Object + Scene", (29.77, 0.775, 74.07, 0.625, 0.0351), ("all",)),
            ("Cls + Patch + Object + Scene", (29.83, 0.770, 72.77, 0.621, 0.0339), ()),
            ("Cls + alpha Object", (29.21, 0.778, 75.62, 0.630, 0.0352), ("cls+object-alpha",)),
            ("Cls + alpha Scene", (29.13, 0.777, 75.44, 0.631, 0.0349), ("cls+scene-alpha",)),
            ("Cls + alpha Object + alpha Scene", (28.56, 0.784, 77.89, 0.633, 0.0358), ("all-alpha",)),
            ("the same with L_ce", (28.08, 0.787, 78.97, 0.635, 0.0357), ("all-alpha-ce",)),
            ("the same with L_cond", (27.87, 0.790, 79.77, 0.637, 0.0367), ("joint",)),
        ],
    ),
)

_FED = ("understood", *_PAINTED)
#: In tables VI to VIII these two stand again and again.
_WITHOUT = ("without explicit feedback", (84.96, 27.87, 0.790, 79.77, 0.637, 0.0367), ("joint",))
_CHOSEN = (85.30, 27.73, 0.793, 79.66, 0.640, 0.0383)
_UNIEMO_6 = PublishedTable(
    "UniEmo",
    "VI",
    "variants",
    MIKELS_8.name,
    _rows(
        _FED,
        [
            _WITHOUT,
            ("ranked by Emo-A", (85.10, 27.75, 0.781, 75.80, 0.611, 0.0361), ("feedback-emotion",)),
            ("ranked by Sem-C", (84.99, 27.93, 0.783, 75.10, 0.615, 0.0380), ("feedback-clarity",)),
            ("ranked by Emo-A and Sem-C", _CHOSEN, ("feedback",)),
        ],
    ),
)
_UNIEMO_7 = PublishedTable(
    "UniEmo",
    "VII",
    "variants",
    MIKELS_8.name,
    _rows(
        _FED,
        [
            _WITHOUT,
            ("0 to 100 %", (85.17, 27.92, 0.778, 75.45, 0.623, 0.0365), ("feedback-0-100",)),
            ("10 to 90 %", (85.13, 27.76, 0.782, 75.71, 0.624, 0.0371), ("feedback-10-90",)),
            ("50 to 80 %", (85.16, 27.96, 0.783, 76.54, 0.620, 0.0370), ("feedback-50-80",)),
            ("50 to 100 %", (85.05, 27.84, 0.775, 76.98, 0.625, 0.0375), ("feedback-50-100",)),
            ("20 to 80 %", _CHOSEN, ("feedback",)),
        ],
    ),
)
_UNIEMO_8 = PublishedTable(
    "UniEmo",
    "VIII",
    "variants",
    MIKELS_8.name,
    _rows(
        _FED,
        [
            ("5 % generated", (85.01, 27.85, 0.787, 77.56, 0.634, 0.0358), ("feedback-5",)),
            ("10 % generated", (85.12, 27.81, 0.791, 77.91, 0.635, 0.0369), ("feedback-10",)),
            ("20 % generated", _CHOSEN, ("feedback",)),
            ("30 % generated", (85.34, 27.75, 0.792, 78.34, 0.640, 0.0389), ("feedback-30",)),
        ],
    ),
)

TABLES: tuple[PublishedTable, ...] = (
    _KCDP_1,
    _KCDP_2,
    _KCDP_3,
    *_KCDP_4,
    *_UNIEMO_1,
    *_UNIEMO_2,
    _UNIEMO_3,
    _UNIEMO_4,
    _UNIEMO_5,
    _UNIEMO_6,
    _UNIEMO_7,
    _UNIEMO_8,
)
