"""The captioner with tiny random models of every family: what matters is how it talks to them, not what they say."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from PIL import Image
from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from transformers import CLIPTextModel, CLIPTokenizer, PreTrainedTokenizerFast

from kcdp.knowledge.captioner import FULL_CAPTIONER, Captioner, CaptionerConfig, quantized, spaces_signs
from tests.tiny_vlm import blip, blip_2, instruct_blip, llava, vision_encoder_decoder

ASSETS = Path(__file__).parents[3] / "assets"
FAMILIES = {
    "blip": (blip, None),
    "blip-prompt": (blip, "a photo of"),
    "instructblip": (instruct_blip, "describe this picture"),
    "blip-2": (blip_2, None),
    "blip-2-prompt": (blip_2, "describe this picture"),
    "llava": (llava, "describe this picture"),
    "vision-encoder-decoder": (vision_encoder_decoder, None),
}


@pytest.fixture(params=FAMILIES)
def captioner(request: pytest.FixtureRequest) -> Captioner:
    build, prompt = FAMILIES[request.param]
    return Captioner(*build(), CaptionerConfig(prompt=prompt, max_new_tokens=6))


@pytest.fixture
def pictures(picture: Callable[..., Image.Image]) -> list[Image.Image]:
    return [picture(64), picture((40, 30), color="red"), picture(20, smile=False)]


def test_one_caption_a_picture_whatever_the_batch(captioner: Captioner, pictures: list[Image.Image]) -> None:
    captions = captioner(pictures)
    assert len(captions) == 3
    assert all(caption == " ".join(caption.split()) for caption in captions)
    assert captioner(pictures, batch_size=2) == captions
    assert captioner([]) == []


def test_pictures_alone_are_read_as_the_whole_processor_gives_them(pictures: list[Image.Image]) -> None:
    captioner = Captioner(*vision_encoder_decoder())
    whole = captioner.processor(images=pictures, text=None, return_tensors="pt")
    inputs = captioner.inputs(pictures)
    assert inputs.keys() == whole.keys() and torch.equal(inputs["pixel_values"], whole["pixel_values"])


def test_round_trip_keeps_the_captions(captioner: Captioner, pictures: list[Image.Image], tmp_path: Path) -> None:
    captioner.save_pretrained(tmp_path)
    assert not list(tmp_path.glob("*.bin"))
    loaded = Captioner.from_pretrained(tmp_path, captioner.config)
    assert type(loaded.model) is type(captioner.model)
    assert loaded(pictures) == captioner(pictures)


@pytest.mark.parametrize("build", [blip, instruct_blip, blip_2, llava])
def test_prompt_reaches_the_model_and_leaves_the_caption(
    build: Callable, pictures: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    captioner = Captioner(*build(), CaptionerConfig(prompt="a photo of"))
    seen = {}

    def generate(**inputs: object) -> torch.Tensor:
        seen.update(inputs)
        said = captioner.processor.tokenizer(["the sad sad cat"] * 3, add_special_tokens=False, return_tensors="pt")
        return torch.cat([inputs["input_ids"], said.input_ids], dim=1)

    monkeypatch.setattr(captioner.model, "generate", generate)
    assert captioner(pictures) == ["the sad cat"] * 3
    assert seen["num_beams"] == 1
    assert seen["pixel_values"].shape == (3, 3, 16, 16)
    assert "a photo of" in captioner.processor.tokenizer.decode(seen["input_ids"][0])


def test_longer_captions_on_request(pictures: list[Image.Image]) -> None:
    captioner = Captioner(*blip(), CaptionerConfig(min_new_tokens=8, max_new_tokens=8), repetition_penalty=5.0)
    assert captioner.config.repetition_penalty == 5.0
    tokens = []
    decode = captioner._decode
    captioner._decode = lambda found: tokens.append(found.shape[1]) or decode(found)
    captioner(pictures)
    assert tokens and tokens[0] >= 8


@pytest.mark.parametrize("build", [instruct_blip, llava])
def test_who_follows_instructions_is_asked_as_in_the_paper(build: Callable) -> None:
    assert Captioner(*build()).config == FULL_CAPTIONER
    assert Captioner(*build(), num_beams=1).config == dataclasses.replace(FULL_CAPTIONER, num_beams=1)


@pytest.mark.parametrize("build", [blip, blip_2, vision_encoder_decoder])
def test_others_caption_freely(build: Callable) -> None:
    assert Captioner(*build()).config == CaptionerConfig()


def test_the_papers_decoding_reaches_the_model(pictures: list[Image.Image], monkeypatch: pytest.MonkeyPatch) -> None:
    captioner, seen = Captioner(*instruct_blip()), {}
    generate = captioner.model.generate

    def listen(**inputs: object) -> torch.Tensor:
        tokens = generate(**inputs)
        seen.update(inputs, written=(tokens != captioner.processor.tokenizer.pad_token_id).sum(dim=1))
        return tokens

    monkeypatch.setattr(captioner.model, "generate", listen)
    captioner(pictures[:2])
    settings = {
        "num_beams": 5,
        "min_new_tokens": 30,
        "max_new_tokens": 50,
        "repetition_penalty": 5.0,
        "do_sample": False,
    }
    assert {name: seen[name] for name in settings} == settings
    assert 30 <= seen["written"].max() <= 50


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("build", [instruct_blip, blip_2, llava])
def test_loads_in_any_precision(
    build: Callable, dtype: torch.dtype, pictures: list[Image.Image], tmp_path: Path
) -> None:
    Captioner(*build()).save_pretrained(tmp_path)
    loaded = Captioner.from_pretrained(tmp_path, dtype=dtype, min_new_tokens=1, max_new_tokens=2)
    assert loaded.model.get_input_embeddings().weight.dtype == dtype
    assert len(loaded(pictures)) == 3


def test_quantised_weights_compute_in_the_dtype_asked_for() -> None:
    four = quantized("4bit", torch.float16)
    assert (four.load_in_4bit, four.quantization_method(), four.bnb_4bit_compute_dtype) == (True, "nf4", torch.float16)
    assert four.bnb_4bit_use_double_quant
    assert quantized("8bit").quantization_method() == "llm_int8"
    with pytest.raises(ValueError, match=r"to '2bit'; choose 8bit or 4bit"):
        quantized("2bit")


def test_quantising_says_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=f"Quantising '{tmp_path}' needs a GPU"):
        Captioner.from_pretrained(tmp_path, quantization="4bit")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr("kcdp.knowledge.captioner.is_bitsandbytes_available", lambda: False)
    with pytest.raises(ValueError, match="needs the package bitsandbytes"):
        Captioner.from_pretrained(tmp_path, quantization="8bit", device="cuda")


def test_a_quantised_model_goes_straight_to_its_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr("kcdp.knowledge.captioner.is_bitsandbytes_available", lambda: True)
    model, processor = instruct_blip()
    asked = {}
    monkeypatch.setattr(
        "kcdp.knowledge.captioner.AutoModelForImageTextToText.from_pretrained",
        lambda name, **options: asked.update(options, name=name) or model,
    )
    monkeypatch.setattr("kcdp.knowledge.captioner.AutoProcessor.from_pretrained", lambda name, revision: processor)
    Captioner.from_pretrained("org/vlm", revision="0" * 40, quantization="4bit", device="cuda:1", dtype=torch.float16)
    assert (asked["name"], asked["revision"], asked["device_map"]) == ("org/vlm", "0" * 40, {"": "cuda:1"})
    assert asked["quantization_config"].bnb_4bit_compute_dtype == torch.float16
    assert asked["use_safetensors"]


def test_what_cannot_be_loaded_is_named(tmp_path: Path, tiny_text_encoder: CLIPTextModel) -> None:
    with pytest.raises(ValueError, match=f"The captioner '{tmp_path}' cannot be loaded: give a folder"):
        Captioner.from_pretrained(tmp_path)
    tiny_text_encoder.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="turns pictures into text") as caught:
        Captioner.from_pretrained(tmp_path)
    assert "\n" not in str(caught.value)
    Captioner(*blip()).save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(ValueError, match=f"The captioner '{tmp_path}' cannot be loaded"):
        Captioner.from_pretrained(tmp_path)


def test_a_model_too_large_for_its_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr("kcdp.knowledge.captioner.AutoModelForImageTextToText.from_pretrained", full)
    with pytest.raises(ValueError, match="cannot be loaded: the GPU has too little memory; take a smaller dtype"):
        Captioner.from_pretrained(tmp_path)


def test_full_size_settings_are_the_papers() -> None:
    assert (FULL_CAPTIONER.num_beams, FULL_CAPTIONER.repetition_penalty) == (5, 5.0)
    assert (FULL_CAPTIONER.min_new_tokens, FULL_CAPTIONER.max_new_tokens) == (30, 50)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_beams": 0}, "num_beams is 0"),
        ({"min_new_tokens": 5, "max_new_tokens": 4}, "min_new_tokens is 5 and max_new_tokens 4"),
        ({"repetition_penalty": 0.0}, "repetition_penalty is 0.0"),
    ],
)
def test_options_out_of_range(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CaptionerConfig(**options)


def test_prompt_and_model_must_go_together() -> None:
    with pytest.raises(ValueError, match="give it a prompt"):
        Captioner(*instruct_blip(), prompt=None)
    with pytest.raises(ValueError, match="leave the prompt out"):
        Captioner(*vision_encoder_decoder(), prompt="a photo of")


def test_whether_a_tokenizer_spaces_signs_is_tried() -> None:
    """CLIP's does; one that keeps the spaces does not, and its dashes stay dashes."""
    shipped = CLIPTokenizer.from_pretrained(ASSETS / "mini" / "tokenizer")
    keeps = Tokenizer(BPE({sign: place for place, sign in enumerate(sorted(ByteLevel.alphabet()))}, []))
    keeps.pre_tokenizer, keeps.decoder = ByteLevel(add_prefix_space=False), ByteLevelDecoder()
    for tokenizer, spaces in ((shipped, True), (PreTrainedTokenizerFast(tokenizer_object=keeps), False)):
        assert spaces_signs(SimpleNamespace(tokenizer=tokenizer, batch_decode=tokenizer.batch_decode)) is spaces


