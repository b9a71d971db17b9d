from __future__ import annotations

import json
from io import BytesIO

import pytest
from PIL import Image

from kcdp.ui.painted import SETTINGS_KEY, PaintedPicture, painted_pictures, png
from kcdp.ui.sentences import picture_caption
from tests.fake_bundle import FakeUniEmo, fake_reading


def made(**options):
    return FakeUniEmo()(
        **{"emotion": "awe", "prompt": "ein Stück Küche", "num_images": 2, "seed": 7, "guidance_scale": 3.0} | options,
        num_inference_steps=2,
    )


def readings(output):
    return [fake_reading(dict(probabilities)) for probabilities in output.probabilities]


def test_every_picture_becomes_a_piece_with_its_own_seed_and_verdict() -> None:
    output = made()
    first, second = painted_pictures(output, readings(output), "bench")
    assert (first.image, second.image) == output.images
    assert picture_caption(second).replace("\N{NO-BREAK SPACE}", " ") == "bench · seed 8"
    assert second.emotion == "awe" and second.file_name == "awe-8.png" and not second.is_original
    assert second.settings["seed"] == 8 and second.settings["seeds"] == [8]
    assert second.settings["probabilities"] == [dict(output.probabilities[1])]
    assert json.loads(json.dumps(second.settings)) == second.settings


def test_file_names_of_blends_of_other_pictures_and_of_the_original() -> None:
    blended = made(emotion={"awe": 0.5, "fear": 0.5, "anger": 0.0}, num_images=1)
    (blend,) = painted_pictures(blended, readings(blended))
    assert blend.file_name == "awe-fear-7.png"
    assert PaintedPicture(Image.new("RGB", (4, 4)), "", fake_reading({"awe": 1.0})).file_name == "before.png"
    other = PaintedPicture(Image.new("RGB", (4, 4)), "", fake_reading({"awe": 1.0}), target="awe", settings={"seed": 3})
    assert other.file_name == "awe-3.png"


def test_shift_is_what_the_edit_added_to_the_target() -> None:
    picture = Image.new("RGB", (4, 4))
    painted = PaintedPicture(
        picture, "", fake_reading({"awe": 0.7, "fear": 0.3}), target="fear", before={"awe": 0.4, "fear": 0.6}
    )
    assert painted.shift == pytest.approx(-0.3)
    assert PaintedPicture(picture, "", fake_reading({"awe": 1.0})).shift is None


def test_file_says_how_it_was_made_only_when_asked_to() -> None:
    painted = painted_pictures(made(), readings(made()))[0]
    with Image.open(BytesIO(png(painted.image, painted.settings))) as told:
        told.load()
        assert json.loads(told.text[SETTINGS_KEY]) == painted.settings
        assert told.text[SETTINGS_KEY].find("ein Stück Küche") > 0
        assert told.tobytes() == painted.image.tobytes()
    with Image.open(BytesIO(png(painted.image))) as bare:
        bare.load()
        assert bare.text == {} and bare.tobytes() == painted.image.tobytes()


def test_what_came_with_the_users_picture_does_not_go_into_the_file() -> None:
    data = BytesIO()
    Image.new("RGB", (4, 4)).save(data, "PNG", icc_profile=b"somebody's screen")
    with Image.open(data) as picture, Image.open(BytesIO(png(picture))) as bare:
        assert "icc_profile" in picture.info and "icc_profile" not in bare.info
