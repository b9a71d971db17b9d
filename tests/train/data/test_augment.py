import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from kcdp.imaging import GROUND, load_frames, to_tensor
from train.data.augment import AugmentConfig, augment, plain

#: Nothing happens to a picture under this configuration; a test turns on the one thing that it looks at.
STILL = {
    "strength": 1.0,
    "background": 0.0,
    "rotate": 0.0,
    "scale": (1.0, 1.0),
    "translate": 0.0,
    "flip": 0.0,
    "hue": 0.0,
    "saturation": 0.0,
    "brightness": 0.0,
    "contrast": 0.0,
    "grey": 0.0,
    "border": 0.0,
    "cutout": 0.0,
    "blur": 0.0,
    "noise": 0.0,
}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def stickers(count=8, size=64, colour=(200, 40, 90)):
    """Discs of one colour on transparent black."""
    axis = torch.arange(size) - (size - 1) / 2
    disc = (axis[:, None] ** 2 + axis[None] ** 2) < (0.3 * size) ** 2
    rgba = torch.zeros(count, 4, size, size, dtype=torch.uint8)
    rgba[:, :3] = torch.tensor(colour, dtype=torch.uint8).view(1, 3, 1, 1)
    rgba[:, :3] *= disc
    rgba[:, 3] = disc * 255
    return rgba


def photos(count=8, size=64):
    rgba = torch.randint(0, 256, (count, 4, size, size), dtype=torch.uint8, generator=seeded())
    rgba[:, 3] = 255
    return rgba


def test_plain_lays_pictures_on_the_ground():
    picture = plain(stickers(1))[0]
    assert torch.allclose(picture[:, 0, 0], torch.tensor(GROUND) / 127.5 - 1, atol=1e-6)
    assert torch.allclose(picture[:, 32, 32], torch.tensor([200, 40, 90]) / 127.5 - 1, atol=1e-6)


def test_plain_is_what_the_pipelines_see():
    rgba = torch.randint(0, 256, (2, 4, 32, 32), dtype=torch.uint8, generator=seeded())
    uploads = [load_frames(Image.fromarray(picture.permute(1, 2, 0).numpy()))[0] for picture in rgba]
    # Pillow rounds to whole levels.
    assert torch.allclose(plain(rgba), to_tensor(uploads, 32), atol=1.01 / 127.5)


def test_half_transparent_pixels_are_mixed_linearly():
    rgba = torch.tensor([100, 0, 200, 51], dtype=torch.uint8).view(1, 4, 1, 1)
    expected = 0.2 * torch.tensor([100.0, 0, 200]) + 0.8 * torch.tensor(GROUND)
    assert torch.allclose((plain(rgba).flatten() + 1) * 127.5, expected, atol=1e-3)


@pytest.mark.parametrize("make", [stickers, photos])
def test_views_have_the_promised_shape_and_range(make):
    views = augment(make(16), AugmentConfig(), seeded())
    assert views.shape == (16, 3, 64, 64)
    assert views.dtype == torch.float32
    assert views.isfinite().all()
    assert views.abs().max() <= 1


def test_the_generator_alone_decides():
    rgba = torch.cat([stickers(), photos()])
    torch.manual_seed(1)
    first = augment(rgba, AugmentConfig(), seeded(5))
    torch.manual_seed(2)
    assert torch.equal(first, augment(rgba, AugmentConfig(), seeded(5)))
    assert not torch.equal(first, augment(rgba, AugmentConfig(), seeded(6)))


def test_the_input_is_left_alone():
    rgba = torch.cat([stickers(), photos()])
    before = rgba.clone()
    augment(rgba, AugmentConfig(), seeded())
    assert torch.equal(rgba, before)


def test_strength_zero_is_plain():
    rgba = torch.cat([stickers(), photos()])
    assert torch.allclose(augment(rgba, AugmentConfig(strength=0.0), seeded()), plain(rgba), atol=1e-6)


def test_a_photo_is_unchanged_when_everything_is_off():
    rgba = photos()
    assert torch.allclose(augment(rgba, AugmentConfig(**STILL), seeded()), plain(rgba), atol=1e-5)


