"""Pictures to captions, with any image-text-to-text model of transformers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
from PIL import Image
from transformers import (
    AutoModelForImageTextToText,
    AutoProcessor,
    BatchFeature,
    BitsAndBytesConfig,
    PreTrainedModel,
    ProcessorMixin,
    VisionEncoderDecoderModel,
)
from transformers.utils import is_bitsandbytes_available

from kcdp.hub import first_line, why_no_room
from kcdp.knowledge import greedy
from kcdp.knowledge.tidying import tidy
from kcdp.knowledge.tokens import tokenize, tokenizing
from kcdp.offload import bring, execution_device

#: Bits a weight of a large model is rounded to when it is loaded, by bitsandbytes.
Quantization = Literal["8bit", "4bit"]


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


def follows_instructions(processor: ProcessorMixin) -> bool:
    """Whether a model does what a prompt asks for, as InstructBLIP and everything with a chat format do.

    The others caption by themselves, or go on with the words that they are given.
    """
    return hasattr(processor, "qformer_tokenizer") or getattr(processor, "chat_template", None) is not None


def spaces_signs(processor: ProcessorMixin) -> bool:
    """Whether what its tokenizer decodes has spaces around signs that had none, as CLIP's and BERT's do."""
    text = "a half-closed eye"
    tokens = tokenize(processor.tokenizer, [text], add_special_tokens=False).input_ids
    return " - " in processor.batch_decode(tokens, skip_special_tokens=True)[0]


def quantized(bits: Quantization, dtype: torch.dtype = torch.bfloat16) -> BitsAndBytesConfig:
    """How to load a model in 8 bits (LLM.int8) or in 4 (NF4, its scales quantised as well), computing in `dtype`.

    Raises ValueError for another number of bits.
    """
    if bits == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True)
    if bits == "4bit":
        return BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=dtype
        )
    raise ValueError(f"A model cannot be quantised to '{bits}'; choose 8bit or 4bit.")


def check_quantizable(name: str | Path, device: str | torch.device) -> None:
    """Raise ValueError with one sentence when the model `name` cannot be quantised here, onto `device`."""
    if torch.device(device).type != "cuda" or not torch.cuda.is_available():
        raise ValueError(f"Quantising '{name}' needs a GPU; leave quantization out, or use one.")
    if not is_bitsandbytes_available():
        raise ValueError(f"Quantising '{name}' needs the package bitsandbytes; install it, or leave quantization out.")


class Captioner:
    """Captions RGB pictures with `model`, which reads what `processor` prepares.

    Without a `config`, a model that follows instructions is asked as in the paper (FULL_CAPTIONER), and any other captions
    freely. Options of `CaptionerConfig` may be given one by one: `Captioner(model, processor, num_beams=1)`.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        processor: ProcessorMixin,
        config: CaptionerConfig | None = None,
        **options: Any,
    ) -> None:
        """Raises ValueError when an option is out of range, or when prompt and model do not go together."""
        usual = FULL_CAPTIONER if follows_instructions(processor) else CaptionerConfig()
        self.config = replace(config or usual, **options)
        if self.config.prompt is None and hasattr(processor, "qformer_tokenizer"):
            raise ValueError("This captioner answers questions about a picture; give it a prompt, or FULL_CAPTIONER.")
        if self.config.prompt is not None and isinstance(model, VisionEncoderDecoderModel):
            raise ValueError("This captioner reads pictures alone; leave the prompt out.")
        # Only where it has to: one is made for every reading, and `eval` goes through all of a model's modules.
        self.model: Any = model.eval() if model.training else model
        self.processor = processor
        self._spaces_signs = spaces_signs(processor)

    @classmethod
    def from_pretrained(
        cls,
        name_or_folder: str | Path,
        config: CaptionerConfig | None = None,
        *,
        revision: str | None = None,
        dtype: torch.dtype = torch.float32,
        device: str | torch.device = "cpu",
        quantization: Quantization | None = None,
        **options: Any,
    ) -> Captioner:
        """Load model and processor from a folder or from the Hub (safetensors only).

        Without torchvision the image processor is transformers' own PIL variant of the same name; nothing else changes.

        Args:
            name_or_folder: of a vision-language model: InstructBLIP, BLIP-2, LLaVA and others like them.
            config: how to caption; see the class.
            revision: of the Hub model; pin it in anything that runs unattended.
            dtype: of the weights in memory; of the computation where they are quantised.
            device: where the weights go.
            quantization: "8bit" or "4bit", on a GPU, with the package bitsandbytes.
            options: single options of `config`.

        Raises ValueError with one sentence when the model cannot be found, read or quantised.
        """
        loading: dict[str, Any] = {"dtype": dtype, "use_safetensors": True, "revision": revision}
        if quantization is not None:
            loading["quantization_config"] = quantized(quantization, dtype)
            check_quantizable(name_or_folder, device)
        try:
            # Straight to the device: what is quantised cannot be moved, and the rest need not pass through memory twice.
            model = AutoModelForImageTextToText.from_pretrained(name_or_folder, device_map={"": device}, **loading)
            processor = AutoProcessor.from_pretrained(name_or_folder, revision=revision)
        except Exception as error:  # damaged files fail in as many ways as there are libraries that read them
            reason = (
                why_no_room(error) or f"give a folder or a Hub model that turns pictures into text: {first_line(error)}"
            )
            raise ValueError(f"The captioner '{name_or_folder}' cannot be loaded: {reason}") from error
        return cls(model, processor, config, **options)

    def save_pretrained(self, folder: str | Path) -> None:
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
    def embed(self, images: Sequence[Image.Image], batch_size: int = 16) -> torch.Tensor:
        """(B, W) on the model's device: the pooled vector of its vision encoder, of every RGB picture.

        Raises ValueError for a model without such an encoder.
        """
        pair = isinstance(self.model, VisionEncoderDecoderModel)
        encoder = self.model.encoder if pair else getattr(self.model, "vision_model", None)
        if encoder is None:
            raise ValueError(
                f"A {type(self.model).__name__} has no vision encoder to look through; take BLIP or another."
            )
        bring(self.model)
        device, dtype = execution_device(self.model), self.model.dtype
        vectors = []
        for start in range(0, len(images), batch_size):
            some = list(images[start : start + batch_size])
            pixels = self.processor.image_processor(images=some, return_tensors="pt").pixel_values
            vectors.append(encoder(pixel_values=pixels.to(device, dtype)).pooler_output)
        return torch.cat(vectors)

    def inputs(self, images: list[Image.Image]) -> BatchFeature:
        """What the model reads: B pictures, and the prompt once for each, on its device and in its data type."""
        if isinstance(self.model, VisionEncoderDecoderModel):
            # It reads pictures alone, and the half of a processor that is for texts takes as long as to resize one.
            inputs = self.processor.image_processor(images=images, return_tensors="pt")
        else:
            with tokenizing:  # which the processor does inside
                inputs = self.processor(images=images, text=self._texts(len(images)), return_tensors="pt")
        return inputs.to(execution_device(self.model), self.model.dtype)

    @torch.inference_mode()
    def _caption(self, images: list[Image.Image]) -> list[str]:
        inputs = self.inputs(images)
        # Its encoder is asked first, by itself.
        bring(self.model)
        tokens = self._generate(inputs)
        echoes = self._decode(inputs["input_ids"]) if "input_ids" in inputs else [""] * len(images)
        return [tidy(text, echo, self._spaces_signs) for text, echo in zip(self._decode(tokens), echoes, strict=True)]

    def _generate(self, inputs: BatchFeature) -> torch.Tensor:
        options = {name: value for name, value in asdict(self.config).items() if name != "prompt"}
        if self.config.num_beams == 1 and greedy.fits(self.model):
            del options["num_beams"]
            return greedy.greedy(self.model, inputs["pixel_values"], **options)
        return self.model.generate(**inputs, **options, do_sample=False)

    def _texts(self, number: int) -> list[str] | None:
        """The prompt once a picture, in the model's chat format when it has one; None when there is nothing to say."""
        prompt = self.config.prompt
        if getattr(self.processor, "chat_template", None):
            content = [{"type": "image"}] + ([{"type": "text", "text": prompt}] if prompt else [])
            # Its type knows messages of text alone.
            conversation: Any = [{"role": "user", "content": content}]
            prompt = self.processor.apply_chat_template(conversation, add_generation_prompt=True)
        elif prompt is None and hasattr(self.processor, "num_query_tokens"):
            # BLIP-2 puts the picture's tokens in front of a text; without one it would need T5 to have a first token.
            prompt = ""
        return None if prompt is None else [prompt] * number

    def _decode(self, tokens: torch.Tensor) -> list[str]:
        return self.processor.batch_decode(tokens, skip_special_tokens=True)
