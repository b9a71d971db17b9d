"""Animations composited: animated PNG and GIF against a slow reference, and what files do that no reference has."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from kcdp.imaging import GROUND, ImageError, ImageLimits, flatten, load_frames, read_frames
from kcdp.imaging.formats import recognised
from kcdp.imaging.png import pixels
from tests.image_files import BLUE, GREEN, RED, animated, blank, chunk, film, gif_of, patch
from tests.random_animations import Animation, packed_rows, random_apng, random_gif

ALL = ImageLimits(sampled_frames=99, min_side=1)


def assert_shown(animation: Animation) -> None:
    seen = load_frames(animation.data, limits=ALL)
    assert len(seen) == len(animation.frames)
    for frame, right in zip(seen, animation.frames, strict=True):
        assert np.abs(np.asarray(frame) - right).max() <= 2


@pytest.mark.parametrize("seed", range(40))
def test_random_animated_pngs(seed):
    assert_shown(random_apng(seed))


@pytest.mark.parametrize("seed", range(40))
def test_random_gifs(seed):
    assert_shown(random_gif(seed))


@pytest.mark.parametrize("make", [random_apng, random_gif])
@pytest.mark.parametrize("seed", range(10))
def test_frames_can_be_looked_at_in_any_order(make, seed):
    animation = make(seed, frames=16)
    decode = recognised(animation.data).decode
    frames = list(decode(animation.data, ALL))
    for number in np.random.default_rng(seed).permutation(len(frames)):
        shown = np.asarray(flatten(frames[number].image))
        assert np.abs(shown - animation.frames[number]).max() <= 2


def test_what_lies_behind_a_frame_that_covers_it_is_not_decoded(monkeypatch):
    decoded = []
    monkeypatch.setattr("kcdp.imaging.apng.pixels", lambda *args: decoded.append(1) or pixels(*args))
    data = animated(film(60), "PNG", disposal=1, blend=0)
    assert len(load_frames(data)) == 4 and len(decoded) <= 12


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_an_opaque_animation_has_no_transparency_to_carry_along(kind):
    """Later frames are parts of the canvas and, in GIF, clear where nothing changed."""
    drawn = film(12, 32, "RGB")
    data = animated(drawn, kind)
    frames = list(recognised(data).decode(data, ALL))
    assert [frame.image.mode for frame in frames] == ["RGB"] * 12
    for frame, right in zip(frames, drawn, strict=True):
        assert np.array_equal(np.asarray(frame.image), np.asarray(right))


@pytest.mark.parametrize("disposals", [(2, 1), (1, 2), (3, 1)])
def test_an_animation_that_is_cleared_is_transparent(disposals):
    data = gif_of(patch(0, 0, 16, 0, disposals[0]), patch(4, 4, 8, 1, disposals[1]), patch(0, 0, 2, 2, 1))
    last = list(recognised(data).decode(data, ALL))[-1].image
    assert last.mode == "RGBA" and last.getpixel((6, 6))[3] == (255 if disposals[1] == 1 else 0)


def apng(
    size: int, *frames: tuple[tuple[int, ...], tuple[int, int, int, int], int, int], colour_type: int = 6
) -> bytes:
    """Frames of one colour each: (colour, (left, top, width, height), dispose, blend)."""
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", size, size, 8, colour_type, 0, 0, 0))
    data += chunk(b"acTL", struct.pack(">II", len(frames), 0))
    number = 0
    for index, (colour, (left, top, width, height), dispose, blend) in enumerate(frames):
        control = struct.pack(">5I2H2B", number, width, height, left, top, 1, 10, dispose, blend)
        rows = zlib.compress(packed_rows(np.full((height, width, len(colour)), colour), 8))
        data += chunk(b"fcTL", control)
        data += chunk(b"IDAT", rows) if index == 0 else chunk(b"fdAT", struct.pack(">I", number + 1) + rows)
        number += 1 if index == 0 else 2
    return data + chunk(b"IEND", b"")


WHOLE = (0, 0, 16, 16)


def pixel(data: bytes, frame: int, place: tuple[int, int]) -> tuple[int, ...]:
    return load_frames(data, limits=ALL)[frame].getpixel(place)


def test_a_translucent_rim_over_opaque_colour():
    data = apng(16, ((255, 0, 0, 255), WHOLE, 0, 0), ((0, 0, 255, 128), (4, 4, 8, 8), 0, 1))
    red, _, blue = pixel(data, 1, (6, 6))
    assert abs(red - 127) <= 1 and abs(blue - 128) <= 1


def test_a_translucent_rim_over_nothing_is_as_if_alone():
    data = apng(16, ((255, 0, 0, 255), WHOLE, 1, 0), ((200, 100, 0, 64), (4, 4, 8, 8), 0, 1))
    right = [round(c * 64 / 255 + g * 191 / 255) for c, g in zip((200, 100, 0), GROUND, strict=True)]
    assert np.abs(np.array(pixel(data, 1, (6, 6))) - right).max() <= 1 and pixel(data, 1, (0, 0)) == GROUND


def test_translucent_over_translucent():
    half = (0, 0, 0, 128)
    data = apng(16, (half, WHOLE, 0, 0), (half, WHOLE, 0, 1), (half, WHOLE, 0, 1))
    left = 1 - 128 / 255
    for frame in range(3):
        assert np.abs(np.array(pixel(data, frame, (3, 3))) - np.array(GROUND) * left ** (frame + 1)).max() <= 1.5


def test_a_translucent_source_replaces_what_was_there():
    data = apng(16, ((255, 0, 0, 255), WHOLE, 0, 0), ((0, 0, 0, 0), (4, 4, 8, 8), 0, 0))
    assert pixel(data, 1, (6, 6)) == GROUND and pixel(data, 1, (0, 0)) == (255, 0, 0)


def test_previous_in_the_first_frame_is_background():
    data = apng(16, ((255, 0, 0, 255), WHOLE, 2, 0), ((0, 255, 0, 255), (4, 4, 8, 8), 0, 1))
    assert pixel(data, 1, (0, 0)) == GROUND and pixel(data, 1, (6, 6)) == (0, 255, 0)


def test_previous_brings_back_what_was_under_several_frames():
    green, blue = (0, 255, 0, 255), (0, 0, 255, 255)
    box = (4, 4, 8, 8)
    data = apng(16, ((255, 0, 0, 255), WHOLE, 0, 0), (green, box, 2, 0), (blue, box, 2, 0), (green, (0, 0, 2, 2), 0, 0))
    assert [pixel(data, frame, (6, 6)) for frame in range(4)] == [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 0, 0)]


def test_background_of_pictures_without_alpha_is_clear():
    frames = [((255, 0, 0), WHOLE, 0, 0), ((0, 0, 255), (4, 4, 8, 8), 1, 0), ((0, 255, 0), (0, 0, 4, 4), 0, 0)]
    data = apng(16, *frames, colour_type=2)
    assert pixel(data, 2, (6, 6)) == GROUND and pixel(data, 2, (14, 14)) == (255, 0, 0)


def test_a_frame_beyond_the_edge_is_refused():
    data = apng(16, ((255, 0, 0, 255), WHOLE, 0, 0), ((0, 255, 0, 255), (12, 4, 8, 8), 0, 1))
    with pytest.raises(ImageError, match="reaches beyond its edge"):
        load_frames(data)


def test_a_file_that_announces_more_frames_than_it_has():
    data = apng(16, ((255, 0, 0, 255), WHOLE, 0, 0), ((0, 255, 0, 255), WHOLE, 0, 0))
    wrong = chunk(b"acTL", struct.pack(">II", 9, 0))
    place = data.index(b"acTL") - 4
    assert len(load_frames(data[:place] + wrong + data[place + len(wrong) :])) == 2


# GIF, with what Chromium 156 draws


def test_disposal_4_is_previous_and_others_are_none():
    for number, right in ((4, RED), (5, GREEN), (6, GREEN), (7, GREEN)):
        data = gif_of(patch(0, 0, 16, 0, 1), patch(4, 4, 8, 1, number), patch(0, 0, 2, 2, 1))
        assert pixel(data, 2, (6, 6)) == right[:3]


def test_no_disposal_after_one_that_restored():
    data = gif_of(patch(0, 0, 16, 0, 1), patch(4, 4, 8, 1, 2), patch(4, 4, 8, 2, 0), patch(0, 0, 2, 1, 1))
    assert pixel(data, 3, (6, 6)) == BLUE[:3]


def test_the_background_colour_is_not_shown():
    data = gif_of(patch(8, 8, 8, 0, 2), patch(0, 0, 8, 1, 1))
    assert pixel(data, 0, (2, 2)) == GROUND and pixel(data, 1, (10, 10)) == GROUND


def test_only_the_first_frame_enlarges_the_canvas():
    assert load_frames(gif_of(patch(8, 8, 16, 0, 1), patch(0, 0, 8, 1, 1)))[0].size == (24, 24)
    data = gif_of(patch(0, 0, 16, 0, 1), patch(8, 8, 16, 1, 1))
    assert load_frames(data)[1].size == (16, 16) and pixel(data, 1, (12, 12)) == GREEN[:3]


def test_a_gif_cut_in_its_last_frame_shows_the_others():
    data = gif_of(*(patch(0, 0, 16, color, 1) for color in (0, 1, 2)))
    assert len(load_frames(data[:-12])) == 2


def test_an_index_beyond_the_palette_is_black():
    data = bytearray(gif_of(patch(0, 0, 16, 3, 1)))
    data[10], data[13:25] = 0xF0, data[13:19]
    assert pixel(bytes(data), 0, (3, 3)) == (0, 0, 0)


def test_a_gif_frame_is_checked_before_it_is_decoded():
    with pytest.raises(ImageError, match="900 x 900"):
        load_frames(gif_of(patch(0, 0, 16, 0, 1), blank(900)), limits=ImageLimits(max_pixels=800_000))


# Times


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF"])
def test_frames_are_sampled_by_time_and_not_by_count(kind):
    frames = film(8, 32, "RGB")
    options = {"AVIF": {"quality": 95}, "WEBP": {"lossless": True}}.get(kind, {})
    data = animated(frames, kind, duration=[1000, 40, 40, 40, 40, 40, 40, 1240], **options)
    seen = read_frames(data)
    assert [(round(frame.start), round(frame.duration)) for frame in seen] == [(0, 1240), (1240, 1240)]
    assert [round(float(np.asarray(frame.image.convert("L")).min()) / 16 - 1.25) for frame in seen] == [0, 7]


def test_frames_of_no_time_show_for_a_tenth_of_a_second():
    frames = film(3)
    assert [frame.duration for frame in read_frames(animated(frames, "GIF", duration=0, disposal=2))] == [100] * 3
    assert [frame.duration for frame in read_frames(animated(frames, "PNG", duration=10, disposal=1))] == [100] * 3
    assert [frame.start for frame in read_frames(animated(frames, "PNG", duration=20, disposal=1))] == [0, 20, 40]


def test_empty_frames_are_not_looked_at():
    greys = [((level, level, level, 255), (0, 0, 8, 8), 1, 0) for level in (10, 60, 110, 160)]
    clear = ((0, 0, 0, 0), WHOLE, 1, 0)
    data = apng(16, clear, greys[0], clear, greys[1], clear, greys[2], clear, greys[3])
    seen = read_frames(data)
    assert [(frame.start, frame.duration) for frame in seen] == [(100, 100), (300, 100), (500, 100), (700, 100)]
    assert [frame.image.getpixel((2, 2))[0] for frame in seen] == [10, 60, 110, 160]
    assert [frame.getpixel((2, 2))[0] for frame in load_frames(data)] == [10, 60, 110, 160]


def test_an_animation_of_nothing_is_one_empty_frame():
    clear = Image.new("RGBA", (16, 16))
    almost = Image.new("RGBA", (16, 16), (0, 0, 0, 3))
    assert len(read_frames(animated([clear, almost] * 3, "PNG", disposal=1, blend=0))) == 1


def test_repeated_pictures_are_seen_once_and_stand_for_all_their_time():
    one, two = film(2)
    seen = read_frames(animated([one, two] * 4, "WEBP", lossless=True))
    assert [(frame.start, frame.duration) for frame in seen] == [(0, 160), (40, 160)]
    few = animated([one, two, one], "PNG", disposal=1, blend=0)
    assert [(frame.start, frame.duration) for frame in read_frames(few)] == [(0, 80), (40, 40)]
    assert len(load_frames(few)) == 3


def test_large_animations_are_decoded_twice_and_not_kept(monkeypatch):
    data = animated(film(9), "PNG", disposal=1, blend=0)
    right = [frame.image.tobytes() for frame in read_frames(data)]
    monkeypatch.setattr("kcdp.imaging.frames.KEPT_PIXELS", 3 * 16 * 16)
    assert [frame.image.tobytes() for frame in read_frames(data)] == right


def test_a_still_has_no_time():
    (frame,) = read_frames(animated(film(1), "GIF"))
    assert (frame.start, frame.duration) == (0, 0)


def test_an_open_animation_is_composited_here(tmp_path):
    data = apng(16, ((255, 0, 0, 255), WHOLE, 0, 0), ((0, 0, 255, 128), (4, 4, 8, 8), 0, 1))
    (tmp_path / "a.png").write_bytes(data)
    right = [frame.tobytes() for frame in load_frames(data)]
    with Image.open(tmp_path / "a.png") as image:
        assert [frame.tobytes() for frame in load_frames(image)] == right
        image.seek(1)
        image.load()
        assert [frame.tobytes() for frame in load_frames(image)] == right and image.tell() == 1


def test_a_picture_that_was_drawn_on_is_seen_as_it_is(tmp_path):
    Image.new("RGB", (16, 16), "red").save(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        image.putpixel((3, 3), (1, 2, 3))
        assert load_frames(image)[0].getpixel((3, 3)) == (1, 2, 3)
