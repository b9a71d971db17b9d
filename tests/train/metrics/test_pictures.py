"""How the numbers of pictures stand in tables."""

from __future__ import annotations

import pytest

from train.metrics.registry import PICTURE_METRICS

#: Heading, .123456 as we measure it, and 12.3456 as a paper prints it.
WRITTEN = {
    "fid": ("FID ↓", "0.12", "12.35"),
    "lpips": ("LPIPS ↑", "0.123", "12.346"),
    "emo_a": ("Emo-A ↑", "12.3", "12.35"),
    "sem_c": ("Sem-C ↑", "0.123", "12.346"),
    "sem_d": ("Sem-D ↑", "0.1235", "12.3456"),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_every_column_has_the_digits_of_the_papers(name: str) -> None:
    column = PICTURE_METRICS[name].column
    assert (column.heading, column.measured(0.123456), column.printed(12.3456)) == WRITTEN[name]
    assert column.measured(None) == "-"


def test_every_metric_is_written_somehow() -> None:
    assert list(WRITTEN) == list(PICTURE_METRICS)
