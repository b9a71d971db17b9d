import numpy as np
import pytest
import torch

from train.data.cache import cached_array, cached_json, content_key, fingerprint


def test_cached_array_equals_the_computation_and_runs_once(tmp_path):
    calls = []

    def compute(rows):
        calls.append((rows.start, rows.stop))
        return torch.arange(rows.start, rows.stop).float()[:, None] * 2

    for _ in range(2):
        values = cached_array(tmp_path, content_key("double"), 10, compute, chunk=4)
        assert np.array_equal(values, np.arange(10, dtype=np.float32)[:, None] * 2)
    assert calls == [(0, 4), (4, 8), (8, 10)]
    assert not values.flags.writeable


@pytest.mark.parametrize("cached", [cached_array, cached_json])
def test_a_killed_computation_goes_on_where_it_stopped(tmp_path, cached):
    calls = []

    def compute(rows, fail_at):
        if rows.start == fail_at:
            raise KeyboardInterrupt
        calls.append(rows.start)
        return list(range(rows.start, rows.stop))

    with pytest.raises(KeyboardInterrupt):
        cached(tmp_path, "key", 9, lambda rows: compute(rows, 6), chunk=3)
    assert not list(tmp_path.glob("key.npy")) + list(tmp_path.glob("key.json"))
    values = cached(tmp_path, "key", 9, lambda rows: compute(rows, None), chunk=3)
    assert list(values) == list(range(9))
    assert calls == [0, 3, 6]
    assert not [path for path in tmp_path.iterdir() if "chunks" in path.name or "part" in path.name]


def test_cached_json_keeps_structure(tmp_path):
    rows = [["a man", ["man", "hugs", "woman"]], ["ein Käfer", []]]
    assert list(cached_json(tmp_path, "k", 2, lambda part: rows[part])) == rows
    again = cached_json(tmp_path, "k", 2, lambda part: pytest.fail("computed again"))
    assert list(again) == rows


def test_json_rows_are_read_like_a_list(tmp_path):
    values = [{"ä": number, "deep": [None, "x" * number]} for number in range(11)]
    rows = cached_json(tmp_path, "k", 11, lambda part: values[part], chunk=3)
    assert len(rows) == 11
    for place in (0, 2, 3, 10, -1, np.int64(5)):
        assert rows[place] == values[place]
    for part in (slice(None), slice(2, 7), slice(8, None), slice(-3, None), slice(5, 5)):
        assert rows[part] == values[part]
    with pytest.raises(IndexError):
        rows[11]
    assert list(cached_json(tmp_path, "none", 0, lambda part: pytest.fail("nothing to compute"))) == []


@pytest.mark.parametrize("cached", [cached_array, cached_json])
def test_a_wrong_number_of_rows_is_refused(tmp_path, cached):
    with pytest.raises(ValueError, match="Asked for 3 rows to cache, got 2"):
        cached(tmp_path, "k", 3, lambda rows: [1, 2])


def test_an_empty_dataset_is_refused(tmp_path):
    with pytest.raises(ValueError, match="dataset is empty"):
        cached_array(tmp_path, "k", 0, lambda rows: np.zeros(0))


def test_keys_tell_contents_apart():
    assert content_key("a", {"x": 1, "y": 2}) == content_key("a", {"y": 2, "x": 1})
    assert len({content_key("ab", "c"), content_key("a", "bc"), content_key(["a", "bc"]), content_key("abc")}) == 4


def test_fingerprint_follows_the_weights():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    before = fingerprint(model)
    assert before == fingerprint(model)
    assert before != fingerprint(model.half())
    model.float()
    with torch.no_grad():
        model[0].weight[0, 0] += 1e-3
    changed = fingerprint(model)
    assert before != changed
    model[1].running_mean += 1
    assert fingerprint(model) != changed
