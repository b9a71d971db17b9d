"""Uploads of every kind of picture, pixel by pixel, and squares and tensors of them."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from kcdp.imaging import GROUND, ImageLimits, fit_square, flatten, load_frames, to_pictures, to_tensor
from tests.image_files import BLUE, CLEAR, GREEN, RED, animated, chunk, encoded, film, gif_of, noise, patch, smooth


def blended(rgba: np.ndarray) -> np.ndarray:
    """The slow reference: each colour weighted by its alpha, the ground by the rest."""
    alpha = rgba[..., 3:].astype(float) / 255
    return rgba[..., :3] * alpha + np.array(GROUND) * (1 - alpha)


def pixels(source) -> np.ndarray:
    (frame,) = load_frames(source)
    assert type(frame) is Image.Image and frame.mode == "RGB" and not frame.info
    return np.asarray(frame).astype(float)


# Good pictures


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP"])
def test_lossless_pictures_come_back_exactly(kind):
    picture = noise()
    data = encoded(Image.fromarray(picture), kind, **({"lossless": True} if kind == "WEBP" else {}))
    assert np.array_equal(pixels(data), picture)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF"])
def test_lossy_pictures_come_back_nearly(kind):
    picture = smooth()
    assert np.abs(pixels(encoded(picture, kind, quality=95)) - np.asarray(picture)).max() < 12


def test_path_bytes_and_picture_give_the_same(tmp_path, picture):
    path = tmp_path / "name with spaces, ünï.png"
    picture(40).save(path)
    expected = np.asarray(picture(40))
    for source in (path, str(path), path.read_bytes(), picture(40), Image.open(path)):
        assert np.array_equal(pixels(source), expected)


def test_the_ending_of_the_name_does_not_matter(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded(Image.fromarray(noise()), "PNG"))
    assert np.array_equal(pixels(path), noise())


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_transparency_is_laid_on_the_ground(kind):
    rgba = noise(channels=4)
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    assert np.abs(pixels(encoded(Image.fromarray(rgba), kind, **options)) - blended(rgba)).max() <= 1


def test_one_declared_colour_can_be_transparent():
    rgb = np.full((16, 16, 3), 90, np.uint8)
    rgb[:8] = (1, 2, 3)
    for image, key in ((Image.fromarray(rgb), (1, 2, 3)), (Image.fromarray(rgb).convert("L"), 2)):
        result = pixels(encoded(image, "PNG", transparency=key))
        assert (result[:8] == GROUND).all() and (result[8:] == 90).all()


def test_palettes_with_and_without_transparency():
    image = Image.new("P", (16, 16), 0)
    image.putpalette([*RED[:3], *GREEN[:3], *BLUE[:3]])
    image.paste(1, (0, 0, 8, 16))
    opaque = pixels(encoded(image, "PNG"))
    assert (opaque[:, :8] == GREEN[:3]).all() and (opaque[:, 8:] == RED[:3]).all()
    keyed = pixels(encoded(image, "GIF", transparency=1))
    assert (keyed[:, :8] == GROUND).all() and (keyed[:, 8:] == RED[:3]).all()
    half = pixels(encoded(image, "PNG", transparency=bytes([255, 128, 255])))
    assert np.abs(half[:, :8] - blended(np.array([[[*GREEN[:3], 128]]]))).max() <= 1


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV"]
)
def test_every_mode_of_pillow_becomes_the_same_picture(mode):
    """Three greys, which every one of these modes can say: the modes with alpha say it too, opaquely."""
    grey = Image.fromarray(np.repeat(np.array([[0, 255, 0]], np.uint8), 8, axis=0).repeat(8, axis=1))
    image = grey
    if mode in ("La", "RGBa"):
        image = grey.convert(mode.replace("a", "A"))
    elif mode in ("CMYK", "YCbCr", "HSV", "RGBX", "PA"):
        image = grey.convert("RGBA" if mode == "PA" else "RGB")
    if mode == "PA":
        image = grey.convert("P").convert("PA")
    image = image.convert(mode)
    assert image.mode == mode
    assert np.abs(pixels(image) - np.asarray(grey.convert("RGB"))).max() <= 1


def test_premultiplied_pictures_are_not_darkened():
    image = Image.new("RGBA", (16, 16), (200, 100, 0, 128))
    assert np.abs(pixels(image.convert("RGBa")) - blended(np.asarray(image))).max() <= 2


def test_lab_and_cmyk_files():
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    image = ImageCms.profileToProfile(smooth(), srgb, lab, outputMode="LAB")
    assert np.abs(pixels(encoded(image, "TIFF")) - np.asarray(smooth())).mean() < 2
    inks = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    assert np.abs(pixels(encoded(inks, "JPEG", quality=95)) - (255, 0, 0)).max() < 12


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_16_bit_greys_are_scaled_and_not_clipped(kind):
    values = np.linspace(0, 65535, 32 * 16).astype(np.uint16).reshape(16, 32)
    result = pixels(encoded(Image.fromarray(values), kind))
    assert np.array_equal(result[..., 0], np.round(values / 257)) and (result == result[..., :1]).all()
    dark = pixels(encoded(Image.fromarray(values // 256), kind))
    assert dark.max() == 1


def test_16_bit_grey_with_a_transparent_level():
    values = np.full((16, 16), 40000, np.uint16)
    values[:8] = 1000
    plain = encoded(Image.fromarray(values), "PNG")
    data = plain[:33] + chunk(b"tRNS", struct.pack(">H", 1000)) + plain[33:]
    result = pixels(data)
    assert (result[:8] == GROUND).all() and (result[8:] == round(40000 / 257)).all()


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
@pytest.mark.parametrize("full", [1, 255, 65535])
def test_32_bit_greys_are_scaled_by_the_full_scale_that_holds_them(dtype, full):
    values = (np.linspace(0, 0.9, 16 * 16).reshape(16, 16) * full).astype(dtype)
    scale = 255 if dtype == np.int32 and full == 1 else full
    assert np.abs(pixels(Image.fromarray(values))[..., 0] - values * (255 / scale)).max() <= 0.51


def test_32_bit_greys_below_zero_are_stretched():
    result = pixels(Image.fromarray(np.linspace(-1, 1, 256, dtype=np.float32).reshape(16, 16)))
    assert result.min() == 0 and result.max() == 255
    assert (pixels(Image.new("F", (9, 9), -3.0)) == 0).all()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_pictures_are_turned_upright(kind, orientation):
    upright = smooth(24, 16)
    stored = [
        lambda a: a,
        lambda a: a[:, ::-1],
        lambda a: a[::-1, ::-1],
        lambda a: a[::-1],
        lambda a: a.transpose(1, 0, 2),
        lambda a: np.rot90(a, 1),
        lambda a: a[::-1, ::-1].transpose(1, 0, 2),
        lambda a: np.rot90(a, -1),
    ][orientation - 1](np.asarray(upright))
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(
        Image.fromarray(np.ascontiguousarray(stored)),
        kind,
        exif=exif,
        **({"quality": 98} if kind in ("JPEG", "WEBP") else {}),
    )
    (frame,) = load_frames(data)
    assert frame.size == upright.size
    assert np.abs(np.asarray(frame).astype(float) - np.asarray(upright)).max() < 16
    assert load_frames(frame)[0].tobytes() == frame.tobytes()


def test_broken_exif_is_no_reason_to_refuse():
    data = encoded(smooth(), "JPEG", quality=95, exif=b"Exif\0\0nonsense that is no TIFF")
    assert np.abs(pixels(data) - np.asarray(smooth())).max() < 12


def test_a_tiff_of_pages_and_a_jpeg_with_previews_are_stills():
    first, second = smooth(), smooth().rotate(180)
    pages = encoded(first, "TIFF", save_all=True, append_images=[second])
    assert np.array_equal(pixels(pages), np.asarray(first))
    previews = encoded(first, "MPO", save_all=True, append_images=[second], quality=95)
    assert np.abs(pixels(previews) - np.asarray(first)).max() < 12


# Animations


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("GIF", {"disposal": 2}),
        ("PNG", {"disposal": 1, "blend": 0}),
        ("PNG", {"disposal": 2, "blend": 1}),
        ("WEBP", {"lossless": True}),
    ],
)
def test_animations_give_evenly_spaced_frames_as_they_are_shown(kind, options):
    frames = film()
    seen = load_frames(animated(frames, kind, **options))
    assert len(seen) == 4
    for frame, original in zip(seen, (frames[number] for number in (1, 3, 5, 7)), strict=True):
        assert np.array_equal(np.asarray(frame), blended(np.asarray(original)).round())


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_frames_that_only_say_what_changed_are_completed(kind):
    frames = film(mode="RGB")
    for number in range(1, len(frames)):
        frames[number] = Image.composite(
            frames[number], frames[number - 1], frames[number].convert("L").point(lambda level: 255 * (level < 255))
        )
    options = {"GIF": {"disposal": 1}, "PNG": {"disposal": 0, "blend": 1}, "WEBP": {"lossless": True}}[kind]
    seen = load_frames(animated(frames, kind, **options), limits=ImageLimits(sampled_frames=8))
    for frame, original in zip(seen, frames, strict=True):
        assert np.array_equal(np.asarray(frame), np.asarray(original))


def test_avif_animations():
    frames = film(4, 32, "RGB")
    seen = load_frames(animated(frames, "AVIF", quality=100, subsampling="4:4:4"))
    assert [round(float(np.asarray(frame).min()) / 16) for frame in seen] == [1, 2, 3, 4]


@pytest.mark.parametrize("options", [{}, {"alpha_premultiplied": True}, {"append_images": True}], ids=str)
def test_translucent_avif_is_what_it_was_made_of(options):
    levels = np.random.default_rng(0).integers(0, 256, (8, 8, 4), dtype=np.uint8)
    picture = Image.fromarray(levels).resize((64, 64), Image.Resampling.BICUBIC)
    if options.get("append_images"):
        options = {"append_images": [picture.rotate(90)], "save_all": True}
    data = encoded(picture, "AVIF", quality=100, subsampling="4:4:4", **options)
    seen = load_frames(data)
    for frame, source in zip(seen, [picture, *options.get("append_images", [])], strict=True):
        np.testing.assert_allclose(np.asarray(frame), blended(np.asarray(source)), atol=5)


def test_an_animation_cut_into_patches_by_hand():
    """A GIF whose second frame covers a corner only and goes away again (disposal 3: back to what was before)."""

    data = gif_of(patch(0, 0, 16, 0, 1), patch(0, 0, 8, 1, 3), patch(8, 8, 8, 2, 1))
    one, two, three = (np.asarray(frame) for frame in load_frames(data))
    assert (one == RED[:3]).all()
    assert (two[:8, :8] == GREEN[:3]).all() and (two[8:] == RED[:3]).all()
    assert (three[:8] == RED[:3]).all() and (three[8:, 8:] == BLUE[:3]).all()


def test_the_still_in_front_of_an_animated_png_is_no_frame_of_it():
    frames = film(3)
    data = encoded(Image.new("RGBA", (16, 16), RED), "PNG", save_all=True, append_images=frames, default_image=True)
    seen = load_frames(data)
    assert [np.asarray(frame).min() for frame in seen] == [20, 36, 52]


@pytest.mark.parametrize(
    ("count", "sampled", "numbers"), [(2, 4, [0, 1]), (5, 4, [0, 1, 3, 4]), (8, 1, [4]), (8, 3, [1, 4, 6])]
)
def test_which_frames_are_sampled(count, sampled, numbers):
    seen = load_frames(animated(film(count), "GIF", disposal=2), limits=ImageLimits(sampled_frames=sampled))
    assert [(int(np.asarray(frame).min()) - 20) // 16 for frame in seen] == numbers


def test_an_open_animation_is_left_where_it_stood():
    image = Image.open(io.BytesIO(animated(film(), "GIF", disposal=2)))
    image.seek(2)
    before = image.convert("RGBA").tobytes()
    assert len(load_frames(image)) == 4
    assert image.tell() == 2 and image.convert("RGBA").tobytes() == before


# Squares and tensors


def test_fit_square_keeps_everything_and_pads_with_the_ground():
    square = fit_square(Image.new("RGB", (64, 32), RED[:3]), 32)
    result = np.asarray(square)
    assert square.size == (32, 32)
    assert (result[8:24] == RED[:3]).all() and (result[:8] == GROUND).all() and (result[24:] == GROUND).all()
    tall = np.asarray(fit_square(Image.new("RGB", (8, 128), RED[:3]), 32, ground=(0, 0, 0)))
    assert (tall[:, 15:17] == RED[:3]).all() and (tall[:, :15] == 0).all()
    assert fit_square(Image.new("RGB", (200, 1), RED[:3]), 16).size == (16, 16)


def test_fit_square_is_the_lanczos_filter():
    picture = Image.fromarray(noise(48, 48))
    assert np.array_equal(
        np.asarray(fit_square(picture, 32)), np.asarray(picture.resize((32, 32), Image.Resampling.LANCZOS))
    )
    assert np.array_equal(np.asarray(fit_square(picture, 48)), np.asarray(picture))
    large = smooth(640, 640)
    expected = np.asarray(large.resize((32, 32), Image.Resampling.LANCZOS)).astype(float)
    assert np.abs(np.asarray(fit_square(large, 32)) - expected).max() <= 3


def test_colours_hidden_under_transparency_do_not_bleed():
    rgba = np.zeros((64, 64, 4), np.uint8)
    rgba[..., :3] = GREEN[:3]
    rgba[16:48, 16:48] = (*GROUND, 255)
    assert (np.asarray(fit_square(Image.fromarray(rgba), 24)) == GROUND).all()


def test_flatten_leaves_opaque_rgb_alone():
    image = Image.fromarray(noise())
    assert flatten(image) is image
    assert flatten(Image.new("RGBA", (8, 8), CLEAR), (1, 2, 3)).getpixel((0, 0)) == (1, 2, 3)


def test_tensors_and_back(picture):
    images = [Image.fromarray(noise(32, 32)), picture((64, 32), "RGBA"), picture(32, "L", color="white")]
    tensor = to_tensor(images, 32)
    assert tensor.shape == (3, 3, 32, 32) and tensor.dtype == torch.float32 and tensor.is_contiguous()
    assert torch.allclose(tensor[0], torch.from_numpy(noise(32, 32)).permute(2, 0, 1) / 127.5 - 1, atol=1e-6)
    assert tensor.min() >= -1 and tensor.max() <= 1
    for image, back in zip(images, to_pictures(tensor), strict=True):
        assert np.array_equal(np.asarray(back), np.asarray(fit_square(image, 32)))


def test_pictures_of_wild_tensors_are_clipped():
    wild = torch.full((1, 3, 4, 4), -7.0, dtype=torch.bfloat16, requires_grad=True)
    assert to_pictures(wild)[0].getextrema() == ((0, 0),) * 3
    assert to_pictures(-wild)[0].getextrema() == ((255, 255),) * 3


def test_no_pictures_are_no_tensor():
    with pytest.raises(ValueError, match="at least one"):
        to_tensor([], 32)
