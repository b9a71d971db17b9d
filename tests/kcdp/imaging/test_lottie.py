"""Lottie animations, in Telegram's .tgs and without, against what their numbers say."""

from __future__ import annotations

import base64
import gzip
import io
import json

import numpy as np
import pytest
from PIL import Image

from kcdp.imaging import ImageError, ImageLimits, confined, load_frames, lottie, read_frames
from tests.sticker_files import layer, moving, square, still, zipped
from tests.sticker_files import lottie as animation

GREEN = (0.2, 0.6, 0.1)
ALL = ImageLimits(sampled_frames=1000)


def pixel(image: Image.Image, x: int, y: int) -> list[int]:
    return np.asarray(image)[y, x].tolist()


def test_a_telegram_sticker_has_its_colours_and_a_clear_ground():
    frames = read_frames(gzip.compress(animation(layer(square(GREEN)))))
    assert len(frames) == 1, "it does not move: one picture"
    image = frames[0].image
    assert image.size == (512, 512) and image.mode == "RGBA"
    np.testing.assert_allclose(pixel(image, 256, 256), [51, 153, 25, 255], atol=1)
    np.testing.assert_allclose(pixel(image, 160, 350), [51, 153, 25, 255], atol=1)
    assert pixel(image, 150, 256)[3] == 0 and pixel(image, 256, 362)[3] == 0


@pytest.mark.parametrize("opacity", [25, 50, 80])
def test_half_opaque_colours_are_not_darkened(opacity):
    image = read_frames(animation(layer(square((1, 0.4, 0), opacity=opacity))))[0].image
    np.testing.assert_allclose(pixel(image, 256, 256)[:3], [255, 102, 0], atol=3)
    assert abs(pixel(image, 256, 256)[3] - 2.55 * opacity) <= 1


def centre(image: Image.Image) -> np.ndarray:
    """The middle (x, y) of what shows."""
    rows, columns = np.nonzero(np.asarray(image)[..., 3] > 127)
    return np.array([columns.mean() + 0.5, rows.mean() + 0.5])


@pytest.mark.parametrize("rate", [60, 30, 29.97])
def test_frames_are_where_the_animation_is_at_their_time(rate):
    moved = animation(layer(square(GREEN, side=60), place=moving((0, [60, 100, 0]), (60, [420, 400, 0]))), rate=rate)
    frames = read_frames(gzip.compress(moved))
    assert len(frames) == 4
    np.testing.assert_allclose(sum(frame.duration for frame in frames), 60_000 / rate, rtol=1e-6)
    for frame in frames:
        number = frame.start * rate / 1000
        assert abs(number - round(number)) < 1e-3
        expected = np.array([60, 100]) + np.array([360, 300]) * number / 60
        np.testing.assert_allclose(centre(frame.image), expected, atol=0.6)
    np.testing.assert_allclose([frame.start for frame in frames], 1000 / rate * np.array([7, 22, 37, 52]), rtol=1e-6)


def test_the_end_is_not_a_frame():
    frames = list(lottie.decode(animation(layer(square(GREEN))), ALL))
    assert len(frames) == 60
    assert sum(frame.duration for frame in frames) == pytest.approx(1000)


def test_parts_that_show_late_or_never_are_not_seen_before():
    late = animation(layer(square(GREEN), first=30), layer(square((1, 0, 0), side=20), place=still([40, 40, 0])))
    frames = read_frames(late)
    assert [pixel(frame.image, 256, 256)[3] for frame in frames] == [0, 255]
    only = read_frames(animation(layer(square(GREEN), first=30)))
    assert len(only) == 1 and pixel(only[0].image, 256, 256)[3] == 255, "the empty half is not looked at"


