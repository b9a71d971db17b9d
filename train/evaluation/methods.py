"""The rows of the tables from domain to domain: KCDP, its ablations and the baselines, as settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: Kinds of methods that ask a vision-language model, and all kinds that train no network.
VLM_KINDS = ("vlm-answer", "vlm-likelihood", "vlm-linear-probe")
FROZEN = ("zero-shot", "linear-probe", "imagenet-linear-probe", *VLM_KINDS)


@dataclass(frozen=True)
class Method:
    """A row of a table: `kind` is "kcdp", "cnn", "cnn-imagenet", or one of FROZEN.

    `adapts` says whether the target's unlabelled pictures are trained on; `changes` are settings of `KCDPConfig`.
    """

    title: str
    kind: str = "kcdp"
    adapts: bool = False
    changes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def trained(self) -> bool:
        """Whether a seed makes a difference."""
        return self.kind not in FROZEN

    @property
    def asks(self) -> bool:
        """Whether it needs a vision-language model."""
        return self.kind in VLM_KINDS


_GLOBAL = {"num_experts": 1, "top_k": 1}

METHODS: dict[str, Method] = {
    "clip-zero-shot": Method("CLIP, zero-shot", "zero-shot"),
    "clip-linear-probe": Method("CLIP, linear probe", "linear-probe"),
    "vlm-answer": Method("Vision-language model, prompted", "vlm-answer"),
    "vlm-likelihood": Method("Vision-language model, likeliest label", "vlm-likelihood"),
    "vlm-linear-probe": Method("Vision-language model, linear probe", "vlm-linear-probe"),
    "imagenet-linear-probe": Method("ImageNet features, linear probe", "imagenet-linear-probe"),
    "cnn": Method("ResNet-18, source only", "cnn"),
    "cnn-imagenet": Method("ImageNet network fine-tuned, source only", "cnn-imagenet"),
    "source-only": Method(
        "Denoiser and one classifier on v, source only", changes={**_GLOBAL, "classifier": "v", "use_cliea": False}
    ),
    "pseudo-labels": Method("Plain pseudo-labels (DA)", adapts=True, changes={"use_cliea": False}),
    "kcdp-uc": Method("KCDP (UC)"),
    "kcdp-da": Method("KCDP (DA)", adapts=True),
}

#: Each is KCDP (DA) with one thing changed, as in tables 3 and 4 and figure 4, or a run of the table of methods.
ABLATIONS: dict[str, Method] = {
    "kcdp-da": METHODS["kcdp-da"],
    "clip-zero-shot": METHODS["clip-zero-shot"],
    "pseudo-labels": Method("without CLIEA", adapts=True, changes={"use_cliea": False}),
    "cliea-mha": Method("CLIEA without the mapping of v", adapts=True, changes={"use_mapping": False}),
    "cliea-mlp": Method("CLIEA without attention", adapts=True, changes={"use_mha": False}),
    "caption-only": Method("without triplets (k = c)", adapts=True, changes={"condition": "caption"}),
    "triplets-only": Method("without the caption (k = t)", adapts=True, changes={"condition": "triplets"}),
    "visual-experts": Method("experts that see v alone", adapts=True, changes={"classifier": "v"}),
    "global-classifier": Method("one classifier for the experts", adapts=True, changes=_GLOBAL),
    "caption-global": Method(
        "one classifier, without triplets", adapts=True, changes={**_GLOBAL, "condition": "caption"}
    ),
    "triplets-global": Method(
        "one classifier, without the caption", adapts=True, changes={**_GLOBAL, "condition": "triplets"}
    ),
    **{
        f"tuning-{name}": Method(f"UNet: {title}", adapts=True, changes={"tuning": name})
        for name, title in (
            ("frozen", "frozen"),
            ("kv", "W_K and W_V"),
            ("lora", "LoRA (KGCA)"),
            ("full", "all of it"),
        )
    },
}
