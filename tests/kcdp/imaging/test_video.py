"""Videos against the frames that they were made of."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image

from kcdp.imaging import ImageError, ImageLimits, load_frames, read_frames, video
from kcdp.imaging.frames import Frame
from tests.sticker_files import RED, greys, number_of
from tests.sticker_files import video as made

ALPHA = {"vp9": ("libvpx-vp9", {"crf": "10", "b:v": "0"}), "vp8": ("libvpx", {"auto-alt-ref": "0", "b:v": "2M"})}
OPAQUE = {
    "vp9": ("webm", "libvpx-vp9", "yuv420p"),
    "vp8": ("webm", "libvpx", "yuv420p"),
    "h264": ("mp4", "libx264", "yuv420p"),
    "h264 444": ("mp4", "libx264", "yuv444p"),
    "quicktime": ("mov", "libx264", "yuv420p"),
    "mpeg4": ("mp4", "mpeg4", "yuv420p"),
    "matroska": ("mkv", "libx264", "yuv420p"),
}
#: Colours that went through YUV, with half of the colour resolution.
LOSS = 6


def every(content: bytes, decode=video.decode_webm) -> list[Frame]:
    return list(decode(content, ImageLimits()))


def pixel(image: Image.Image, x: int, y: int) -> list[int]:
    return np.asarray(image)[y, x].tolist()


@pytest.mark.parametrize("codec", ALPHA)
def test_transparency_beside_the_picture_is_kept(codec):
    encoder, options = ALPHA[codec]
    frames = greys(alpha=True)
    frames[:, :8, :8] = (20, 160, 60, 128)
    found = read_frames(made(frames, "webm", encoder, "yuva420p", **options))
    assert [round(number_of(frame.image)) for frame in found] == [1, 4, 7, 10]
    for frame in found:
        assert frame.image.mode == "RGBA"
        assert pixel(frame.image, 32, 32)[3] > 250 and pixel(frame.image, 60, 10)[3] < 5
        np.testing.assert_allclose(pixel(frame.image, 3, 3), [20, 160, 60, 128], atol=LOSS)


@pytest.mark.parametrize("kind", OPAQUE)
def test_frames_are_those_of_evenly_spaced_times(kind):
    content = made(greys(), *OPAQUE[kind])
    found = read_frames(content)
    assert [round(number_of(frame.image)) for frame in found] == [1, 4, 7, 10]
    np.testing.assert_allclose([frame.start for frame in found], [100, 400, 700, 1000], atol=2)
    np.testing.assert_allclose([frame.duration for frame in found], 300, atol=2)
    for frame in found:
        assert frame.image.mode == "RGB" and frame.image.size == (64, 64)
        np.testing.assert_allclose(pixel(frame.image, 5, 5), RED, atol=LOSS)


def test_every_frame_is_the_right_one_in_any_order():
    content = made(greys(), "mp4", "libx264", "yuv420p", g="4", bf="2")
    frames = every(content, video.decode_mp4)
    assert len(frames) == 12
    order = np.random.default_rng(0).permutation(12)
    assert [round(number_of(frames[number].image)) for number in order] == order.tolist()


def test_only_frames_that_are_looked_at_become_pictures(monkeypatch):
    made_pictures = []
    original = video._Film._picture
    monkeypatch.setattr(video._Film, "_picture", lambda *given: made_pictures.append(1) or original(*given))
    content = made(np.repeat(greys(), 5, axis=0), "webm", "libvpx-vp9", "yuv420p", rate=50)
    assert len(load_frames(content)) == 4
    assert len(made_pictures) == 12, "of sixty"


def test_frames_of_uneven_length_count_by_their_time():
    av = pytest.importorskip("av")
    import io
    from fractions import Fraction

    # One second of frame 0, then 11 frames of 30 ms.
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="matroska") as container:
        stream = container.add_stream("libx264", rate=30, options={"bf": "0"})
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for number, pixels in enumerate(greys()):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = (970 + 30 * number) * (number > 0), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    frames = every(buffer.getvalue())
    np.testing.assert_allclose([frame.duration for frame in frames[:-1]], [1000, *[30] * 10], atol=1)
    found = read_frames(buffer.getvalue())
    assert [round(number_of(frame.image)) for frame in found] == [0, 6]


def turned(content: bytes, a: int, b: int, c: int, d: int) -> bytes:
    """An MP4 file whose track says that it is to be turned by the matrix ((a, b), (c, d)) (ISO/IEC 14496-12, 8.3.2)."""
    place = content.index(b"tkhd") + 4 + (52 if content[content.index(b"tkhd") + 4] else 40)
    matrix = struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    return content[:place] + matrix + content[place + len(matrix) :]


@pytest.mark.parametrize(
    "matrix, corner",
    [((1, 0, 0, 1), (0, 0)), ((0, 1, -1, 0), (1, 0)), ((-1, 0, 0, -1), (1, 1)), ((0, -1, 1, 0), (0, 1))],
)
def test_videos_of_a_turned_phone_stand_upright(matrix, corner):
    """By the matrix (x, y) is shown at (ax + cy, bx + dy): where a mark in the left upper corner comes to."""
    frames = greys(3)[:, :, :48].copy()
    frames[:, :12, :12] = (0, 0, 255)
    image = read_frames(turned(made(frames, "mp4", "libx264", "yuv420p"), *matrix))[0].image
    assert image.size == ((48, 64) if matrix[0] else (64, 48))
    place = (4 if not corner[0] else image.width - 5, 4 if not corner[1] else image.height - 5)
    np.testing.assert_allclose(pixel(image, *place), [0, 0, 255], atol=12)


def test_pixels_that_are_not_square_are_made_so():
    av = pytest.importorskip("av")
    import io
    from fractions import Fraction

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(2, 1)
        for pixels in greys(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    image = read_frames(buffer.getvalue())[0].image
    assert image.size == (128, 64)
    assert round(number_of(image)) == 0
    np.testing.assert_allclose(pixel(image, 10, 32), RED, atol=LOSS)


def as_bt709(colour: tuple[int, int, int]) -> np.ndarray:
    """What a colour that was written by BT.601's matrix is by BT.709's (ITU-R BT.601-7 and BT.709-6, section 2.5 and 3)."""

    def matrix(red: float, blue: float) -> np.ndarray:
        luma = np.array([red, 1 - red - blue, blue])
        return np.stack([luma, (np.eye(3)[2] - luma) / (2 * (1 - blue)), (np.eye(3)[0] - luma) / (2 * (1 - red))])

    return np.linalg.inv(matrix(0.2126, 0.0722)) @ matrix(0.299, 0.114) @ np.array(colour)


@pytest.mark.parametrize(
    "kind, codec, side, is_hd",
    [("mp4", "libx264", 720, True), ("mp4", "libx264", 704, False), ("webm", "libvpx-vp9", 720, False)],
)
def test_colours_that_a_file_does_not_name_are_those_that_browsers_take(kind, codec, side, is_hd):
    frames = np.full((1, side, 64, 3), (200, 60, 40), np.uint8)
    image = read_frames(made(frames, kind, codec, "yuv420p"))[0].image
    expected = as_bt709((200, 60, 40)) if is_hd else (200, 60, 40)
    assert np.abs(as_bt709((200, 60, 40)) - (200, 60, 40)).max() > 10
    np.testing.assert_allclose(pixel(image, 30, 300), expected, atol=3)


WEBM = made(greys(), "webm", "libvpx-vp9", "yuv420p")
MP4 = made(greys(), "mp4", "libx264", "yuv420p")
REFUSED = {
    "cut webm": (WEBM[: len(WEBM) // 2], {}, "damaged or cut short"),
    "webm without its last frames": (WEBM[: -len(WEBM) // 4], {}, "damaged or cut short"),
    "head of a webm": (WEBM[:200], {}, "damaged or cut short"),
    "cut mp4": (MP4[: len(MP4) // 2], {}, "damaged or cut short"),
    "mp4 without its index": (MP4[: MP4.index(b"moov")], {}, "damaged or cut short"),
    "frames": (WEBM, {"max_frames": 11}, "12 frames"),
    "frames of mp4": (MP4, {"max_frames": 11}, "12 frames"),
    "pixels": (WEBM, {"max_pixels": 4095}, "64 x 64"),
    "pixels of all frames": (MP4, {"max_video_pixels": 12 * 64 * 64 - 1}, "12 frames of 64 x 64"),
    "time": (WEBM, {"max_draw_seconds": 1e-9}, "takes longer"),
    "bytes": (WEBM, {"max_bytes": len(WEBM) - 1}, "too large"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_gets_one_sentence(name):
    content, limits, fault = REFUSED[name]
    with pytest.raises(ImageError, match=fault) as caught:
        load_frames(content, limits=ImageLimits(**limits))
    assert str(caught.value).startswith("The picture") and str(caught.value).endswith(".")


def test_sound_without_pictures_is_named():
    av = pytest.importorskip("av")
    import io

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(ImageError, match="without a picture track"):
        load_frames(buffer.getvalue())


def test_without_its_reader_the_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setattr(video, "find_spec", lambda _: None)
    with pytest.raises(ImageError, match="pip install av"):
        load_frames(WEBM)
