"""From one domain to another: KCDP, its ablations and the baselines, trained on a source and tested on a target.

DA (domain adaptation): the source's labels and the target's unlabelled training pictures. UC (unseen domain): the source
alone, so that one model is tested on every domain. Every model is the one of the last step, chosen by nothing, and tested
once on each test part: that of the target, and that of its own source.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
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
from train.evaluation.baselines import linear_probe, zero_shot
from train.evaluation.domains import Domains
from train.evaluation.imagenet import FrozenImageNet, ImageNetStage
from train.evaluation.methods import METHODS, Method
from train.evaluation.published import pair_name
from train.evaluation.resnet import RESNET_18, ResNetStage
from train.evaluation.result_cache import ResultCache, read_predictions, remove_checkpoints, write_predictions
from train.evaluation.vlm import FrozenVLM, prompted
from train.metrics.recognition import RECOGNITION_METRICS, accuracy, recognition_scores
from train.stages.kcdp import KCDPConfig, KCDPStage, KCDPTask

#: Of each domain's test pictures, how many figure 5 can show.
FIGURE_PICTURES = 300


class AdaptationStage(KCDPStage):
    """KCDP that predicts the emotions of all `tests` at its last step, where the loop validates for the only time.

    Beside the predictions it keeps v of test pictures, for figure 5.
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
        """v (N, visual_dim) and labels (N,) of at most `FIGURE_PICTURES` plain pictures, evenly spaced in the dataset."""
        cache = self.caches[id(dataset)]
        chosen = torch.linspace(0, len(dataset) - 1, min(len(dataset), FIGURE_PICTURES)).long()
        device = next(model.parameters()).device
        rows = []
        for indices in chosen.split(64):
            batch = cache.view(0, indices)
            perception = model.perceive(batch["latents"].to(device), batch["states"].to(device))
            rows.append(model.pyramid(perception.features, perception.attention, perception.latents).float().cpu())
        return torch.cat(rows), dataset.labels[chosen]

    def validate(self, model: KCDPTask) -> dict[str, float]:
        self.predictions = {
            domain: torch.from_numpy(self.predict(model, test)[0].argmax(1)) for domain, test in self.tests.items()
        }
        first, test = next(iter(self.tests.items()))
        return {"accuracy": accuracy(test.labels.numpy(), self.predictions[first].numpy())}

    def export(self, model: KCDPTask, folder: Path) -> None:
        features = {}
        for domain, dataset in self.tests.items():
            features[f"{domain}/v"], features[f"{domain}/labels"] = self.visual(model, dataset)
        write_predictions(folder, {**self.predictions, **features})


@dataclass
class Adaptation:
    """Runs methods on pairs of domains, each (method, pair, seed) once; what adapts to no target is trained once for all.

    Args:
        domains: the datasets.
        foundation: frozen parts.
        clip: of the same run, for the baselines.
        config, loop: KCDP's settings; a method changes some of `config`, the loop's steps and batch are everyone's.
        epochs: in place of the loop's steps, how often as many pictures are drawn as the source has.
        cache: where results go; what is trained goes beside them.
        mixed_precision: as for `run_stage`.
        cnn_widths: of the convolutional network's levels; ResNet-18's by default.
        vlm: for the rows that ask a vision-language model; without, there is none of them.
    """

    domains: Domains
    foundation: Foundation
    clip: FrozenCLIP
    config: KCDPConfig
    loop: LoopConfig
    cache: ResultCache
    mixed_precision: str | None = None
    cnn_widths: tuple[int, ...] = RESNET_18
    vlm: FrozenVLM | None = None
    epochs: int | None = None

    def __post_init__(self) -> None:
        parts = self.foundation
        self._weights = fingerprint(parts.vae, parts.unet, parts.text_encoder, parts.captioner, self.clip.model)

    @cached_property
    def imagenet(self) -> FrozenImageNet:
        """The network that the row `imagenet-linear-probe` stands on."""
        return FrozenImageNet(self.clip.model.device)

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
            "pictures": [self.domains.source(source).decoded.key, *(dataset.decoded.key for dataset in tests.values())],
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
        """The loop of a run: every method sees as many pictures with labels, whatever else is in its batches."""
        batch, pictures = self.loop.batch_size, self.loop.steps * self.loop.batch_size
        if self.epochs is not None:
            pictures = self.epochs * int((self.domains.source(source).weights > 0).sum())
        # Of a batch that adapts, half is the target's.
        labelled = batch - batch // 2 if method.adapts else batch
        loop = with_steps(self.loop, ceil(pictures / labelled))
        # One validation, at the end: nothing is selected.
        return dataclasses.replace(loop, seed=seed, validate_every=loop.steps)

    def run_dir(self, name: str, method: Method, source: str, target: str, seed: int) -> Path:
        """Where this run is trained, and keeps its predictions."""
        settings = self.settings(method, source, target, seed)
        return self.cache.folder / "runs" / f"{name}-{'-'.join(settings['pair'])}-{seed}-{content_key(settings)[:8]}"

    def result(self, name: str, method: Method, source: str, target: str, seed: int) -> dict[str, Any]:
        """Scores (see `RecognitionScores.to_dict`) of one run, from disk where they are there already.

        `source` is the accuracy on the source's own test.
        """
        tests = {domain: self.domains.test(domain) for domain in (target, source)}

        def compute() -> dict[str, Any]:
            predictions = self._predictions(name, method, source, target, seed)
            scores = {
                domain: recognition_scores(test.labels.numpy(), predictions[domain], self.domains.emotions)
                for domain, test in tests.items()
            }
            return {**scores[target].to_dict(), "source": scores[source].accuracy}

        settings = {**self.settings(method, source, target, seed), "test": tests[target].decoded.key}
        return self.cache.get(f"{name}/{source}-{target}-{seed}", settings, compute, RECOGNITION_METRICS)

    def _predictions(self, name: str, method: Method, source: str, target: str, seed: int) -> dict[str, np.ndarray]:
        """Predictions of the test pictures of the target, the source and maybe other domains."""
        tests = self._tests(method, source, target)
        if not method.trained:
            return {domain: self._frozen(method, self.domains.source(source), test) for domain, test in tests.items()}
        best = self._trained(name, method, source, target, seed)
        predictions = read_predictions(best)
        return {domain: predictions[domain].numpy() for domain in tests}

    def _frozen(self, method: Method, train: PictureDataset, test: PictureDataset) -> np.ndarray:
        match method.kind:
            case "zero-shot":
                return zero_shot(self.clip, test)
            case "linear-probe":
                return linear_probe(self.clip, train, test)
            case "imagenet-linear-probe":
                return linear_probe(self.imagenet, train, test)
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
        elif method.kind == "cnn-imagenet":
            stage = ImageNetStage(train, tests)
        else:
            unlabelled = self.domains.target(target) if method.adapts else None
            stage = AdaptationStage(self._config(method), self.foundation, train, tests, unlabelled)
        run_stage(stage, self._loop(method, source, seed), folder, self.mixed_precision)
        remove_checkpoints(folder)
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
        kept = read_predictions(self._trained(name, METHODS[name], source, target, seed))
        roles = {"source": source, "target": target}
        return {
            **{role: kept[f"{domain}/v"] for role, domain in roles.items()},
            **{f"{role}_labels": kept[f"{domain}/labels"] for role, domain in roles.items()},
        }
