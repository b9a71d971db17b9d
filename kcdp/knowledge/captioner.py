"""Pictures to captions, with any image-text-to-text model of transformers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from PIL import Image
from transformers import (
    AutoModelForImageTextToText,
    AutoProcessor,
    PreTrainedModel,
    ProcessorMixin,
    VisionEncoderDecoderModel,
)


@dataclass(frozen=True)
class CaptionerConfig:
    """How captions are generated. The defaults suit the mini captioner, which learned short captions without a prompt.

    `prompt` None lets the model caption freely; token numbers count new tokens, without the prompt's.
    """

    prompt: str | None = None
    num_beams: int = 1
    min_new_tokens: int = 1
    max_new_tokens: int = 24
    repetition_penalty: float = 1.1

    def __post_init__(self) -> None:
        if self.num_beams < 1:
            raise ValueError(f"num_beams is {self.num_beams}; it must be 1 or more.")
        if not 1 <= self.min_new_tokens <= self.max_new_tokens:
            raise ValueError(
                f"min_new_tokens is {self.min_new_tokens} and max_new_tokens {self.max_new_tokens}; "
                "they must be 1 or more, and the minimum not above the maximum."
            )
        if self.repetition_penalty <= 0:
            raise ValueError(f"repetition_penalty is {self.repetition_penalty}; it must be positive, 1 turns it off.")


#: For InstructBLIP: the paper's generation settings (section 4.1), its question in our words.
FULL_CAPTIONER = CaptionerConfig(
    prompt=(
        "Describe this picture in one detailed sentence: who or what is its main subject, which facial expression and "
        "body movement does the subject show, and what does the picture make people feel?"
    ),
    num_beams=5,
    min_new_tokens=30,
    max_new_tokens=50,
    repetition_penalty=5.0,
)

_REPEATED_WORDS = re.compile(r"\b(\w+(?:\s+\w+){0,3}?)(?:\s+\1\b)+", re.IGNORECASE)
_SPACED_SIGNS = (
    (re.compile(r" (?=[,.;:!?)]|'\w)"), ""),
    (re.compile(r"(?<=\() "), ""),
    (re.compile(r"(?<=\w) - (?=\w)"), "-"),
)


class Captioner:
    """Captions RGB pictures with `model`, which reads what `processor` prepares.

    Options of `CaptionerConfig` may be given one by one: `Captioner(model, processor, num_beams=1)`.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        processor: ProcessorMixin,
        config: CaptionerConfig | None = None,
        **options: Any,
    ) -> None:
        """Raises ValueError when an option is out of range, or when prompt and model do not go together."""
        self.config = replace(config or CaptionerConfig(), **options)
        if self.config.prompt is None and hasattr(processor, "qformer_tokenizer"):
            raise ValueError("This captioner answers questions about a picture; give it a prompt, or FULL_CAPTIONER.")
        if self.config.prompt is not None and isinstance(model, VisionEncoderDecoderModel):
            raise ValueError("This captioner reads pictures alone; leave the prompt out.")
        self.model = model.eval()
        self.processor = processor

    @classmethod
    def from_pretrained(
        cls,
        name_or_folder: str,
        config: CaptionerConfig | None = None,
        *,
        dtype: torch.dtype = torch.float32,
        device: str | torch.device = "cpu",
        **options: Any,
    ) -> Captioner:
        """Load model and processor from a folder or from the Hub (safetensors only).

        Without torchvision the image processor is transformers' own PIL variant of the same name; nothing else changes.
        """
        model = AutoModelForImageTextToText.from_pretrained(name_or_folder, dtype=dtype, use_safetensors=True)
        processor = AutoProcessor.from_pretrained(name_or_folder)
        return cls(model.to(device), processor, config, **options)

    def save_pretrained(self, folder: str) -> None:
        """Write model and processor into one folder that `from_pretrained` reads."""
        self.model.save_pretrained(folder)
        self.processor.save_pretrained(folder)

    def __call__(self, images: Sequence[Image.Image], batch_size: int = 16) -> list[str]:
        """One caption for every RGB picture, `batch_size` pictures at a time."""
        captions: list[str] = []
        for start in range(0, len(images), batch_size):
            captions += self._caption(list(images[start : start + batch_size]))
        return captions

    @torch.inference_mode()
    def _caption(self, images: list[Image.Image]) -> list[str]:
        inputs = self.processor(images=images, text=self._texts(len(images)), return_tensors="pt")
        inputs = inputs.to(self.model.device, self.model.dtype)
        generation = {name: value for name, value in asdict(self.config).items() if name != "prompt"}
        tokens = self.model.generate(**inputs, **generation, do_sample=False)
        echoes = self._decode(inputs["input_ids"]) if "input_ids" in inputs else [""] * len(images)
        return [tidy(text, echo) for text, echo in zip(self._decode(tokens), echoes, strict=True)]

    def _texts(self, number: int) -> list[str] | None:
        """The prompt once a picture, in the model's chat format when it has one; None when there is nothing to say."""
        prompt = self.config.prompt
        if getattr(self.processor, "chat_template", None):
            content = [{"type": "image"}] + ([{"type": "text", "text": prompt}] if prompt else [])
            prompt = self.processor.apply_chat_template(
                [{"role": "user", "content": content}], add_generation_prompt=True
            )
        return None if prompt is None else [prompt] * number

    def _decode(self, tokens: torch.Tensor) -> list[str]:
        return self.processor.batch_decode(tokens, skip_special_tokens=True)


def tidy(text: str, echo: str = "") -> str:
    """A generated text as a caption: without the prompt's echo, odd whitespace, and words said twice in a row.

    >>> tidy("a photo of  a a cat and a dog a dog", echo="a photo of")
    'a cat and a dog'

    Tokenizers that keep no spaces put one around every sign:

    >>> tidy("the cat 's half - closed eyes , open ( a bit ) .")
    "the cat's half-closed eyes, open (a bit)."
    """
    # Decoder-only models repeat the prompt, encoder-decoder models do not: both decode through the same tokenizer.
    caption = " ".join(text.split()).removeprefix(" ".join(echo.split()))
    for pattern, joined in _SPACED_SIGNS:
        caption = pattern.sub(joined, caption)
    return _REPEATED_WORDS.sub(r"\1", caption.strip())
