from __future__ import annotations

import json

import pytest
from accelerate import PartialState

from tests.two_processes import in_two_processes, results_of_two
from train.core.processes import distributed_map, process_group, single_process


def shared(folder, count):
    """What each process gets of `each`, and which parts it did, as files."""
    state = PartialState()
    with process_group():
        mine = []

        def square(number):
            mine.append(number)
            return [number, number**2]

        results = distributed_map(range(count), square, "squares")
    (folder / f"{state.process_index}.json").write_text(json.dumps([results, mine, state.num_processes]))


@pytest.mark.parametrize("count", [0, 1, 7])
def test_two_processes_share_work_and_both_know_everything(tmp_path, count):
    in_two_processes(shared, tmp_path, count)
    (first, mine, known), (second, others, _) = (json.loads((tmp_path / f"{p}.json").read_text()) for p in (0, 1))
    assert known == 2
    assert first == second == [[number, number**2] for number in range(count)]
    assert mine == list(range(0, count, 2))
    assert others == list(range(1, count, 2))


def test_one_process_does_everything(tmp_path):
    shared(tmp_path, 3)
    assert json.loads((tmp_path / "0.json").read_text()) == [[[0, 0], [1, 1], [2, 4]], [0, 1, 2], 1]


def test_who_is_alone_waits_for_nobody(tmp_path):
    def work():
        if PartialState().is_main_process:
            with single_process():
                return distributed_map(range(3), lambda number: number**2)
        return []

    assert results_of_two(work, tmp_path) == [[0, 1, 4], []]
