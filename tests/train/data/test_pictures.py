import struct

import numpy as np
import pytest
import torch
from PIL import Image

from kcdp.imaging import GROUND, load_frames, to_tensor
from kcdp.imaging.profiles import PRIMARIES, rgb_profile
from tests.image_files import animated, encoded, film, smooth
from train.data import pictures
from train.data.cache import content_key
from train.data.pictures import PictureCache, letterbox
from train.data.records import content_id, make_record, to_dataset
from train.data.sets.checking import checked
from train.data.sets.entry import Entry


def records(count, size=(16, 16)):
    rng = np.random.default_rng(0)
    pictures = [Image.fromarray(rng.integers(0, 256, (size[1], size[0], 4), dtype=np.uint8)) for _ in range(count)]
    rows = [
        make_record(picture, ["noise"], domain="drawn", style="s", group="g", license="CC0") for picture in pictures
    ]
    return to_dataset(rows), np.stack([np.asarray(picture) for picture in pictures]).transpose(0, 3, 1, 2)


def test_pictures_come_back_as_they_went_in(tmp_path):
    dataset, pixels = records(5)
    store = PictureCache(dataset, tmp_path, size=16)
    assert len(store) == 5
    assert store[2].dtype == torch.uint8
    assert np.array_equal(store[2], pixels[2])
    assert np.array_equal(store[[4, 0, 4]], pixels[[4, 0, 4]])
    assert np.array_equal(store[torch.tensor([3, 1])], pixels[[3, 1]])
    assert np.array_equal(store[1:3], pixels[1:3])


def test_a_second_opening_and_a_part_decode_nothing(tmp_path, monkeypatch):
    dataset, pixels = records(6)
    first = PictureCache(dataset, tmp_path, size=16)

    def forbidden(*_):
        raise AssertionError("decoded again")

    monkeypatch.setattr("train.data.pictures.letterbox", forbidden)
    again = PictureCache(dataset, tmp_path, size=16)
    part = PictureCache(dataset.select([5, 2]), tmp_path, size=16)
    assert again.key == first.key != part.key
    assert np.array_equal(again[:], pixels)
    assert np.array_equal(part[:], pixels[[5, 2]])
    with pytest.raises(AssertionError, match="decoded again"):
        PictureCache(dataset, tmp_path, size=8)


def test_reading_does_not_give_access_to_the_cache(tmp_path):
    dataset, pixels = records(2)
    store = PictureCache(dataset, tmp_path, size=16)
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


@pytest.fixture
def files(tmp_path):
    """Six records of PNG files of 16 x 16, and their pixels."""
    _, pixels = records(6)
    rows = []
    for number, picture in enumerate(pixels):
        path = tmp_path / "files" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(picture.transpose(1, 2, 0)).save(path)
        facts = {"domain": "emo8", "style": "s", "group": "g", "license": "x"}
        rows.append(make_record(path, ["noise"], identity=content_id(bytes([number])), **facts))
    return rows, pixels


def test_pictures_with_a_path_are_decoded_when_asked_for_and_never_kept(files, tmp_path):
    rows, pixels = files
    store = PictureCache(to_dataset(rows), tmp_path / "cache", size=16)
    assert np.array_equal(store[[4, 0, 4]], pixels[[4, 0, 4]])
    assert np.array_equal(store[2], pixels[2]) and store[2].dtype == torch.uint8
    assert np.array_equal(store[torch.tensor([3, 1])], pixels[[3, 1]])
    assert np.array_equal(store[:], pixels)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [f"{store.key}.16.{pictures.READING}.ids.npy"]


def test_paths_and_bytes_go_together(files, tmp_path, monkeypatch):
    rows, pixels = files
    kept, more = records(4)
    mixed = to_dataset([rows[5], *kept.to_list()[:2], rows[0], *kept.to_list()[2:]])
    first = PictureCache(mixed, tmp_path / "cache", size=16)
    whole = first[:]
    assert np.array_equal(whole[[0, 3]], pixels[[5, 0]])
    assert np.array_equal(whole[[1, 2, 4, 5]], more)
    monkeypatch.setattr(pictures, "letterbox", lambda *_: pytest.fail("decoded again"))
    again, part = (PictureCache(some, tmp_path / "cache", size=16) for some in (mixed, mixed.select([4, 0, 1])))
    assert np.array_equal(again[[1, 2, 4]], whole[[1, 2, 4]])
    assert np.array_equal(part[[0, 2]], whole[[4, 1]])
    assert (part.source_key, part.rows.tolist()) == (first.key, [4, 0, 1])
    stretch = PictureCache(mixed.select(range(1, 3)), tmp_path / "cache", size=16)
    assert np.array_equal(stretch[:], whole[1:3])