def test_a_flip_mirrors():
    rgba = photos(2)
    views = augment(rgba, AugmentConfig(**(STILL | {"flip": 1.0})), seeded())
    assert torch.allclose(views, plain(rgba).flip(-1), atol=1e-4)


def test_alpha_moves_with_the_colours_and_leaves_no_dark_rim():
    config = AugmentConfig(**(STILL | {"rotate": 20.0, "scale": (0.7, 1.15), "translate": 0.1}))
    views = augment(stickers(32, colour=(255, 255, 255)), config, seeded())
    # White discs on white or light grey: a premultiplication error would show as darker pixels at the rim.
    assert (views + 1).min() / 2 > 0.79


def test_sizes_change_within_the_range():
    views = augment(stickers(64), AugmentConfig(**(STILL | {"scale": (0.7, 1.15)})), seeded())
    area = (views[:, 1] < 0).flatten(1).sum(1) / (stickers(1)[:, 3] > 0).sum()
    assert area.min() > 0.7**2 * 0.9
    assert area.max() < 1.15**2 * 1.1
    assert area.max() - area.min() > 0.4


def test_what_a_turn_uncovers_in_a_photo_is_mirrored_picture():
    red = photos(8)
    red[:, :3] = torch.tensor([255, 0, 0], dtype=torch.uint8).view(1, 3, 1, 1)
    config = AugmentConfig(**(STILL | {"rotate": 20.0, "translate": 0.3, "background": 1.0}))
    views = augment(red, config, seeded())
    assert torch.allclose(views, plain(red), atol=1e-4)


def test_photos_are_never_shrunk():
    rgba = photos(4)
    views = augment(rgba, AugmentConfig(**(STILL | {"scale": (0.5, 0.9)})), seeded())
    assert torch.allclose(views, plain(rgba), atol=1e-5)


def test_backgrounds_vary_and_leave_the_sticker():
    views = augment(stickers(64), AugmentConfig(**(STILL | {"background": 1.0})), seeded())
    assert torch.allclose(views[:, :, 32, 32], plain(stickers(64))[:, :, 32, 32], atol=1e-4)
    assert views[:, :, 0, 0].std(0).min() > 0.3


def test_grey_pictures_are_grey():
    views = augment(photos(4), AugmentConfig(**(STILL | {"grey": 1.0})), seeded())
    assert torch.allclose(views[:, 0], views[:, 1], atol=1e-5)
    weights = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    assert torch.allclose(views[:, 0], (plain(photos(4)) * weights).sum(1), atol=1e-4)


def test_turning_the_hue_keeps_the_mean_of_the_channels():
    rgba = photos(4)
    rgba[:, :3] = 96 + rgba[:, :3] // 4
    views = augment(rgba, AugmentConfig(**(STILL | {"hue": 18.0})), seeded())
    assert not torch.allclose(views, plain(rgba), atol=1e-2)
    assert torch.allclose(views.mean(1), plain(rgba).mean(1), atol=1e-4)


def test_a_border_is_white_and_around_the_sticker():
    config = AugmentConfig(**(STILL | {"border": 1.0, "background": 1.0}))
    rgba = stickers(16)
    views = augment(rgba, config, seeded())
    rim = (F.max_pool2d(rgba[:1, 3:].float(), 3, 1, 1) > 0) & (rgba[:1, 3:] == 0)
    assert (views.masked_select(rim.expand_as(views)) > 0.999).all()
    assert torch.allclose(views[:, :, 32, 32], plain(rgba)[:, :, 32, 32], atol=1e-4)


@pytest.mark.parametrize("name", ["cutout", "blur", "noise"])
def test_each_way_to_spoil_changes_the_picture(name):
    rgba = photos(4)
    changed = (augment(rgba, AugmentConfig(**(STILL | {name: 1.0})), seeded()) - plain(rgba)).abs().flatten(1).amax(1)
    assert (changed > 0.02).all()


def test_below_full_strength_some_pictures_are_plain_exactly():
    rgba = stickers(200, size=16)
    views = augment(rgba, AugmentConfig(strength=0.5, background=1.0), seeded())
    same = (views == plain(rgba)).flatten(1).all(1).float().mean()
    assert 0.35 < same < 0.65
