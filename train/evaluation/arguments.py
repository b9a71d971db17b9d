"""What `train/evaluate.py` can be asked beside the settings of a recipe."""

from __future__ import annotations

from dataclasses import dataclass

from train.core.config import setting
from train.evaluation.vlm import VLMConfig


@dataclass
class EvaluationArguments:
    """What to measure."""

    what: list[str] = setting(
        ["all"],
        "Measures (see above), or all: every one but variants that the run has the weights for.",
    )
    bundle: str | None = setting(
        None,
        "Bundle that recognition, captions, reconstruction, verdict and painter measure; else the run's own stages.",
    )
    seeds: list[int] = setting([0, 1, 2], "Seeds of what is trained.")
    pairs: list[str] = setting(
        [],
        "Pairs source:target of adaptation, ablations and tsne, both the same for a domain's own test; all "
        "ordered pairs of two if not given.",
    )
    methods: list[str] = setting(
        [], "Rows of adaptation, ablations, understanding, generation and variants; all if not given."
    )
    vlm: VLMConfig | None = setting(
        None,
        "Vision-language model of adaptation's rows vlm-*: name (folder or Hub id), revision, dtype and "
        "quantization; if not given, the foundation's captioner where that answers questions.",
    )
    steps: int = setting(
        200,
        "Steps that each model of adaptation, ablations and understanding trains. One that adapts, half of whose batches are "
        "the target's, trains as many more as it needs to see as many labels.",
        "steps",
    )
    epochs: int | None = setting(
        None, "In place of steps: how often as many pictures are drawn as there are to learn from.", "epochs"
    )
    batch_size: int = setting(32, "Pictures of a step.", "pictures")
    cnn_widths: list[int] = setting(
        [64, 128, 256, 512], "Widths of the convolutional network's four levels; ResNet-18's if not given."
    )
    limit: int | None = setting(
        None, "Most pictures of a part in recognition, captions and reconstruction.", "pictures"
    )
    pictures: int = setting(32, "Pictures of each emotion in generation and painter; real ones in editing.", "pictures")
    inference_steps: int = setting(25, "Denoising steps of each.", "steps")
    few_steps: bool = setting(
        False, "Generation and editing measure UniEmo's student, in its own steps and without guidance."
    )
    guidance_scale: float | None = setting(
        None, "How far generation and editing follow a prompt; that of `uniemo_joint` if not given."
    )
    guidance_rescale: float | None = setting(
        None, "How far they take back the glare; that of `uniemo_joint` if not given."
    )
    judge_steps: int = setting(1000, "Steps that generation's judge trains.", "steps")
    baseline_steps: int | None = setting(
        None, "Steps that the baselines of generation train; as many as `uniemo_joint` if not given.", "steps"
    )

    @property
    def length(self) -> str:
        """How long models train, for a report."""
        length = f"{self.steps} steps" if self.epochs is None else f"epochs of the source: {self.epochs},"
        return f"{length} in batches of {self.batch_size} pictures"
