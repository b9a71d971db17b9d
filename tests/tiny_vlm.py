"""Tiny vision-language models of every family, of random weights, with the processors that go with them."""

from __future__ import annotations

from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    BertConfig,
    BertLMHeadModel,
    BertTokenizer,
    Blip2Config,
    Blip2ForConditionalGeneration,
    Blip2Processor,
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
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedConfig,
    PreTrainedTokenizerFast,
    VisionEncoderDecoderModel,
)
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from kcdp.emotions import MIKELS_8

TEXT = "a photo of the man woman cat dog heart face is sad happy holds and describe this picture"
EMOTIONS = " ".join(MIKELS_8.labels)
VISION = {
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 16,
    "patch_size": 8,
}
#: What a chat looks like: "man : <image> a photo of the dog :".
CHAT = (
    "{% for message in messages %}man : {% for part in message.content %}"
    "{{ '<image> ' if part.type == 'image' else part.text }}{% endfor %}{% endfor %} the dog :"
)


def _words() -> list[str]:
    return f"{TEXT} {EMOTIONS} :".split()


def bert_tokenizer() -> BertTokenizer:
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]"]
    return BertTokenizer(vocab={word: index for index, word in enumerate([*special, *_words()])})


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


def word_tokenizer() -> PreTrainedTokenizerFast:
    """A token a word, as T5's and LLaVA's tokenizers have for short words."""
    vocabulary = ["<pad>", "</s>", "<unk>", "<image>", *_words()]
    words = Tokenizer(models.WordLevel({word: index for index, word in enumerate(vocabulary)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        additional_special_tokens=["<image>"],
        model_max_length=64,
    )


def _q_former_config(kind: type[PreTrainedConfig], tokenizer: PreTrainedTokenizerFast) -> PreTrainedConfig:
    """Of InstructBLIP or BLIP-2 with a T5; four query tokens."""
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
        "vocab_size": 64,
        "hidden_size": 16,
        "encoder_hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "cross_attention_frequency": 1,
    }
    image = tokenizer.convert_tokens_to_ids("<image>")
    return kind(
        vision_config=VISION, qformer_config=qformer, text_config=text, num_query_tokens=4, image_token_index=image
    )


def instruct_blip() -> tuple[InstructBlipForConditionalGeneration, InstructBlipProcessor]:
    tokenizer = word_tokenizer()
    config = _q_former_config(InstructBlipConfig, tokenizer)
    processor = InstructBlipProcessor(image_processor(), tokenizer, bert_tokenizer(), num_query_tokens=4)
    return InstructBlipForConditionalGeneration(config), processor


def blip_2() -> tuple[Blip2ForConditionalGeneration, Blip2Processor]:
    tokenizer = word_tokenizer()
    config = _q_former_config(Blip2Config, tokenizer)
    return Blip2ForConditionalGeneration(config), Blip2Processor(image_processor(), tokenizer, num_query_tokens=4)


def llava() -> tuple[LlavaForConditionalGeneration, LlavaProcessor]:
    tokenizer = word_tokenizer()
    text = {
        "model_type": "llama",
        "vocab_size": len(tokenizer),
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "pad_token_id": 0,
        "bos_token_id": 1,
        "eos_token_id": 1,
    }
    config = LlavaConfig(
        vision_config={"model_type": "clip_vision_model", **VISION, "num_hidden_layers": 2},
        text_config=text,
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
    )
    processor = LlavaProcessor(
        CLIPImageProcessorPil(size={"height": 16, "width": 16}, crop_size={"height": 16, "width": 16}),
        tokenizer,
        patch_size=VISION["patch_size"],
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=CHAT,
    )
    return LlavaForConditionalGeneration(config), processor


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
