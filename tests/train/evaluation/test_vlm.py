"""Vision-language models as baselines, of random weights: what they are asked, and that what they say is what counts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from kcdp.emotions import LABEL_SPACES, MIKELS_8
from kcdp.knowledge.captioner import Captioner
from tests.tiny_vlm import blip, blip_2, instruct_blip, llava, vision_encoder_decoder
from train.data.dataset import PictureDataset
from train.evaluation import vlm as module
from train.evaluation.baselines import linear_probe
from train.evaluation.domains import Domains
from train.evaluation.vlm import FORMS, AnswerConstraint, FrozenVLM, VLMConfig, label_in_answer, prompted

FAMILIES = [instruct_blip, blip_2, llava]


def loud(build: Callable, seed: int = 1) -> FrozenVLM:
    """A random model whose weights are so large that pictures and labels make a difference."""
    torch.manual_seed(seed)
    vlm = FrozenVLM(*build())
    for parameter in vlm.model.parameters():
        if parameter.ndim > 1:
            parameter.data.normal_(0, 0.5)
    return vlm


@pytest.fixture
def dataset(domains: Domains) -> PictureDataset:
    return domains.test("emoji")


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("sadness", "sadness"),
        ("Sadness.", "sadness"),
        ("it makes me feel sad", "sadness"),
        ("FEAR, or maybe anger", "fear"),
        ("an angry face", "anger"),
        ("contented", "contentment"),
        ("something awesome", None),
        ("42", None),
        ("", None),
    ],
)
def test_an_answer_names_a_label(answer: str, label: str | None) -> None:
    found = label_in_answer(answer, MIKELS_8.labels)
    assert (found is None) if label is None else MIKELS_8.labels[found] == label


@pytest.mark.parametrize("space", LABEL_SPACES.values(), ids=str)
def test_every_label_of_every_space_is_understood(space) -> None:
    for index, label in enumerate(space.labels):
        assert [label_in_answer(word, space.labels) for word in (label, *FORMS[label])] == [index] * (
            1 + len(FORMS[label])
        )


def slow_likelihoods(vlm: FrozenVLM, dataset: PictureDataset, index: int) -> list[float]:
    """Mean log-likelihood of every label as the answer, each in a forward pass of its own."""
    scores = []
    for label in dataset.emotions:
        answer = torch.tensor([vlm.answer_tokens(label)])
        answerer = vlm._answerer(dataset.emotions)
        inputs = answerer.inputs(next(module._batches(dataset, slice(index, index + 1))))
        with torch.no_grad():
            if vlm.model.config.get_text_config().is_encoder_decoder:
                logits = vlm.model(**inputs, labels=answer).logits
            else:
                whole = torch.cat([inputs["input_ids"], answer], dim=1)
                inputs |= {"input_ids": whole, "attention_mask": torch.ones_like(whole)}
                logits = vlm.model(**inputs).logits[:, -answer.shape[1] - 1 : -1]
        found = F.log_softmax(logits, dim=-1).gather(2, answer[..., None])
        scores.append(float(found.mean()))
    return scores


@pytest.mark.parametrize("build", FAMILIES)
def test_the_likeliest_label_is_the_one_of_a_slow_search(
    build: Callable, dataset: PictureDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Labels of one to three tokens, some of which begin alike."""
    words = [[8], [8, 9], [8, 9, 10], [11, 9], [11, 12, 13], [14], [15, 8, 8], [15, 8, 9]]
    tokens = {label: [*answer, 1] for label, answer in zip(dataset.emotions, words, strict=True)}
    monkeypatch.setattr(FrozenVLM, "answer_tokens", lambda self, label: tokens[label])
    chosen = set()
    for seed in range(3):
        vlm = loud(build, seed)
        expected = [int(np.argmax(slow_likelihoods(vlm, dataset, index))) for index in range(3)]
        assert vlm.likeliest(dataset)[:3].tolist() == expected
        chosen.update(expected)
    assert len(chosen) >= 2


def test_labels_of_several_tokens_count_as_a_whole() -> None:
    answers = [[5, 6, 1], [5, 7, 8, 1], [9, 1]]
    constraint = AnswerConstraint(answers)
    assert constraint(0, torch.tensor([3, 3])) == [5, 5, 9]
    assert constraint(0, torch.tensor([3, 3, 5])) == [6, 7]
    assert constraint(0, torch.tensor([3, 3, 5, 7])) == [8]
    assert constraint(0, torch.tensor([3, 3, 4])) == [1]
    assert constraint.index_of(torch.tensor([3, 3, 5, 6, 1, 0])) == 0
    assert constraint.index_of(torch.tensor([3, 3, 9, 1, 0, 0])) == 2


