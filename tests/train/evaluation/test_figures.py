from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from train.evaluation import figures


def test_confusion_shows_every_count(tmp_path: Path) -> None:
    figure = figures.confusion_figure([[3, 1], [0, 2]], ["joy", "fear"], "test-emoji")
    axes = figure.axes[0]
    assert sorted(text.get_text() for text in axes.texts) == ["1", "2", "3"]
    np.testing.assert_allclose(axes.images[0].get_array(), [[0.75, 0.25], [0, 1]])
    figures.save(figure, tmp_path / "deep" / "confusion.png")
    assert Image.open(tmp_path / "deep" / "confusion.png").format == "PNG"
    assert len(list((tmp_path / "deep").iterdir())) == 1


def test_tsne_keeps_what_is_apart_apart() -> None:
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(30, 8)), rng.normal(size=(20, 8)) + 20
    left, right = figures.project(source, target)
    assert left.shape == (30, 2)
    assert right.shape == (20, 2)
    centre = left.mean(0), right.mean(0)
    assert (np.linalg.norm(left - centre[0], axis=1) < np.linalg.norm(left - centre[1], axis=1)).all()


def test_figure_5_has_a_panel_a_method_and_names_domains_and_emotions() -> None:
    rng = np.random.default_rng(0)
    features = {
        "source": rng.normal(size=(12, 6)),
        "target": rng.normal(size=(9, 6)),
        "source_labels": np.arange(12) % 2,
        "target_labels": np.zeros(9, dtype=int),
    }
    figure = figures.domains_figure({"before": features, "after": features}, ("emoji", "photos"), ["joy", "fear"])
    assert [axes.get_title() for axes in figure.axes] == ["before", "after"]
    # Source in two emotions, target in one.
    assert len(figure.axes[0].collections) == 3
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert words == ["source: emoji", "target: photos", "joy", "fear"]
