"""Caches that two processes fill together, and that outlive them."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from multiprocessing import get_context

import numpy as np
import pytest
from accelerate import PartialState
from torch.multiprocessing.spawn import ProcessExitedException

from tests.two_processes import in_two_processes
from train.data.cache import cached_array, cached_json

ROWS, CHUNK = 37, 4
CHUNKS = -(-ROWS // CHUNK)


def value(row):
    return [row, row**2]


def fill(cached, folder, die_at=None):
    """Fill a cache slowly, note who computes what, and check what comes of it; at the chunk `die_at`, die."""
    process = PartialState().process_index

    def compute(rows):
        if rows.start == die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.05)
        with (folder / "log").open("a") as log:
            log.write(f"{process} {rows.start}\n")
        return [value(row) for row in range(rows.start, rows.stop)]

    found = cached(folder, "key", ROWS, compute, chunk=CHUNK)
    assert np.array_equal(np.array(list(found)), [value(row) for row in range(ROWS)])


def log(folder):
    """Pairs of the process and the first row of a chunk, in the order in which they were computed."""
    return [tuple(map(int, line.split())) for line in (folder / "log").read_text().splitlines()]


def only_the_whole_is_left(folder):
    return sorted(path.suffix for path in folder.iterdir() if path.name != "log") in ([".npy"], [".arrow"])


@pytest.mark.parametrize("cached", [cached_array, cached_json])
def test_two_processes_compute_every_chunk_once_and_share_them(tmp_path, cached):
    alone, both = tmp_path / "alone", tmp_path / "both"
    for folder in (alone, both):
        folder.mkdir()
    fill(cached, alone)
    in_two_processes(fill, cached, both)
    assert sorted(start for _, start in log(both)) == [start for _, start in log(alone)]
    shares = Counter(process for process, _ in log(both))
    assert len(shares) == 2
    # A busy machine may keep one of them waiting; then the other does what it has not begun.
    assert min(shares.values()) >= CHUNKS // 4
    assert only_the_whole_is_left(both)
    (one,), (other,) = (
        [path.read_bytes() for path in folder.iterdir() if path.name != "log"] for folder in (alone, both)
    )
    assert one == other


@pytest.mark.parametrize("cached", [cached_array, cached_json])
def test_after_the_death_of_a_process_nothing_is_lost_and_nothing_done_twice(tmp_path, cached):
    # The sixth chunk belongs to the second process, which dies at it; the launcher then ends the first.
    with pytest.raises(ProcessExitedException, match="SIGKILL"):
        in_two_processes(fill, cached, tmp_path, 5 * CHUNK)
    before = log(tmp_path)
    assert 0 < len(before) < CHUNKS
    in_two_processes(fill, cached, tmp_path)
    starts = [start for _, start in log(tmp_path)]
    assert sorted(set(starts)) == list(range(0, ROWS, CHUNK))
    # At most what the first process was at when it was ended is noted, but not kept.
    assert len(starts) <= CHUNKS + 1
    assert only_the_whole_is_left(tmp_path)


def test_a_process_takes_over_what_another_run_died_of(tmp_path):
    begun = tmp_path / "begun"

    def die_late(rows):
        begun.touch()
        while not (tmp_path / "log").exists() or len(log(tmp_path)) < CHUNKS - 1:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGKILL)

    other = get_context("fork").Process(target=cached_array, args=(tmp_path, "key", ROWS, die_late, CHUNK))
    other.start()
    while not begun.exists():
        time.sleep(0.01)
    # The first chunk is the other one's until it dies, and by then all the rest is done.
    fill(cached_array, tmp_path)
    other.join(10)
    assert other.exitcode == -signal.SIGKILL
    assert [start for _, start in log(tmp_path)] == [*range(CHUNK, ROWS, CHUNK), 0]
    begun.unlink()
    assert only_the_whole_is_left(tmp_path)