@pytest.mark.parametrize("build", FAMILIES)
def test_features_see_the_picture(build: Callable, domains: Domains) -> None:
    vlm, dataset = loud(build), domains.test("photos")
    seen = vlm.pictures(dataset)
    assert seen.shape == (len(dataset), 16)
    assert np.isfinite(seen).all()
    assert (np.linalg.norm(seen - seen[0], axis=1)[1:] > 1e-6).all()
    guesses = linear_probe(vlm, domains.source("photos"), dataset)
    assert guesses.shape == (len(dataset),)


def test_features_are_the_mean_states_of_the_encoder(vlm: FrozenVLM, dataset: PictureDataset) -> None:
    inputs = vlm._answerer(dataset.emotions).inputs(next(module._batches(dataset, slice(0, len(dataset)))))
    with torch.no_grad():
        output = vlm.model(**inputs, decoder_input_ids=torch.zeros(len(dataset), 1, dtype=torch.long))
    states = output.language_model_outputs.encoder_last_hidden_state
    np.testing.assert_allclose(vlm.pictures(dataset), states.mean(1), atol=1e-5)


def test_everything_is_asked_once(vlm: FrozenVLM, dataset: PictureDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    said = vlm.answers(dataset), vlm.likeliest(dataset).tolist(), vlm.pictures(dataset).tolist()
    monkeypatch.setattr(type(vlm.model), "generate", lambda self, **_: pytest.fail("asked again"))
    assert said == (vlm.answers(dataset), vlm.likeliest(dataset).tolist(), vlm.pictures(dataset).tolist())
    with pytest.raises(pytest.fail.Exception, match="asked again"):
        loud(instruct_blip).answers(dataset)


def test_the_question_names_every_label(vlm: FrozenVLM, dataset: PictureDataset) -> None:
    prompt = vlm._answerer(dataset.emotions).config.prompt
    assert "amusement, awe, contentment, excitement, anger, disgust, fear or sadness?" in prompt


def test_answers_count_and_silence_is_the_likeliest_label(
    vlm: FrozenVLM, dataset: PictureDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = ["angry", "well", "sadness", "", "an awed face", "fear"]
    monkeypatch.setattr(FrozenVLM, "answers", lambda self, dataset: said)
    monkeypatch.setattr(FrozenVLM, "likeliest", lambda self, dataset: np.array([0, 1, 2, 3, 4, 5]))
    labels = [dataset.emotions[index] for index in prompted(vlm, dataset)]
    assert labels == ["anger", "awe", "sadness", "excitement", "awe", "fear"]
    said[:] = ["fear"] * 6
    monkeypatch.setattr(FrozenVLM, "likeliest", lambda self, dataset: pytest.fail("not needed"))
    assert set(prompted(vlm, dataset)) == {dataset.emotions.index("fear")}


@pytest.mark.parametrize("build", FAMILIES)
def test_a_folder_is_loaded_and_says_the_same(build: Callable, dataset: PictureDataset, tmp_path: Path) -> None:
    model, processor = build()
    Captioner(model, processor, prompt="a photo of").save_pretrained(tmp_path)
    loaded = FrozenVLM.load(VLMConfig(str(tmp_path)), "cpu")
    assert loaded.key == FrozenVLM(model, processor).key
    assert loaded.answers(dataset) == FrozenVLM(model, processor).answers(dataset)


@pytest.mark.parametrize("build", [blip, vision_encoder_decoder])
def test_what_only_captions_cannot_be_asked(build: Callable) -> None:
    with pytest.raises(ValueError, match="answers no questions; take InstructBLIP"):
        FrozenVLM(*build())


def test_labels_that_a_tokenizer_does_not_know(
    vlm: FrozenVLM, dataset: PictureDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        FrozenVLM, "answer_tokens", lambda self, label: [2, 1] if label in ("awe", "fear") else [len(label), 1]
    )
    with pytest.raises(ValueError, match="cannot tell"):
        vlm.likeliest(dataset)


def test_models_of_the_hub_need_a_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.is_offline_mode", lambda: False)
    with pytest.raises(ValueError, match=r"needs a commit.*--vlm.revision COMMIT"):
        FrozenVLM.load(VLMConfig("org/vlm"), "cpu")
