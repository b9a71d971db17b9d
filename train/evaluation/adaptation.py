"""From one domain to another: KCDP, its ablations and the baselines, trained on a source and tested on a target.

DA (domain adaptation): the source's labels and the target's unlabelled training pictures. UC (unseen domain): the source
alone, so that one model is tested on every domain. Every model is the one of the last step, chosen by nothing, and tested
once on each test part: that of the target, and that of its own source.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import torch

from train.core.clip import FrozenCLIP
from train.core.foundation import Foundation
from train.core.trainer import LoopConfig, Stage, run_stage, with_steps
from train.data.cache import content_key, fingerprint
from train.data.dataset import PictureDataset
from train.evaluation.baselines import ResNetStage, linear_probe, zero_shot
from train.evaluation.domains import Domains
from train.evaluation.published import pair_name
from train.evaluation.result_cache import ResultCache, guesses_of, write_guesses
from train.evaluation.vlm import FrozenVLM, prompted
from train.metrics.recognition import recognition_scores
from train.stages.kcdp import KCDPConfig, KCDPStage, KCDPTask

#: Kinds of methods that ask a vision-language model, and all kinds that train no network.
VLM_KINDS = ("vlm-answer", "vlm-likelihood", "vlm-linear-probe")
FROZEN = ("zero-shot", "linear-probe", *VLM_KINDS)


@dataclass(frozen=True)
class Method:
    """A row of a table: `kind` is "kcdp", "cnn", or one of FROZEN.

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


#: Of each domain's test pictures, how many figure 5 can show.
DRAWN_IN_FIGURE = 300

_GLOBAL = {"num_experts": 1, "top_k": 1}

