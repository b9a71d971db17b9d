import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFilter

from kcdp.emotions import MIKELS_8
from kcdp.verdict import Verdict, nothing_to_read

LABELS = ("joy", "fear", "anger")


def noise(side: int, block: int = 1, grey: bool = False) -> Image.Image:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (side // block, side // block, 1 if grey else 3), dtype=np.uint8)
    return Image.fromarray(
        np.kron(np.broadcast_to(pixels, (*pixels.shape[:2], 3)), np.ones((block, block, 1), np.uint8))
    )


def slope() -> Image.Image:
    ramp = np.linspace(40, 220, 128)
    return Image.fromarray(
        np.stack(
            [ramp[None] + 0 * ramp[:, None], ramp[:, None] + 0 * ramp, 0 * ramp + 90 * np.ones((128, 1))], -1
        ).astype(np.uint8)
    )


@pytest.mark.parametrize(
    "picture",
    [
        Image.new("RGB", (64, 64), "white"),
        Image.new("RGB", (300, 200), "navy"),
        Image.new("RGB", (1, 1)),
        slope(),
        noise(128),
        noise(128, grey=True),
        noise(512),
        noise(256, block=2),
    ],
    ids=["white", "navy", "one pixel", "slope", "noise", "grey noise", "large noise", "blocks"],
)
def test_blank_flat_and_noise_have_nothing_to_read(picture):
    assert nothing_to_read(picture)


def test_what_people_draw_has_something_to_read(picture):
    assert not nothing_to_read(picture(size=128))
    dot = Image.new("RGB", (128, 128), "white")
    ImageDraw.Draw(dot).ellipse((58, 58, 68, 68), fill="black")
    assert not nothing_to_read(dot)
    lines = Image.new("RGB", (128, 128), "white")
    for place in range(0, 128, 16):
        ImageDraw.Draw(lines).line((place, 0, 128 - place, 128), fill="black", width=1)
    assert not nothing_to_read(lines)
    # A face under noise is a face.
    mixed = Image.blend(picture(size=128).convert("RGB"), noise(128), 0.3)
    assert not nothing_to_read(mixed)
    assert not nothing_to_read(noise(128).filter(ImageFilter.GaussianBlur(6)))


def test_a_temperature_is_that_of_guo_et_al():
    verdict = Verdict(LABELS, temperatures={"kcdp": 2.5})
    logits = torch.randn(7, 3)
    found = verdict.calibrated("kcdp", logits.softmax(-1).numpy())
    np.testing.assert_allclose(found, (logits / 2.5).softmax(-1).numpy(), rtol=1e-5)
    # A reading that is alone is only calibrated; one that is not named keeps what it says.
    np.testing.assert_allclose(verdict.combine({"kcdp": logits.softmax(-1).numpy()}), found, rtol=1e-6)
    np.testing.assert_allclose(verdict.calibrated("uniemo", found), found, rtol=1e-6)


def test_a_pool_is_the_product_of_powers():
    verdict = Verdict(LABELS, {"kcdp": 2.0}, {"kcdp": 0.8, "uniemo": 0.6})
    one, two = np.array([0.5, 0.3, 0.2]), np.array([0.1, 0.8, 0.1])
    expected = (one ** (0.8 / 2)) * two**0.6
    np.testing.assert_allclose(verdict.combine({"kcdp": one, "uniemo": two}), expected / expected.sum(), rtol=1e-6)
    # Without weights, readings count alike.
    alike = Verdict(LABELS).combine({"kcdp": one, "uniemo": two})
    np.testing.assert_allclose(alike, np.sqrt(one * two) / np.sqrt(one * two).sum(), rtol=1e-6)


def test_a_reading_that_excludes_what_another_is_sure_of_still_gives_probabilities():
    verdict = Verdict(LABELS)
    found = verdict.combine({"kcdp": np.array([1.0, 0.0, 0.0]), "uniemo": np.array([0.0, 1.0, 0.0])})
    assert np.isfinite(found).all() and found.sum() == pytest.approx(1) and found[2] < 0.01


def test_below_the_threshold_it_leans_and_does_not_tell():
    verdict = Verdict(LABELS, threshold=0.5)
    assert verdict.decide(np.array([0.4, 0.35, 0.25])) == (None, "joy")
    assert verdict.decide(np.array([0.3, 0.2, 0.5])) == ("anger", "anger")


def test_it_is_saved_as_json(tmp_path):
    verdict = Verdict(MIKELS_8.labels, {"kcdp": 1.5, "uniemo": 2.0}, {"kcdp": 0.7, "uniemo": 0.5}, 0.42)
    verdict.save_config(tmp_path)
    again = Verdict.from_config(Verdict.load_config(tmp_path))
    assert (again.labels, again.temperatures, again.weights, again.threshold) == (
        verdict.labels,
        verdict.temperatures,
        verdict.weights,
        verdict.threshold,
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperatures": {"kcdp": 0.0}}, "temperature of 'kcdp' is 0.0; it must be positive"),
        ({"weights": {"uniemo": -1.0}}, "weight of 'uniemo' is -1.0; it must be positive"),
        ({"threshold": 1.5}, "threshold is 1.5; it must be between 0 and 1"),
    ],
)
def test_what_cannot_be_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Verdict(LABELS, **options)


def test_readings_of_other_labels_are_refused():
    with pytest.raises(ValueError, match="'kcdp' has 2 labels and the verdict 3"):
        Verdict(LABELS).combine({"kcdp": np.array([0.5, 0.5])})
    with pytest.raises(ValueError, match="no reading"):
        Verdict(LABELS).combine({})
