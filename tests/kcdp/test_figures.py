from __future__ import annotations

from pathlib import Path

import pytest

from kcdp.figures import FIGURES, PartFigures, figures_text, load_figures


def test_figures_are_read_as_they_were_written(tmp_path: Path) -> None:
    assert load_figures(tmp_path) == {}
    figures = {
        "kinds": PartFigures(10, 0.5, 0.8, 0.6, 0.0, None),
        "drawn": PartFigures(3, 1.0, 1.0, 1.0, 1.0, 1.0, True),
    }
    (tmp_path / FIGURES).write_text(figures_text(figures))
    assert load_figures(tmp_path) == figures


@pytest.mark.parametrize("content", ["nothing", "[]", '{"kinds": {"pictures": 1}}', '{"kinds": 3}'])
def test_a_damaged_file_is_a_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / FIGURES).write_text(content)
    with pytest.raises(ValueError, match=r"cannot be read; measure the bundle again"):
        load_figures(tmp_path)
