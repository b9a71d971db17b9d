import numpy as np
import pytest
import torch
from PIL import Image

from train.data.records import make_record, to_dataset
from train.data.store import PictureStore, cached_array, cached_json, content_key, fingerprint, letterbox


def records(count, size=(16, 16)):
    rng = np.random.default_rng(0)
    pictures = [Image.fromarray(rng.integers(0, 256, (size[1], size[0], 4), dtype=np.uint8)) for _ in range(count)]
    rows = [
        make_record(picture, ["noise"], domain="drawn", style="s", group="g", license="CC0") for picture in pictures
    ]
    return to_dataset(rows), np.stack([np.asarray(picture) for picture in pictures]).transpose(0, 3, 1, 2)


def test_pictures_come_back_as_they_went_in(tmp_path):
    dataset, pixels = records(5)
    store = PictureStore(dataset, tmp_path, size=16)
    assert len(store) == 5
    assert store[2].dtype == torch.uint8
    assert np.array_equal(store[2], pixels[2])
    assert np.array_equal(store[[4, 0, 4]], pixels[[4, 0, 4]])
    assert np.array_equal(store[torch.tensor([3, 1])], pixels[[3, 1]])
    assert np.array_equal(store[1:3], pixels[1:3])


def test_a_second_opening_and_a_part_decode_nothing(tmp_path, monkeypatch):
    dataset, pixels = records(6)
    first = PictureStore(dataset, tmp_path, size=16)

    def forbidden(*_):
        raise AssertionError("decoded again")

    monkeypatch.setattr("train.data.store.letterbox", forbidden)
    again = PictureStore(dataset, tmp_path, size=16)
    part = PictureStore(dataset.select([5, 2]), tmp_path, size=16)
    assert again.key == first.key != part.key
    assert np.array_equal(again[:], pixels)
    assert np.array_equal(part[:], pixels[[5, 2]])
    with pytest.raises(AssertionError, match="decoded again"):
        PictureStore(dataset, tmp_path, size=8)


def test_reading_does_not_give_access_to_the_cache(tmp_path):
    dataset, pixels = records(2)
    store = PictureStore(dataset, tmp_path, size=16)
    store[0:2].zero_()
    assert np.array_equal(store[:], pixels)


def test_letterbox_keeps_proportions_and_pads_with_transparency():
    square = letterbox(Image.new("RGB", (40, 20), "red"), 16)
    assert square.shape == (4, 16, 16)
    assert (square[3, :4] == 0).all()
    assert (square[3, 12:] == 0).all()
    assert (square[:, 4:12] == np.array([255, 0, 0, 255])[:, None, None]).all()


def test_colours_under_transparency_do_not_bleed():
    picture = Image.new("RGBA", (32, 32), (0, 255, 0, 0))
    picture.paste((255, 0, 0, 255), (8, 8, 24, 24))
    small = letterbox(picture, 16)
    visible = small[3] > 16
    assert small[1][visible].max() <= 8


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
    assert cached_json(tmp_path, "k", 2, lambda part: rows[part]) == rows
    assert cached_json(tmp_path, "k", 2, lambda part: pytest.fail("computed again")) == rows


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