def test_only_the_frames_that_are_looked_at_are_drawn(monkeypatch):
    drawn = []
    original = confined.Drawing.frame
    monkeypatch.setattr(confined.Drawing, "frame", lambda self, number: drawn.append(number) or original(self, number))
    moved = animation(layer(square(GREEN), place=moving((0, [60, 100, 0]), (180, [420, 400, 0])), end=180), end=180)
    assert len(load_frames(moved)) == 4
    assert drawn == list(range(7, 180, 15)), "of twelve, four are taken"


def test_what_shows_for_a_part_of_the_time_is_looked_at_then():
    way = moving((0, [60, 100, 0]), (60, [420, 400, 0]))
    frames = read_frames(animation(layer(square(GREEN, side=60), place=way, end=60), end=180))
    assert len(frames) == 4
    assert [round(frame.start * 60 / 1000) for frame in frames] == [7, 22, 37, 52]


@pytest.mark.parametrize(
    "size, drawn",
    [((512, 512), (512, 512)), ((100, 50), (512, 256)), ((1600, 900), (1600, 900)), ((4096, 1024), (2048, 512))],
)
def test_animations_are_drawn_at_their_size_within_bounds(size, drawn):
    width, height = size
    still_place = still([width / 2, height / 2, 0])
    image = read_frames(
        animation(layer(square(GREEN, side=height / 2), place=still_place), width=width, height=height)
    )[0].image
    assert image.size == drawn
    np.testing.assert_allclose(pixel(image, drawn[0] // 2, drawn[1] // 2), [51, 153, 25, 255], atol=1)
    assert (np.asarray(image)[..., 3] > 127).sum() == pytest.approx((drawn[1] / 2) ** 2, rel=0.02)


def test_text_may_begin_with_a_byte_order_mark_and_blanks():
    for head in (b"\xef\xbb\xbf", b"\n  ", b"\xef\xbb\xbf \r\n"):
        assert len(read_frames(head + animation(layer(square(GREEN))))) == 1


def test_nested_compositions_are_drawn():
    inner = {"id": "inner", "layers": [layer(square(GREEN))]}
    outer = {"ind": 1, "ty": 0, "refId": "inner", "ks": {"o": still(50), "p": still([100, 0, 0])}, "w": 512, "h": 512}
    image = read_frames(animation({**outer, "ip": 0, "op": 60, "st": 0, "sr": 1}, assets=[inner]))[0].image
    np.testing.assert_allclose(pixel(image, 356, 256), [51, 153, 25, 127], atol=3)
    assert pixel(image, 200, 256)[3] == 0


def picture_layer() -> tuple[dict, bytes]:
    buffer = io.BytesIO()
    Image.new("RGB", (100, 100), (10, 20, 200)).save(buffer, "PNG")
    return {
        "ind": 1,
        "ty": 2,
        "refId": "picture",
        "ks": {"p": still([100, 100, 0])},
        "ip": 0,
        "op": 60,
        "st": 0,
    }, buffer.getvalue()


def test_embedded_pictures_are_drawn():
    shown, png = picture_layer()
    asset = {
        "id": "picture",
        "w": 100,
        "h": 100,
        "u": "",
        "e": 1,
        "p": "data:image/png;base64," + base64.b64encode(png).decode(),
    }
    image = read_frames(animation(shown, assets=[asset]))[0].image
    np.testing.assert_allclose(pixel(image, 150, 150), [10, 20, 200, 255], atol=2)
    assert pixel(image, 250, 150)[3] == 0


@pytest.mark.parametrize("version", [1, 2])
def test_dotlottie_archives_hold_one_animation_with_its_pictures(version):
    shown, png = picture_layer()
    asset = {"id": "picture", "w": 100, "h": 100, "u": "/images/", "e": 0, "p": "blue.png"}
    folders = ("animations", "images") if version == 1 else ("a", "i")
    files = {
        "manifest.json": json.dumps(
            {"version": str(version), "animations": [{"id": "wave"}, {"id": "other"}]}
        ).encode(),
        f"{folders[0]}/other.json": animation(layer(square(GREEN))),
        f"{folders[0]}/wave.json": animation(shown, assets=[asset]),
        f"{folders[1]}/blue.png": png,
    }
    image = read_frames(zipped(files))[0].image
    np.testing.assert_allclose(pixel(image, 150, 150), [10, 20, 200, 255], atol=2)


REFUSED = {
    "no animation": (b'{"op": 3, "layers": 5}', {}, "no Lottie"),
    "no size": (animation(layer(), width=0), {}, "damaged"),
    "no rate": (animation(layer(), rate=0), {}, "damaged"),
    "text for a rate": (animation(layer(), fr="fast"), {}, "damaged"),
    "true for a width": (animation(layer(), w=True), {}, "damaged"),
    "infinite": (animation(layer()).replace(b'"fr": 60', b'"fr": Infinity'), {}, "damaged"),
    "ends before it begins": (animation(layer(), end=-5), {}, "damaged"),
    "cut": (animation(layer(square(GREEN)))[:-20], {}, "damaged"),
    "cut archive": (gzip.compress(animation(layer(square(GREEN))))[:-30], {}, "cut short"),
    "frames": (animation(layer(), end=61), {"max_frames": 60}, "61 frames"),
    "pixels": (animation(layer()), {"max_pixels": 512 * 512 - 1}, "512 x 512"),
    "strip": (animation(layer(), width=500, height=20), {}, "too narrow"),
    "unpacked bytes": (gzip.compress(animation(layer(square(GREEN)))), {"max_unpacked_bytes": 500}, "more than the"),
    "parts": (animation(*[layer(square(GREEN))] * 20), {"max_elements": 100}, "100 parts"),
    "depth": (animation(layer(square(GREEN))), {"max_depth": 5}, "5 levels"),
    "pictures elsewhere": (animation(layer(), assets=[{"id": "a", "u": "img/", "p": "a.png"}]), {}, "other files"),
    "an address": (animation(layer(), assets=[{"id": "a", "u": "", "p": "https://example.org/a.png"}]), {}, "other files"),
    "in itself": (animation({"refId": "a"}, assets=[{"id": "a", "layers": [{"refId": "a"}]}]), {}, "holds itself"),
    "in a circle": (
        animation({"refId": "a"}, assets=[{"id": "a", "layers": [{"refId": "b"}]}, {"id": "b", "layers": [{"refId": "a"}]}]),
        {},
        "holds itself",
    ),
    "layers in layers": (
        animation(
            {"refId": "0"}, assets=[{"id": str(n), "layers": [{"refId": str(n + 1)}] * 3} for n in range(4)] + [{"id": "4", "layers": [{}]}]
        ),
        {"max_elements": 150},
        "202 nested layers",
    ),
    "time": (animation(layer(square(GREEN))), {"max_draw_seconds": 1e-3}, "0.001 s"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_gets_one_sentence(name):
    content, limits, fault = REFUSED[name]
    with pytest.raises(ImageError, match=fault) as caught:
        load_frames(content, limits=ImageLimits(**limits))
    assert str(caught.value).startswith("The picture") and str(caught.value).endswith(".")


@pytest.mark.skipif("sys.platform != 'linux'", reason="memory is limited on Linux")
def test_drawing_has_a_limit_of_memory():
    with pytest.raises(ImageError, match="too complex to draw"):
        load_frames(animation(layer(square(GREEN))), limits=ImageLimits(max_draw_bytes=2**20))


def test_no_process_outlives_its_picture(monkeypatch):
    started = []
    original = confined.Drawing._start
    monkeypatch.setattr(confined.Drawing, "_start", lambda self: started.append(original(self)) or started[-1])
    load_frames(animation(layer(square(GREEN))))
    assert len(started) == 1 and started[0].poll() is not None


def test_without_its_reader_the_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setattr(lottie, "find_spec", lambda _: None)
    with pytest.raises(ImageError, match="pip install rlottie-python"):
        load_frames(animation(layer(square(GREEN))))
