from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image
from transformers import CLIPTokenizer

from kcdp import decoded
from kcdp.decoded import MAX_SIDE, DecodedPicture
from kcdp.imaging import ImageError, load_frames, read_frames, to_tensor
from kcdp.ui.lanes import ReadingLane
from kcdp.ui.understand import understand_picture
from tests.fake_bundle import fake_bundle
from tests.tiny_pipeline import tiny_pipeline
from tests.tiny_uniemo import tiny_uniemo


@pytest.fixture
def animation(tmp_path: Path) -> Path:
    frames = [Image.new("RGB", (48, 48), color) for color in ("gold", "skyblue", "tomato")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:], duration=100)
    return tmp_path / "moving.gif"


def test_frames_are_those_of_the_file_and_the_middle_one_stands_for_it(animation: Path) -> None:
    picture = DecodedPicture.load(animation)
    assert [frame.tobytes() for frame in picture.frames] == [frame.tobytes() for frame in load_frames(animation)]
    assert picture.middle is picture.frames[1] and DecodedPicture.load(picture) is picture
    with pytest.raises(ImageError):
        DecodedPicture.load(b"no picture")


def test_large_pictures_are_reduced_and_small_ones_left() -> None:
    assert DecodedPicture.load(Image.new("RGB", (2 * MAX_SIDE, MAX_SIDE))).middle.size == (MAX_SIDE, MAX_SIDE // 2)
    assert DecodedPicture.load(Image.new("RGB", (64, MAX_SIDE))).middle.size == (64, MAX_SIDE)


def test_both_pipelines_take_it_for_the_file_itself(tiny_tokenizer: CLIPTokenizer, animation: Path) -> None:
    kcdp = tiny_pipeline(tiny_tokenizer)
    uniemo = tiny_uniemo(kcdp)
    picture = DecodedPicture.load(animation)
    assert kcdp(picture, caption="a cat").to_dict() == kcdp(animation, caption="a cat").to_dict()
    assert uniemo.understand(picture).to_dict() == uniemo.understand(animation).to_dict()
    options = {"seed": 1, "num_inference_steps": 2, "strength": 1.0}
    one, other = (uniemo(emotion=source, image=source, **options) for source in (picture, animation))
    assert one.emotion is None and one.images[0].tobytes() == other.images[0].tobytes()


def test_an_upload_is_decoded_once(monkeypatch: pytest.MonkeyPatch, animation: Path) -> None:
    reads = []
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(animation.parent))
    monkeypatch.setattr(decoded, "read_frames", lambda source: reads.append(source) or read_frames(source))
    understand_picture(ReadingLane(fake_bundle()), {"path": str(animation)})
    assert reads == [animation]


def test_frames_become_a_tensor_once_a_size(monkeypatch):
    picture, made = DecodedPicture.load(Image.new("RGB", (30, 20), "red")), []
    monkeypatch.setattr(decoded, "to_tensor", lambda frames, size: made.append(size) or to_tensor(frames, size))
    small, large = picture.tensor(16), picture.tensor(32)
    assert picture.tensor(16) is small and picture.tensor(32) is large and made == [16, 32]
    assert torch.equal(large, to_tensor(picture.frames, 32))
    assert picture == DecodedPicture(picture.frames, picture.times)
