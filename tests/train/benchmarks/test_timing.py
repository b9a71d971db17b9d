"""What a table says of times, and in which order works are taken; how fast anything is, no test can say."""

from __future__ import annotations

import pytest

from train.benchmarks.timing import CLOCKS, HEADER, Row, Stopwatch, table


def test_a_row_says_medians_the_ratio_of_each_repeat_and_the_rate() -> None:
    row = Row("work", [0.5, 0.4, 3.0], [0.25, 0.4, 1.0], 4)
    # The ratios are 2, 1 and 3: of the medians it would be 1.25.
    assert str(row) == "| work | 500.0 | 400.0 | 2.00 (1.00 to 3.00) | 8.00 |"
    assert row.to_dict()["ratio"] == (2.0, 1.0, 3.0)
    assert str(Row("load", [0.5])) == "| load | 500.0 |  |  |  |"
    assert str(Row("memory", [800.4], [1000.5], unit="MB")) == "| memory | 800 MB | 1000 MB | 0.80 (0.80 to 0.80) |  |"
    assert table([row]) == f"{HEADER}\n{row}"


def test_works_are_taken_in_turn_and_each_goes_first_as_often() -> None:
    order: list[str] = []

    def work(name: str, seconds: float) -> float:
        order.append(name)
        return seconds

    times = Stopwatch(4).in_turn(lambda: work("a", 1.0), lambda: work("b", 2.0))
    assert "".join(order) == "ab" + "ab" + "ba" + "ab" + "ba"
    assert times == [[1.0] * 4, [2.0] * 4]
    order.clear()
    Stopwatch(1, warm_up=False).in_turn(lambda: work("a", 1.0), lambda: work("b", 2.0))
    assert "".join(order) == "ab"


@pytest.mark.parametrize("clock", CLOCKS)
def test_each_side_is_timed_by_the_clock_that_was_asked_for(clock: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = {name: iter(range(0, 10**6, step)) for name, step in (("wall", 1), ("cpu", 10))}
    for name in CLOCKS:
        monkeypatch.setitem(CLOCKS, name, lambda name=name: next(ticks[name]))
    row = Stopwatch(2, clock).row("work", lambda: None, lambda: next(ticks[clock]), 1)
    step = 1 if clock == "wall" else 10
    assert (row.ours, row.plain) == ([step] * 2, [2 * step] * 2)