def test_a_file_that_breaks_meanwhile_is_empty_and_named(files, tmp_path, caplog):
    rows, pixels = files
    store = PictureCache(to_dataset(rows), tmp_path / "cache", size=16)
    (tmp_path / "files/1.png").write_bytes(b"broken")
    (tmp_path / "files/2.png").unlink()
    found = store[[0, 1, 2]]
    assert np.array_equal(found[0], pixels[0]) and not found[1:].any()
    assert "1.png cannot be read any more" in caplog.text and "2.png cannot be read any more" in caplog.text


def test_bytes_that_are_no_picture_end_no_run(tmp_path, caplog):
    dataset, pixels = records(2)
    bad = make_record(b"no picture", ["x"], domain="photos", style="s", group="g", license="x")
    found = PictureCache(to_dataset([*dataset.to_list()[:1], bad, *dataset.to_list()[1:]]), tmp_path, size=16)
    assert np.array_equal(found[[0, 2]], pixels) and not found[1].any()
    assert "taken for empty" in caplog.text


def test_other_reading_is_not_taken_from_an_older_cache(tmp_path, monkeypatch):
    dataset, _ = records(3)
    first = PictureCache(dataset, tmp_path, size=16)
    monkeypatch.setattr(pictures, "READING", pictures.READING + 1)
    monkeypatch.setattr(pictures, "letterbox", lambda *_: np.full((4, 16, 16), 7, np.uint8))
    again = PictureCache(dataset, tmp_path, size=16)
    assert again.key != first.key and (again[:] == 7).all()


@pytest.mark.parametrize("at_once", [2, 3, 100])
def test_a_store_is_named_by_its_ids_and_its_size(tmp_path, monkeypatch, at_once):
    dataset, _ = records(6)
    monkeypatch.setattr(pictures, "_IDS_AT_ONCE", at_once)
    assert PictureCache(dataset, tmp_path, size=16).key == content_key(
        "pictures", dataset["id"][:], 16, pictures.READING
    )


def _jpeg_with_odd_exif() -> bytes:
    entries = [(0x112, 3, 1, struct.pack("<H", 6)), (0x11A, 2, 3, b"72\0"), (0x128, 2, 2, b"2\0")]
    listed = b"".join(
        struct.pack("<HHI", tag, kind, count) + value.ljust(4, b"\0") for tag, kind, count, value in entries
    )
    block = b"Exif\0\0II*\0" + struct.pack("<IH", 8, len(entries)) + listed + bytes(4)
    return encoded(smooth(40, 24), "JPEG", quality=95, exif=block)


RAMP = np.tile(np.linspace(0, 1, 64), (64, 1))
AS_THE_APP = {
    "grey16.png": encoded(Image.fromarray((RAMP * 65535).astype(np.uint16)), "PNG"),
    "grey32.tif": encoded(Image.fromarray((RAMP * 65535).astype(np.int32)), "TIFF"),
    "float.tif": encoded(Image.fromarray(RAMP.astype(np.float32)), "TIFF"),
    "exif.jpg": _jpeg_with_odd_exif(),
    "wide.png": encoded(smooth(), "PNG", icc_profile=rgb_profile(PRIMARIES[12], 2.2)),
    "sticker.gif": animated(film(8, 32), "GIF", disposal=2),
    "sticker.png": animated(film(3, 32), "PNG", disposal=1, blend=0),
    "large.jpg": encoded(smooth(900, 500), "JPEG", quality=95),
}


@pytest.mark.parametrize("name", AS_THE_APP)
@pytest.mark.parametrize("held", ["bytes", "path"])
def test_training_sees_what_the_app_sees(tmp_path, name, held):
    path = tmp_path / name
    path.write_bytes(AS_THE_APP[name])
    facts = {"domain": "emoset", "style": "s", "group": "g", "license": "x", "identity": "0" * 16}
    dataset = to_dataset([make_record(path if held == "path" else path.read_bytes(), ["x"], **facts)])
    pixels = PictureCache(dataset, tmp_path / "cache", 32)[0].numpy().astype(float)
    seen = pixels[:3] * pixels[3:] / 255 + np.array(GROUND)[:, None, None] * (1 - pixels[3:] / 255)
    frames = load_frames(path)
    app = (to_tensor(frames[len(frames) // 2 : len(frames) // 2 + 1], 32)[0].numpy() + 1) * 127.5
    assert np.abs(seen - app).max() <= 3
    ((_, fault, _),) = checked([Entry(path, None, "train", "g")])
    assert fault is None
