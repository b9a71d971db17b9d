"""Vision-language models as baselines (KCDP, table 2): asked for the emotion, or frozen under a linear classifier."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from PIL import Image
from transformers import BlipForConditionalGeneration, PreTrainedModel, ProcessorMixin, VisionEncoderDecoderModel

from kcdp.hub import Source, check_pinned, fetch
from kcdp.imaging import to_pictures
from kcdp.knowledge.captioner import Captioner, CaptionerConfig, Quantization
from train.core.config import setting
from train.data.cache import cached_array, cached_json, content_key, fingerprint
from train.data.dataset import PictureDataset

logger = logging.getLogger(__name__)

#: Pictures of one call, and pictures that are lost at most when a run is killed.
BATCH, CHUNK = 8, 128

#: Over whatever generation settings a model brings along.
_PLAIN = {"do_sample": False, "min_new_tokens": None, "min_length": 0, "repetition_penalty": 1.0}

QUESTION = "Question: Which one of these emotions does this picture make people feel most: {labels}? Short answer:"

#: Words by which an answer names a label of any space, beside the label itself.
FORMS: dict[str, tuple[str, ...]] = {
    "amusement": ("amused", "amusing", "funny"),
    "awe": ("awed", "amazed", "amazement"),
    "contentment": ("content", "contented"),
    "excitement": ("excited", "exciting"),
    "anger": ("angry",),
    "disgust": ("disgusted", "disgusting"),
    "fear": ("afraid", "fearful", "frightened", "scared"),
    "sadness": ("sad",),
    "surprise": ("surprised", "surprising"),
    "happy": ("happiness", "joy"),
    "sad": ("sadness",),
    "neutral": (),
    "joy": ("joyful", "happy", "happiness"),
    "negative": (),
    "positive": (),
}


@dataclass(frozen=True)
class VLMConfig:
    """A model to ask, and how its weights lie in memory."""

    name: str = setting(help="Folder or Hub id of InstructBLIP, BLIP-2, LLaVA or another like them.")
    revision: str | None = setting(None, "Commit of the Hub model.")
    dtype: Literal["float32", "float16", "bfloat16"] = setting("float32", "Of the weights.")
    quantization: Quantization | None = setting(None, "8bit or 4bit, on a GPU.")


def label_in_answer(answer: str, labels: Sequence[str]) -> int | None:
    """The index of the label that an answer names first, in any of its FORMS; None when it names none.

    >>> label_in_answer("I think it is sad, not scary.", ["fear", "sadness"])
    1
    """
    words = {form: index for index, label in enumerate(labels) for form in FORMS[label]}
    words |= {label: index for index, label in enumerate(labels)}
    return next((words[word] for word in re.findall(r"[a-z]+", answer.lower()) if word in words), None)


class AnswerConstraint:
    """Lets one call of `generate` write one of some answers and nothing else.

    Args:
        answers: token ids of each, the end included.
    """

    def __init__(self, answers: Sequence[list[int]]) -> None:
        self.answers = answers
        #: How many tokens stand before the answer: models expand a prompt in different ways.
        self.start: int | None = None

    def __call__(self, picture: int, tokens: torch.Tensor) -> list[int]:
        """The tokens that may follow `tokens` (L,); see `prefix_allowed_tokens_fn` of `generate`."""
        if self.start is None:
            self.start = len(tokens)
        known = self._continuing(tokens)
        # A beam that has no way on is lost already: whatever may follow, its likelihood stays 0.
        return [answer[len(tokens) - self.start] for answer in known] or [self.answers[0][-1]]

    def _continuing(self, tokens: torch.Tensor) -> list[list[int]]:
        written = tokens[self.start :].tolist()
        return [answer for answer in self.answers if len(answer) > len(written) and answer[: len(written)] == written]

    def index_of(self, tokens: torch.Tensor) -> int:
        """The index of the answer in what has been generated, (L,), maybe padded."""
        written = tokens[self.start :].tolist()
        return next(index for index, answer in enumerate(self.answers) if written[: len(answer)] == answer)


class FrozenVLM:
    """A vision-language model whose weights stay as they are, asked about the emotions of a dataset's pictures.

    Everything is computed once and cached. The pictures are the plain ones.
    """

    def __init__(self, model: PreTrainedModel, processor: ProcessorMixin) -> None:
        """Raises ValueError when the model answers no questions."""
        if not answers_questions(model):
            raise ValueError(
                f"A {type(model).__name__} captions pictures and answers no questions; take InstructBLIP, BLIP-2, LLaVA or "
                "another model like them."
            )
        self.model, self.processor = model.eval(), processor

    @classmethod
    def load(cls, config: VLMConfig, device: str | torch.device) -> FrozenVLM:
        """From a folder or the Hub; raises ValueError with one sentence when that cannot be."""
        source = Source(config.name, config.revision)
        check_pinned(source, "vlm")
        captioner = Captioner.from_pretrained(
            fetch(source), dtype=getattr(torch, config.dtype), device=device, quantization=config.quantization
        )
        return cls(captioner.model, captioner.processor)

    @cached_property
    def key(self) -> str:
        """A name for the weights, the processing and the question."""
        images = self.processor.image_processor.to_dict()
        return content_key(fingerprint(self.model), images, getattr(self.processor, "chat_template", None), QUESTION)

    def _answerer(self, labels: Sequence[str]) -> Captioner:
        """Asks which of the labels it is; an answer is a few words."""
        question = QUESTION.format(labels=", ".join(labels[:-1]) + " or " + labels[-1])
        return Captioner(
            self.model, self.processor, CaptionerConfig(question, max_new_tokens=10, repetition_penalty=1.0)
        )

    def answers(self, dataset: PictureDataset) -> list[str]:
        """The model's answers, one a picture."""
        answerer = self._answerer(dataset.emotions)

        def compute(rows: slice) -> list[str]:
            return [answer for pictures in _batches(dataset, rows) for answer in answerer(pictures)]

        key = content_key("vlm answers", dataset.decoded.key, self.key, dataset.emotions)
        return list(cached_json(dataset.cache_dir, key, len(dataset), compute, CHUNK))

    def likeliest(self, dataset: PictureDataset) -> np.ndarray:
        """Predictions (N,): the label that is the likeliest answer, by the mean log-likelihood of its tokens and the end.

        A beam search that may write nothing but labels, with a beam for each, so that none is lost on the way.

        Raises ValueError when the model's tokenizer cannot tell two labels apart.
        """
        answerer, labels = self._answerer(dataset.emotions), dataset.emotions
        answers = [self.answer_tokens(label) for label in labels]
        for number, answer in enumerate(answers):
            if answer in answers[:number]:
                alike = labels[answers.index(answer)]
                raise ValueError(
                    f"The model's tokenizer cannot tell '{alike}' from '{labels[number]}'; take another one."
                )

        @torch.inference_mode()
        def predict(pictures: list[Image.Image]) -> list[int]:
            constraint = AnswerConstraint(answers)
            tokens = self.model.generate(
                **answerer.inputs(pictures),
                **_PLAIN,
                prefix_allowed_tokens_fn=constraint,
                eos_token_id=answers[0][-1],
                num_beams=len(answers),
                # Labels differ in length: only the longest possible answer tells that a beam cannot win any more.
                early_stopping="never",
                length_penalty=1.0,
                max_new_tokens=max(map(len, answers)),
            )
            return [constraint.index_of(row) for row in tokens]

        def compute(rows: slice) -> np.ndarray:
            return np.array(
                [index for pictures in _batches(dataset, rows) for index in predict(pictures)], dtype=np.int64
            )

        key = content_key("vlm likeliest", dataset.decoded.key, self.key, labels)
        return np.array(cached_array(dataset.cache_dir, key, len(dataset), compute, CHUNK))

    def answer_tokens(self, label: str) -> list[int]:
        """The tokens of a label as an answer, and the end."""
        tokenizer = self.processor.tokenizer
        # A decoder goes on behind the question's colon, with a space; what decodes apart starts afresh.
        prompt, text = ("", label) if self.model.config.get_text_config().is_encoder_decoder else (":", f": {label}")
        before, tokens = (tokenizer(some, add_special_tokens=False).input_ids for some in (prompt, text))
        return [*tokens[len(before) :], tokenizer.eos_token_id]

    def pictures(self, dataset: PictureDataset) -> np.ndarray:
        """Features (N, D): the last states of the language model's encoder, or of a decoder before it answers, averaged.

        In them the picture has met the question.
        """
        answerer = self._answerer(dataset.emotions)

        @torch.inference_mode()
        def states(pictures: list[Image.Image]) -> torch.Tensor:
            output = self.model.generate(
                **answerer.inputs(pictures),
                **_PLAIN,
                num_beams=1,
                max_new_tokens=1,
                output_hidden_states=True,
                return_dict_in_generate=True,
            )
            # Of a decoder: the states of the first step, which are those of the whole prompt.
            layers = output.encoder_hidden_states if "encoder_hidden_states" in output else output.hidden_states[0]
            return layers[-1].float().mean(dim=1).cpu()

        def compute(rows: slice) -> torch.Tensor:
            return torch.cat([states(pictures) for pictures in _batches(dataset, rows)])

        key = content_key("vlm features", dataset.decoded.key, self.key, dataset.emotions)
        return cached_array(dataset.cache_dir, key, len(dataset), compute, CHUNK)


def answers_questions(model: PreTrainedModel) -> bool:
    """Whether a model that captions can be asked something, too."""
    return not isinstance(model, (VisionEncoderDecoderModel, BlipForConditionalGeneration))


def prompted(vlm: FrozenVLM, test: PictureDataset) -> np.ndarray:
    """Predictions (N,): the label that the model's answer names, and the likeliest one where it names none."""
    labels = [label_in_answer(answer, test.emotions) for answer in vlm.answers(test)]
    unnamed = [label is None for label in labels]
    if any(unnamed):
        logger.info("Of %d answers, %d name no label.", len(labels), sum(unnamed))
        labels = np.where(unnamed, vlm.likeliest(test), [-1 if label is None else label for label in labels])
    return np.array(labels, dtype=np.int64)


def _batches(dataset: PictureDataset, rows: slice) -> Iterator[list[Image.Image]]:
    for indices in torch.arange(rows.start, rows.stop).split(BATCH):
        yield to_pictures(dataset.plain(indices))