@pytest.mark.parametrize("build", [vision_encoder_decoder, blip, instruct_blip])
def test_its_tokenizer_is_called_by_one_thread_at_a_time(
    build: Callable, pictures: list[Image.Image], unlocked_calls: list[str]
) -> None:
    Captioner(*build())(pictures[:1])
    assert not unlocked_calls


@pytest.mark.parametrize("build", [vision_encoder_decoder, blip, instruct_blip])
def test_what_the_encoder_sees_is_its_pooled_vector(
    build: Callable[[], tuple], picture: Callable[..., Image.Image]
) -> None:
    """Picture by picture from the library, whatever the batches."""
    model, processor = build()
    prompt = "describe this picture" if build is instruct_blip else None
    captioner = Captioner(model, processor, CaptionerConfig(prompt=prompt))
    pictures = [picture(color=color) for color in ("red", "gold", "blue")]
    encoder = model.encoder if build is vision_encoder_decoder else model.vision_model
    with torch.inference_mode():
        pixels = [processor.image_processor(images=[one], return_tensors="pt").pixel_values for one in pictures]
        expected = torch.cat([encoder(pixel_values=one).pooler_output for one in pixels])
    torch.testing.assert_close(captioner.embed(pictures, batch_size=2), expected, rtol=1e-4, atol=1e-5)


def test_a_captioner_without_such_an_encoder_cannot_be_looked_through(picture: Callable[..., Image.Image]) -> None:
    captioner = Captioner(*llava(), CaptionerConfig(prompt="describe this picture"))
    with pytest.raises(ValueError, match="has no vision encoder to look through"):
        captioner.embed([picture()])
