"""What `train/evaluate.py` can be asked beside the settings of a recipe."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class EvaluationArguments:
    """What to measure."""

    what: list[str] = field(
        default_factory=lambda: ["all"],
        metadata={
            "help": "recognition, captions, reconstruction, paintings, adaptation, ablations, tsne, understanding, "
            "generation, editing, variants, or all: everything but variants that the run has the weights for."
        },
    )
    bundle: str | None = field(
        default=None,
        metadata={"help": "Bundle that recognition, captions and reconstruction measure; else the run's own stages."},
    )
    seeds: list[int] = field(default_factory=lambda: [0, 1, 2], metadata={"help": "Seeds of what is trained."})
    pairs: list[str] = field(
        default_factory=list,
        metadata={
            "help": "Pairs source:target of adaptation, ablations and tsne, both the same for a domain's own test; all "
            "ordered pairs of two if not given."
        },
    )
    methods: list[str] = field(
        default_factory=list,
        metadata={"help": "Rows of adaptation, ablations, understanding, generation and variants; all if not given."},
    )
    vlm: dict[str, Any] = field(
        default_factory=dict,
        metadata={
            "help": "Vision-language model of adaptation's rows vlm-*: name (folder or Hub id), revision, dtype and "
            "quantization; if not given, the foundation's captioner where that answers questions."
        },
    )
    steps: int = field(
        default=200, metadata={"help": "Steps that each model of adaptation, ablations and understanding trains."}
    )
    epochs: int | None = field(
        default=None,
        metadata={"help": "In place of steps: how often as many pictures are drawn as there are to learn from."},
    )
    batch_size: int = field(default=32, metadata={"help": "Pictures of a step."})
    cnn_widths: list[int] = field(
        default_factory=lambda: [64, 128, 256, 512],
        metadata={"help": "Widths of the convolutional network's four levels; ResNet-18's if not given."},
    )
    limit: int | None = field(
        default=None, metadata={"help": "Most pictures of a part in recognition, captions and reconstruction."}
    )
    pictures: int = field(
        default=32, metadata={"help": "Pictures of each emotion in generation; real ones in editing."}
    )
    inference_steps: int = field(default=25, metadata={"help": "Denoising steps of each."})
    guidance_scale: float | None = field(
        default=None,
        metadata={"help": "How far generation and editing follow a prompt; that of `uniemo_joint` if not given."},
    )
    guidance_rescale: float | None = field(
        default=None, metadata={"help": "How far they take back the glare; that of `uniemo_joint` if not given."}
    )
    judge_steps: int = field(default=1000, metadata={"help": "Steps that generation's judge trains."})
    baseline_steps: int | None = field(
        default=None,
        metadata={"help": "Steps that the baselines of generation train; as many as `uniemo_joint` if not given."},
    )

    @property
    def length(self) -> str:
        """How long models train, for a report."""
        length = f"{self.steps} steps" if self.epochs is None else f"epochs of the source: {self.epochs},"
        return f"{length} in batches of {self.batch_size} pictures"
