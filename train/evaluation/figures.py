"""Figures of the evaluation as PNG: confusion matrices, and where v puts the pictures of two domains (figure 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from sklearn.manifold import TSNE

from train.files import write_file

#: One for each emotion, so that nothing depends on colour alone.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">")
_COLOURS = {"source": "#2a56bd", "target": "#b4490a"}


def save(figure: Figure, path: Path) -> None:
    """Write a figure aside, then rename it into place."""
    write_file(path, lambda aside: figure.savefig(aside, format="png", dpi=130))


def confusion_figure(confusion: Sequence[Sequence[int]], names: Sequence[str], title: str) -> Figure:
    """Counts, coloured by their share of the row; rows are what pictures show, columns what they were called."""
    counts = np.asarray(confusion)
    shares = counts / counts.sum(1, keepdims=True).clip(min=1)
    figure = Figure(figsize=(1.6 + 0.62 * len(names), 1.3 + 0.55 * len(names)), layout="constrained")
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            dark = shares[row, column] > 0.5
            axes.text(column, row, str(count), ha="center", va="center", color="white" if dark else "black")
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="called", ylabel="shows", title=title)
    return figure


def project(source: np.ndarray, target: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """t-SNE of both domains' features (N, D) and (M, D) together, as points (N, 2) and (M, 2)."""
    both = np.concatenate([source, target]).astype(np.float32)
    both = (both - both.mean(0)) / (both.std(0) + 1e-6)
    perplexity = min(30.0, (len(both) - 1) / 3)
    points = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(both)
    return points[: len(source)], points[len(source) :]


def domains_figure(
    panels: Mapping[str, Mapping[str, np.ndarray]], pair: tuple[str, str], names: Sequence[str]
) -> Figure:
    """One panel a method: `panels[title]` has `source` (N, D), `target` (M, D), and their `..._labels`.

    Colour says which domain a picture is of, the marker which emotion.
    """
    figure = Figure(figsize=(5.2 * len(panels), 5.6), layout="constrained")
    for axes, (title, features) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
        for role, points in zip(_COLOURS, project(features["source"], features["target"]), strict=True):
            labels = features[f"{role}_labels"]
            for label in np.unique(labels):
                mine = points[labels == label]
                axes.scatter(*mine.T, s=22, c=_COLOURS[role], marker=MARKERS[label % len(MARKERS)], alpha=0.7, lw=0)
        axes.set(title=title, xticks=[], yticks=[])
    handles = [
        Line2D([], [], color=color, marker="o", lw=0, label=f"{role}: {domain}")
        for (role, color), domain in zip(_COLOURS.items(), pair, strict=True)
    ]
    handles += [
        Line2D([], [], color="#5b6472", marker=MARKERS[index % len(MARKERS)], lw=0, label=name)
        for index, name in enumerate(names)
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=5, frameon=False)
    return figure