METHODS: dict[str, Method] = {
    "clip-zero-shot": Method("CLIP, zero-shot", "zero-shot"),
    "clip-linear-probe": Method("CLIP, linear probe", "linear-probe"),
    "vlm-answer": Method("Vision-language model, prompted", "vlm-answer"),
    "vlm-likelihood": Method("Vision-language model, likeliest label", "vlm-likelihood"),
    "vlm-linear-probe": Method("Vision-language model, linear probe", "vlm-linear-probe"),
    "cnn": Method("ResNet-18, source only", "cnn"),
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


class AdaptationStage(KCDPStage):
    """KCDP that guesses the pictures of all `tests` at its last step, where the loop validates for the only time.

    Beside the guesses it keeps v of test pictures, for figure 5.
    """

    name = "adaptation"
    selection = "accuracy"

    def __init__(
        self,
        config: KCDPConfig,
        foundation: Foundation,
        source: PictureDataset,
        tests: Mapping[str, PictureDataset],
        target: PictureDataset | None,
    ) -> None:
        """The first of `tests`, which are by domain, is what the loop's accuracy is of."""
        first, *others = tests.values()
        super().__init__(config, foundation, source, first, target, others)
        self.tests = tests

    @torch.no_grad()
    def visual(self, model: KCDPTask, dataset: PictureDataset) -> tuple[torch.Tensor, torch.Tensor]:
        """v (N, visual_dim) and labels (N,) of at most `DRAWN_IN_FIGURE` plain pictures, evenly spaced in the dataset."""
        cache = self.caches[id(dataset)]
        chosen = torch.linspace(0, len(dataset) - 1, min(len(dataset), DRAWN_IN_FIGURE)).long()
        device = next(model.parameters()).device
        rows = []
        for indices in chosen.split(64):
            batch = cache.view(0, indices)
            perception = model.perceive(batch["latents"].to(device), batch["states"].to(device))
            rows.append(model.pyramid(perception.features, perception.attention, perception.latents).float().cpu())
        return torch.cat(rows), dataset.labels[chosen]

    def validate(self, model: KCDPTask) -> dict[str, float]:
        self.guesses = {
            domain: torch.from_numpy(self.predict(model, test)[0].argmax(1)) for domain, test in self.tests.items()
        }
        first, test = next(iter(self.tests.items()))
        return {"accuracy": float((self.guesses[first] == test.labels).float().mean())}

    def export(self, model: KCDPTask, folder: Path) -> None:
        features = {}
        for domain, dataset in self.tests.items():
            features[f"{domain}/v"], features[f"{domain}/labels"] = self.visual(model, dataset)
        write_guesses(folder, self.guesses, features)


@dataclass
class Adaptation:
    """Runs methods on pairs of domains, each (method, pair, seed) once; what adapts to no target is trained once for all.

    Args:
        domains: the datasets.
        foundation: frozen parts.
        clip: of the same run, for the baselines.
        config, loop: KCDP's settings; a method changes some of `config`, the loop's steps and batch are everyone's.
        epochs: in place of the loop's steps, how often as many pictures are drawn as the source has.
        store: where results go; what is trained goes beside them.
        mixed_precision: as for `run_stage`.
        cnn_widths: of the convolutional network's levels; ResNet-18's by default.
        vlm: for the rows that ask a vision-language model; without, there is none of them.
    """

    domains: Domains
    foundation: Foundation
    clip: FrozenCLIP
    config: KCDPConfig
    loop: LoopConfig
    store: ResultCache
    mixed_precision: str | None = None
    cnn_widths: tuple[int, ...] = (64, 128, 256, 512)
    vlm: FrozenVLM | None = None
    epochs: int | None = None

    def __post_init__(self) -> None:
        parts = self.foundation
        self._weights = fingerprint(parts.vae, parts.unet, parts.text_encoder, parts.captioner, self.clip.model)

    def _tests(self, method: Method, source: str, target: str) -> dict[str, PictureDataset]:
        """What one run is tested on, by domain."""
        names = dict.fromkeys((target, source)) if method.adapts or not method.trained else self.domains.names
        return {name: self.domains.test(name) for name in names}

    def settings(self, method: Method, source: str, target: str, seed: int) -> dict[str, Any]:
        """Everything that a run depends on: the target is part of it where it is adapted to, or nothing is trained."""
        tests = self._tests(method, source, target)
        pair = [source, target] if method.adapts or not method.trained else [source]
        settings: dict[str, Any] = {
            "kind": method.kind,
            "weights": self.vlm.key if method.asks else self._weights,
            "pictures": [self.domains.source(source).store.key, *(dataset.store.key for dataset in tests.values())],
            "pair": pair,
        }
        if method.trained:
            settings |= {"loop": vars(self._loop(method, source, seed)), "mixed_precision": self.mixed_precision}
        if method.kind == "cnn":
            settings["widths"] = list(self.cnn_widths)
        if method.kind == "kcdp":
            settings |= {"adapts": method.adapts, "kcdp": vars(self._config(method)), "balance": self.domains.balance}
        return settings

    def _config(self, method: Method) -> KCDPConfig:
        return dataclasses.replace(self.config, **method.changes)

    def _loop(self, method: Method, source: str, seed: int) -> LoopConfig:
        loop = self.loop
        if self.epochs is not None:
            dataset, batch = self.domains.source(source), loop.batch_size
            # Of a batch that adapts, half is the target's.
            own = batch - batch // 2 if method.adapts else batch
            loop = with_steps(loop, ceil(self.epochs * int((dataset.weights > 0).sum()) / own))
        # One validation, at the end: nothing is selected.
        return dataclasses.replace(loop, seed=seed, validate_every=loop.steps)

    def run_dir(self, name: str, method: Method, source: str, target: str, seed: int) -> Path:
        """Where this run is trained, and keeps its guesses."""
        settings = self.settings(method, source, target, seed)
        return self.store.folder / "runs" / f"{name}-{'-'.join(settings['pair'])}-{seed}-{content_key(settings)[:8]}"

    def result(self, name: str, method: Method, source: str, target: str, seed: int) -> dict[str, Any]:
        """Scores (see `RecognitionScores.to_dict`) of one run, from disk where they are there already.

        `source` is the accuracy on the source's own test.
        """
        tests = {domain: self.domains.test(domain) for domain in (target, source)}

        def compute() -> dict[str, Any]:
            guesses = self._guesses(name, method, source, target, seed)
            scores = {
                domain: recognition_scores(test.labels.numpy(), guesses[domain], self.domains.emotions)
                for domain, test in tests.items()
            }
            return {**scores[target].to_dict(), "source": scores[source].accuracy}

        settings = {**self.settings(method, source, target, seed), "test": tests[target].store.key}
        return self.store.get(f"{name}/{source}-{target}-{seed}", settings, compute)

    def _guesses(self, name: str, method: Method, source: str, target: str, seed: int) -> dict[str, np.ndarray]:
        """Guesses of the test pictures of the target, the source and maybe other domains."""
        tests = self._tests(method, source, target)
        if not method.trained:
            return {domain: self._frozen(method, self.domains.source(source), test) for domain, test in tests.items()}
        best = self._trained(name, method, source, target, seed)
        found = guesses_of(best)
        return {domain: found[domain].numpy() for domain in tests}

    def _frozen(self, method: Method, train: PictureDataset, test: PictureDataset) -> np.ndarray:
        match method.kind:
            case "zero-shot":
                return zero_shot(self.clip, test)
            case "linear-probe":
                return linear_probe(self.clip, train, test)
            case "vlm-answer":
                return prompted(self.vlm, test)
            case "vlm-likelihood":
                return self.vlm.likeliest(test)
            case _:
                return linear_probe(self.vlm, train, test)

    def _trained(self, name: str, method: Method, source: str, target: str, seed: int) -> Path:
        """The folder with what a run leaves in the end; trained where it is not there yet."""
        folder = self.run_dir(name, method, source, target, seed)
        if (folder / "metrics.json").is_file():
            return folder / "best"
        train, tests = self.domains.source(source), self._tests(method, source, target)
        if method.kind == "cnn":
            stage: Stage = ResNetStage(train, tests, self.cnn_widths)
        else:
            unlabelled = self.domains.target(target) if method.adapts else None
            stage = AdaptationStage(self._config(method), self.foundation, train, tests, unlabelled)
        run_stage(stage, self._loop(method, source, seed), folder, self.mixed_precision)
        for spent in ("checkpoint", "logs"):
            shutil.rmtree(folder / spent, ignore_errors=True)
        return folder / "best"

    def table(
        self, methods: Mapping[str, Method], pairs: Iterable[tuple[str, str]], seeds: Iterable[int]
    ) -> dict[str, dict[str, list[dict[str, Any]]]]:
        """Results of all runs: method name -> "source → target" -> one a seed (one in all where no seed matters)."""
        pairs, seeds = list(pairs), list(seeds)
        return {
            name: {
                pair_name(source, target): [
                    self.result(name, method, source, target, seed) for seed in (seeds if method.trained else seeds[:1])
                ]
                for source, target in pairs
            }
            for name, method in methods.items()
        }

    def features(self, name: str, source: str, target: str, seed: int) -> dict[str, torch.Tensor]:
        """v of test pictures as a method sees them: "source" (N, D), "target" (M, D), and "source_labels" and so on."""
        found = guesses_of(self._trained(name, METHODS[name], source, target, seed))
        roles = {"source": source, "target": target}
        return {
            **{role: found[f"{domain}/v"] for role, domain in roles.items()},
            **{f"{role}_labels": found[f"{domain}/labels"] for role, domain in roles.items()},
        }
