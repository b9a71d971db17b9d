"""What a training run is: data, stages and the settings of each, as one flat dataclass that a YAML file fills."""

from __future__ import annotations

from dataclasses import dataclass, field, make_dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import NonNegativeFloat

from kcdp.emotions import LABEL_SPACES, LabelSpace
from train.core.arguments import Settings, filled
from train.core.trainer import LoopConfig
from train.data.records import DOMAINS

_Shares = make_dataclass("_Shares", [(domain, NonNegativeFloat | None, None) for domain in DOMAINS])


@dataclass
class Recipe:
    """A run of `train/train.py`. Every stage's settings are the fields of its own configuration, and `loop`."""

    output_dir: str = field(default="runs/mini", metadata={"help": "Where checkpoints, caches and the bundle go."})
    stages: list[str] = field(
        default_factory=lambda: [
            "vae",
            "text",
            "path",
            "labelled_path",
            "language",
            "unet",
            "kcdp",
            "uniemo_understanding",
            "uniemo_joint",
            "uniemo_feedback",
        ],
        metadata={"help": "Stages to run, in order."},
    )
    data: str | None = field(
        default=None, metadata={"help": "Folder with emoji.parquet, cartoons.parquet and photos.parquet."}
    )
    folder: str | None = field(default=None, metadata={"help": "Any image folder with a metadata.jsonl."})
    sets: dict[str, str] = field(
        default_factory=dict, metadata={"help": "Published data sets: root folders by name, as `--sets.emoset FOLDER`."}
    )
    drawn: int = field(default=12000, metadata={"help": "Drawn pictures to train on."})
    drawn_things: int = field(
        default=0, metadata={"help": "Drawn things in emotional surroundings beside them, what transfer asks for."}
    )
    protocol: str = field(
        default="benchmark",
        metadata={"help": "'benchmark' keeps to the splits, 'shipped' trains on test rows as well."},
    )
    label_space: str = field(default="Mikels-8", metadata={"help": "Label space of the predictions."})
    size: int = field(default=128, metadata={"help": "Side of the pictures in pixels."})
    mixed_precision: Literal["fp16", "bf16"] | None = field(
        default=None, metadata={"help": "fp16 or bf16; if not given, what `accelerate launch` says."}
    )
    foundation: dict[str, Any] = field(
        default_factory=dict,
        metadata={
            "help": "Published models to stand on (diffusion, captioner, vision, parser); without, the stages' own."
        },
    )
    vae: dict[str, Any] = field(default_factory=dict, metadata={"help": "Settings of the stage `vae`."})
    text: dict[str, Any] = field(default_factory=dict, metadata={"help": "Settings of the stage `text`."})
    path: dict[str, Any] = field(default_factory=dict, metadata={"help": "Settings of the stage `path`."})
    labelled_path: dict[str, Any] = field(
        default_factory=dict, metadata={"help": "Settings of the stage `labelled_path`."}
    )
    language: dict[str, Any] = field(default_factory=dict, metadata={"help": "Settings of the stage `language`."})
    unet: dict[str, Any] = field(default_factory=dict, metadata={"help": "Settings of the stage `unet`."})
    kcdp: dict[str, Any] = field(default_factory=dict, metadata={"help": "Settings of the stage `kcdp`."})
    uniemo_understanding: dict[str, Any] = field(
        default_factory=dict, metadata={"help": "Settings of the stage `uniemo_understanding`."}
    )
    uniemo_joint: dict[str, Any] = field(
        default_factory=dict, metadata={"help": "Settings of the stage `uniemo_joint`."}
    )
    uniemo_feedback: dict[str, Any] = field(
        default_factory=dict, metadata={"help": "Settings of the stage `uniemo_feedback`."}
    )
    evaluation: dict[str, Any] = field(
        default_factory=dict, metadata={"help": "What train/evaluate.py measures where its command line does not say."}
    )

    def run_dir(self, stage: str) -> Path:
        """Where a stage keeps its checkpoint and its best weights."""
        return Path(self.output_dir) / stage

    @property
    def cache_dir(self) -> Path:
        """Where what is computed once is kept: drawn and decoded pictures, latents, captions, encodings."""
        return Path(self.output_dir) / "cache"

    @property
    def emotions(self) -> LabelSpace:
        """The label space; raises ValueError for a name that is not one."""
        if self.label_space not in LABEL_SPACES:
            raise ValueError(f"'{self.label_space}' is not a label space; known: {', '.join(LABEL_SPACES)}.")
        return LABEL_SPACES[self.label_space]

    def stage_settings(self, stage: str, kind: type[Settings]) -> tuple[Settings, LoopConfig, dict[str, float]]:
        """The configuration of `stage` as `kind`, its loop, and the share of each domain in its batches.

        Raises ValueError when the file gives the stage a setting that it does not have, or a value of another type.
        """
        given = dict(getattr(self, stage))
        loop = filled(LoopConfig, given.pop("loop", {}), f"{stage}.loop")
        shares = vars(filled(_Shares, given.pop("shares", {}), f"{stage}.shares"))
        return (
            filled(kind, given, stage),
            loop,
            {domain: share for domain, share in shares.items() if share is not None},
        )
