"""The captioner with tiny random models of every family: what matters is how it talks to them, not what they say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    BertConfig,
    BertLMHeadModel,
    BertTokenizer,
    BlipConfig,
    BlipForConditionalGeneration,
    BlipProcessor,
    CLIPProcessor,
    CLIPTokenizer,
    CLIPVisionConfig,
    CLIPVisionModel,
    InstructBlipConfig,
    InstructBlipForConditionalGeneration,
    InstructBlipProcessor,
    PreTrainedTokenizerFast,
    VisionEncoderDecoderModel,
)
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from kcdp.knowledge.captioner import FULL_CAPTIONER, Captioner, CaptionerConfig, tidy

TEXT = "a photo of the man woman cat dog heart face is sad happy holds and describe this picture"
WORDS = TEXT.split()
VISION = {
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 16,
    "patch_size": 8,
}


def bert_tokenizer() -> BertTokenizer:
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]"]
    return BertTokenizer(vocab={word: index for index, word in enumerate([*special, *WORDS])})


def image_processor() -> BlipImageProcessorPil:
    return BlipImageProcessorPil(size={"height": 16, "width": 16})


def blip() -> tuple[BlipForConditionalGeneration, BlipProcessor]:
    tokenizer = bert_tokenizer()
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": 16,
        "encoder_hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "max_position_embeddings": 64,
        "bos_token_id": 5,
        "sep_token_id": 3,
        "eos_token_id": 3,
        "pad_token_id": 0,
    }
    config = BlipConfig(text_config=text, vision_config=VISION, projection_dim=8)
    return BlipForConditionalGeneration(config), BlipProcessor(image_processor(), tokenizer)


def instruct_blip() -> tuple[InstructBlipForConditionalGeneration, InstructBlipProcessor]:
    vocabulary = ["<pad>", "</s>", "<unk>", "<image>", *WORDS]
    words = Tokenizer(models.WordLevel({word: index for index, word in enumerate(vocabulary)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", eos_token="</s>", unk_token="<unk>", model_max_length=64
    )
    processor = InstructBlipProcessor(image_processor(), tokenizer, bert_tokenizer(), num_query_tokens=4)
    text = {
        "model_type": "t5",
        "vocab_size": len(tokenizer),
        "d_model": 16,
        "d_kv": 8,
        "d_ff": 16,
        "num_layers": 1,
        "num_heads": 2,
        "decoder_start_token_id": 0,
        "pad_token_id": 0,
        "eos_token_id": 1,
    }
    qformer = {
        "vocab_size": 32,
        "hidden_size": 16,
        "encoder_hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "cross_attention_frequency": 1,
    }
    config = InstructBlipConfig(
        vision_config=VISION,
        qformer_config=qformer,
        text_config=text,
        num_query_tokens=4,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
    )
    return InstructBlipForConditionalGeneration(config), processor


def vision_encoder_decoder() -> tuple[VisionEncoderDecoderModel, CLIPProcessor]:
    blank = CLIPTokenizer(vocab={"<|startoftext|>": 0, "<|endoftext|>": 1}, merges=[])
    tokenizer = blank.train_new_from_iterator([TEXT], vocab_size=400, show_progress=False)
    special = {
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    decoder = BertLMHeadModel(
        BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            max_position_embeddings=32,
            is_decoder=True,
            add_cross_attention=True,
            **special,
        )
    )
    model = VisionEncoderDecoderModel(encoder=CLIPVisionModel(CLIPVisionConfig(**VISION)), decoder=decoder)
    for settings in (model.config, model.generation_config):
        settings.decoder_start_token_id = tokenizer.bos_token_id
        settings.update(special)
    image = CLIPImageProcessorPil(size={"height": 16, "width": 16}, do_center_crop=False)
    return model, CLIPProcessor(image, tokenizer)


FAMILIES = {
    "blip": (blip, None),
    "blip-prompt": (blip, "a photo of"),
    "instructblip": (instruct_blip, "describe this picture"),
    "vision-encoder-decoder": (vision_encoder_decoder, None),
}


@pytest.fixture(params=FAMILIES)
def captioner(request: pytest.FixtureRequest) -> Captioner:
    build, prompt = FAMILIES[request.param]
    return Captioner(*build(), prompt=prompt, max_new_tokens=6)


@pytest.fixture
def pictures(picture: Callable[..., Image.Image]) -> list[Image.Image]:
    return [picture(64), picture((40, 30), color="red"), picture(20, smile=False)]


def test_one_caption_a_picture_whatever_the_batch(captioner: Captioner, pictures: list[Image.Image]) -> None:
    captions = captioner(pictures)
    assert len(captions) == 3
    assert all(caption == " ".join(caption.split()) for caption in captions)
    assert captioner(pictures, batch_size=2) == captions
    assert captioner([]) == []


def test_round_trip_keeps_the_captions(captioner: Captioner, pictures: list[Image.Image], tmp_path: Path) -> None:
    captioner.save_pretrained(tmp_path)
    assert not list(tmp_path.glob("*.bin"))
    loaded = Captioner.from_pretrained(tmp_path, captioner.config)
    assert type(loaded.model) is type(captioner.model)
    assert loaded(pictures) == captioner(pictures)


@pytest.mark.parametrize("build", [blip, instruct_blip])
def test_prompt_reaches_the_model_and_leaves_the_caption(
    build: Callable, pictures: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    captioner = Captioner(*build(), prompt="a photo of")
    seen = {}

    def generate(**inputs: object) -> torch.Tensor:
        seen.update(inputs)
        asked = captioner.processor.tokenizer(["a photo of the sad sad cat"] * 3, return_tensors="pt")
        return asked.input_ids

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


@pytest.mark.parametrize(
    ("text", "echo", "caption"),
    [
        ("a photo of  a cat ", "a photo of", "a cat"),
        ("a cat", "a photo of", "a cat"),
        ("a a cat", "", "a cat"),
        ("a cat and a dog and a dog and a dog", "", "a cat and a dog"),
        ("walking hand in hand", "", "walking hand in hand"),
        ("a cat catches a ball", "", "a cat catches a ball"),
        ("", "", ""),
    ],
)
def test_tidy(text: str, echo: str, caption: str) -> None:
    assert tidy(text, echo) == caption


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
        Captioner(*instruct_blip())
    with pytest.raises(ValueError, match="leave the prompt out"):
        Captioner(*vision_encoder_decoder(), prompt="a photo of")
