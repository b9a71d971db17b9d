import numpy as np
import pytest
import torch
from PIL import Image

from train.data.pictures import PictureStore, letterbox
from train.data.records import make_record, to_dataset


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

    monkeypatch.setattr("train.data.pictures.letterbox", forbidden)
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
