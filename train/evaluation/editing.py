"""UniEmo's edits measured: a thing in an emotion, two emotions in one picture, a real picture in another emotion.

CLIP classifies things, and the judge, which shares nothing with the pipeline, emotions. Only of a blend, where the
probability of every emotion counts, the pipeline's own reading is taken.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import torch
from PIL import Image

from kcdp.imaging import to_tensor
from kcdp.pipelines.uniemo import UniEmoPipeline
from train.evaluation.tables import markdown_table, percent
from train.metrics.emotion_shift import emotion_shift
from train.metrics.pictures import Instruments, PictureFunction

#: Weight of the second emotion, along the slider.
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
#: How much of a picture may change, each measured.
STRENGTHS = (0.4, 0.6, 0.8)
#: An emotion of a blend is still seen when it is among so many of the most probable.
AMONG = 3


@dataclass(frozen=True)
class Editing:
    """Measures of one pipeline.

    Args:
        pipeline: what paints; its emotions are the judge's.
        instruments: judge and meaning.
        nouns: probabilities (B, T) of the things that are asked for, for pictures (B, 3, H, W) in [-1, 1].
        things: their names, in that order.
        seeds: of every prompt's pictures.
        steps: of denoising.
    """

    pipeline: UniEmoPipeline
    instruments: Instruments
    nouns: PictureFunction
    things: Sequence[str]
    seeds: Sequence[int]
    steps: int

    def _pixels(self, pictures: Sequence[Image.Image]) -> torch.Tensor:
        return to_tensor(list(pictures), self.pipeline.size)

    def calibrate(
        self, pictures: Iterable[torch.Tensor], places: Sequence[int], labels: torch.Tensor
    ) -> dict[str, float | None]:
        """The accuracy of the instruments themselves: of things and emotions on real pictures of the things.

        Args:
            pictures: batches (B, 3, H, W) in [-1, 1], N pictures in all.
            places: the thing of each.
            labels: (N,), the emotion of each, or -1.

        `thing` and `emotion` are None where no picture has one.
        """
        if not places:
            return {"pictures": 0, "thing": None, "emotion": None}
        predicted = [(self.nouns(batch).argmax(1), self.instruments.judge(batch).argmax(1)) for batch in pictures]
        things, emotions = (torch.cat(parts) for parts in zip(*predicted, strict=True))
        right, known = things == torch.tensor(places), labels >= 0
        return {
            "pictures": len(places),
            "thing": right.float().mean().item(),
            "emotion": (emotions == labels)[known].float().mean().item() if known.any() else None,
        }

    def transfer(self) -> dict[str, Any]:
        """Of every thing in every emotion (figure 10a): how often thing and emotion are recognised.

        `thing` and `emotion` are shares of all pictures, `both` of those where both are right; `things` and `emotions` the
        shares of each.
        """
        emotions = self.instruments.emotions
        hits: dict[tuple[str, str], list[tuple[bool, bool]]] = {}
        for (place, thing), (label, emotion) in itertools.product(enumerate(self.things), enumerate(emotions)):
            made = self.pipeline(emotion, f"a {thing}", seed=list(self.seeds), num_inference_steps=self.steps)
            pixels = self._pixels(made.images)
            right = self.nouns(pixels).argmax(1) == place, self.instruments.judge(pixels).argmax(1) == label
            hits[thing, emotion] = list(zip(*(part.tolist() for part in right), strict=True))
        everything = list(itertools.chain.from_iterable(hits.values()))

        def share(which: int, axis: int, name: str) -> float:
            return fmean(pair[which] for names, pairs in hits.items() if names[axis] == name for pair in pairs)

        return {
            "pictures": len(everything),
            "thing": fmean(thing for thing, _ in everything),
            "emotion": fmean(emotion for _, emotion in everything),
            "both": fmean(thing and emotion for thing, emotion in everything),
            "things": {thing: share(0, 0, thing) for thing in self.things},
            "emotions": {emotion: share(1, 1, emotion) for emotion in emotions},
        }

    def fusion(self) -> dict[str, Any]:
        """Of every two emotions (figure 10b): the mean probability that is read of the second one at each of `SHARES`.

        `curve` is over all pairs, `rising` says whether it never falls; `pairs` is the share of pairs that never do by
        themselves; `both` is how often both are among the three most probable where they count alike.
        """
        curves, both = [], []
        for first, second in itertools.combinations(self.instruments.emotions, 2):
            curve = []
            for share in SHARES:
                weights = {first: 1 - share, second: share}
                made = self.pipeline(weights, seed=list(self.seeds), num_inference_steps=self.steps)
                curve.append(fmean(read[second] for read in made.probabilities))
                if share == 0.5:
                    for read in made.probabilities:
                        both.append({first, second} <= set(sorted(read, key=read.get)[-AMONG:]))
            curves.append(curve)
        whole = [fmean(values) for values in zip(*curves, strict=True)]
        return {
            "pictures": len(curves) * len(SHARES) * len(self.seeds),
            "curve": whole,
            "rising": _rises(whole),
            "pairs": fmean(map(_rises, curves)),
            "both": fmean(both),
        }

    def refeel(self, pictures: Sequence[Image.Image], labels: Sequence[int]) -> dict[str, Any]:
        """Of pictures (two or more) and their emotions: what editing them towards another emotion does at each of `STRENGTHS`.

        For each: `emo_s`; `similarity`, CLIP's mean cosine of a picture before and after; and `kept`, where that lies between
        the cosine of two pictures that have nothing to do with each other, 0, and that of a picture with itself, 1.
        """
        emotions, judge, embed = self.instruments.emotions, self.instruments.judge, self.instruments.embeddings
        before = self._pixels(pictures)
        # Every other emotion in turn.
        others = [(label + 1 + number % (len(emotions) - 1)) % len(emotions) for number, label in enumerate(labels)]
        targets, embedded = torch.tensor(others), embed(before)
        random = (embedded @ embedded.T)[~torch.eye(len(embedded), dtype=torch.bool)].mean().item()
        results = {}
        for strength in STRENGTHS:
            made = [
                self.pipeline(
                    emotions[target],
                    image=picture,
                    strength=strength,
                    seed=number,
                    num_inference_steps=self.steps,
                ).images[0]
                for number, (picture, target) in enumerate(zip(pictures, others, strict=True))
            ]
            after = self._pixels(made)
            similarity = (embedded * embed(after)).sum(1).mean().item()
            results[f"{strength:g}"] = {
                "emo_s": emotion_shift(judge(before), judge(after), targets),
                "similarity": similarity,
                "kept": (similarity - random) / (1 - random),
            }
        return {"pictures": len(pictures), "random": random, "strengths": results}


def _rises(curve: Sequence[float]) -> bool:
    return all(later >= earlier for earlier, later in itertools.pairwise(curve))


def editing_report(results: Mapping[str, Mapping[str, Any]], real: str = "real pictures") -> str:
    """The results of the three measures, and of `calibrate` as `real`, as Markdown; `real` names the pictures edited."""
    transfer, fusion, refeel = results["transfer"], results["fusion"], results["refeel"]
    measures = ("thing", "emotion", "both")
    recognised = [
        [title, row["pictures"], *map(row.get, measures)]
        for title, row in (("real pictures of them", results["real"]), ("painted", transfer))
        if row["pictures"]
    ]
    strengths = [
        [strength, f"{row['emo_s']:+.2f}", f"{row['similarity']:.2f}", row["kept"]]
        for strength, row in refeel["strengths"].items()
    ]
    return "\n\n".join(
        [
            "## Transfer",
            "Pictures of things in emotions; per cent. CLIP classifies the thing among all of them, a judge that shares nothing "
            "with the model the emotion. Their accuracy on real pictures says how far to trust them.",
            markdown_table(["", "pictures", "thing", "emotion", "both"], recognised),
            markdown_table(["thing recognised", *transfer["things"]], [["", *transfer["things"].values()]]),
            markdown_table(["emotion recognised", *transfer["emotions"]], [["", *transfer["emotions"].values()]]),
            "## Fusion",
            f"{fusion['pictures']} pictures of two emotions; the model's own probability of the second one, per cent, by its "
            "weight in the blend.",
            markdown_table(["weight", *(f"{share:g}" for share in SHARES)], [["", *fusion["curve"]]]),
            f"It never falls in {percent(fusion['pairs'])} % of the pairs. At equal weights both emotions are among the first "
            f"three in {percent(fusion['both'])} %.",
            "## Re-feel",
            f"{refeel['pictures']} {real}, each edited towards another emotion. Kept: where CLIP's cosine to the original "
            f"lies between that of two random pictures ({refeel['random']:.2f}) and 1, per cent.",
            markdown_table(["strength", "Emo-S", "cosine", "kept"], strengths),
        ]
    )
