import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sklearn.metrics import accuracy_score, f1_score
from torch.nn import functional as F

from kcdp.perception.pyramid import FeaturePyramid
from kcdp.prediction.cliea import CLIEA
from kcdp.prediction.moe import MixtureOfExperts
from tests.learning import losses_of_steps
from tests.two_processes import results_of_two
from train.core.trainer import LoopConfig, run_stage
from train.data.knowledge import KnowledgeCache
from train.stages.kcdp import KCDPConfig, KCDPStage, KCDPTask

TINY = KCDPConfig(classifier="v+k", lora_rank=2, lora_alpha=2.0, dropout=0.0, views=1)
LOOP = LoopConfig(steps=2, batch_size=4, learning_rate=1e-2, warmup_steps=0, validate_every=2, ema_decay=0.9)


@pytest.fixture(scope="module")
def stage(foundation, labelled_dataset):
    return KCDPStage(TINY, foundation, labelled_dataset, labelled_dataset)


def drawn(stage, size=6):
    return stage.batch(size, torch.Generator().manual_seed(1))


def test_training_lowers_the_loss_and_reaches_its_own_parameters_only(stage, foundation):
    task = stage.build()
    frozen = {name: value.clone() for name, value in foundation.unet.state_dict().items()}
    mine = {name: parameter for name, parameter in task.named_parameters() if parameter.requires_grad}
    assert {name.split(".")[0] for name in mine} == {"denoiser", "pyramid", "moe", "cliea"}
    assert all("lora_" in name for name in mine if name.startswith("denoiser"))
    batch = drawn(stage)
    losses = losses_of_steps(task, batch, 8)
    assert losses[-1] < 0.9 * losses[0]
    assert [name for name, parameter in mine.items() if parameter.grad is None] == []
    assert all(torch.equal(frozen[name], value) for name, value in foundation.unet.state_dict().items())
    for network in (foundation.unet, foundation.vae, foundation.text_encoder, foundation.captioner):
        assert all(parameter.grad is None for parameter in network.parameters())


@pytest.mark.parametrize("preset", ["paper", "released"])
def test_the_loss_is_equation_13_by_hand(stage, preset):
    """Four source pictures and two target pictures, whose labels CLIEA gives."""
    torch.manual_seed(0)
    task = KCDPTask(stage.foundation, replace(TINY, preset=preset), *stage.blank[0].shape[-2:])
    batch = drawn(stage)
    batch["labels"][4:] = -1
    losses = task(**batch)
    logits, similarities, balance = task.predict(batch["latents"], batch["states"], batch["pooled"])
    labels = batch["labels"]
    supervised = sum(-logits[row].log_softmax(0)[labels[row]] for row in range(4)) / 4
    contrastive = 0.0
    for row in range(4):
        scores = (similarities[row] / 0.07).exp()
        others = scores.sum() - (scores[labels[row]] if preset == "paper" else 0)
        contrastive = contrastive - (scores[labels[row]] / others).log() / 4
    adapted = sum(-logits[row].log_softmax(0)[similarities[row].argmax()] for row in (4, 5)) / 2
    expected = supervised + adapted + contrastive + (0.1 * balance if preset == "released" else 0)
    torch.testing.assert_close(losses["loss"], expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(losses["supervised"], supervised.detach(), rtol=1e-4, atol=1e-5)


def test_pseudo_labels_come_to_count_little_by_little(stage, foundation):
    """Nothing at first, half after half of the warm-up, all after all of it; validation does not move it on."""
    batch = dict(drawn(stage))
    batch["labels"] = torch.cat([batch["labels"][:4].clamp(min=0), torch.full((len(batch["labels"]) - 4,), -1)])
    states, _ = stage.blank
    losses = {}
    for warmup in (0, 4):
        config = replace(TINY, target_warmup=warmup)
        torch.manual_seed(0)
        task = KCDPTask(foundation, config, tokens=states.shape[-2], width=states.shape[-1]).eval()
        with torch.no_grad():
            task(**batch)
            for seen in (0, 2, 4):
                task.trained_batches.fill_(seen)
                losses[warmup, seen] = task(**batch)["loss"].item()
        assert task.trained_batches == 4
    assert losses[0, 0] == losses[0, 4] == pytest.approx(losses[4, 4])
    assert losses[4, 2] == pytest.approx((losses[4, 0] + losses[4, 4]) / 2, rel=1e-5)
    assert losses[4, 0] < losses[4, 4]


def test_without_cliea_targets_are_labelled_by_the_experts(stage):
    torch.manual_seed(0)
    task = KCDPTask(stage.foundation, replace(TINY, use_cliea=False), *stage.blank[0].shape[-2:])
    batch = drawn(stage)
    batch["labels"][4:] = -1
    losses = task(**batch)
    logits, _, balance = task.predict(batch["latents"], batch["states"], batch["pooled"])
    expected = F.cross_entropy(logits[:4], batch["labels"][:4]) + F.cross_entropy(logits[4:], logits[4:].argmax(1))
    torch.testing.assert_close(losses["loss"], expected + 0.1 * balance, rtol=1e-4, atol=1e-5)
    assert losses["contrastive"] == 0


@pytest.mark.parametrize("inputs", ["v", "k", "k+i", "v+k+i"])
@pytest.mark.parametrize("use_cliea", [True, False])
def test_what_asks_for_a_gradient_gets_one(foundation, labelled_dataset, inputs, use_cliea):
    """v without CLIEA and without experts that hear it has nothing to learn from."""
    config = replace(TINY, classifier=inputs, use_cliea=use_cliea)
    stage = KCDPStage(config, foundation, labelled_dataset, labelled_dataset)
    task = stage.build()
    losses_of_steps(task, drawn(stage), 2)
    asking = {name: weight for name, weight in task.named_parameters() if weight.requires_grad}
    assert [name for name, weight in asking.items() if weight.grad is None] == []
    parts = {name.split(".")[0] for name in asking}
    expected = {"moe"} | ({"cliea"} if use_cliea else set())
    assert parts == expected | ({"denoiser", "pyramid"} if use_cliea or "v" in inputs else set())


def test_only_agreed_pseudo_labels_are_learned_from(stage):
    """Of four targets the one whose label CLIEA and the experts agree on counts, for a quarter; without one nothing does."""
    torch.manual_seed(0)
    task = KCDPTask(stage.foundation, replace(TINY, agreed_labels=True), *stage.blank[0].shape[-2:]).eval()
    batch = drawn(stage, 8)
    batch["labels"][4:] = -1
    logits, similarities, balance = task.predict(batch["latents"], batch["states"], batch["pooled"])
    for agreed in (1, 0):
        answers = logits[4:].argmax(1)
        answers[agreed:] = (answers[agreed:] + 1) % 8
        similar = torch.cat([similarities[:4], F.one_hot(answers, 8).float()])
        task.predict = lambda *_, given=similar: (logits, given, balance)
        losses = task(**batch)
        sure = -logits[4].log_softmax(0)[logits[4].argmax()] / 4 if agreed else 0.0
        expected = losses["supervised"] + losses["contrastive"] + 0.1 * balance + sure
        torch.testing.assert_close(losses["loss"], expected, rtol=1e-4, atol=1e-5)


def test_a_target_gives_half_of_the_batch_without_labels(foundation, labelled_dataset, train_dataset):
    stage = KCDPStage(TINY, foundation, labelled_dataset, labelled_dataset, target=train_dataset)
    batch = drawn(stage, 7)
    assert (batch["labels"][:4] >= 0).all()
    assert (batch["labels"][4:] == -1).all()
    assert {name: len(value) for name, value in batch.items()} == dict.fromkeys(batch, 7)


def test_batches_are_decided_by_the_generator(stage):
    first, again = drawn(stage), drawn(stage)
    assert first.keys() == {"latents", "states", "pooled", "labels"}
    assert all(torch.equal(first[name], again[name]) for name in first)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_dropped_knowledge_is_that_of_an_empty_caption(stage, share):
    other = copy.copy(stage)
    other.config = replace(TINY, knowledge_dropout=share)
    batch = drawn(other)
    blank = [torch.equal(row, stage.blank[0][0]) for row in batch["states"]]
    assert blank == [share == 1] * 6
    if share:
        expected = stage.foundation.knowledge.encode([""], [[]])
        torch.testing.assert_close(batch["states"], expected.states.expand(6, -1, -1))
        torch.testing.assert_close(batch["pooled"], expected.pooled.expand(6, -1, -1))


def test_a_frozen_denoiser_looks_once_and_sees_the_same(foundation, labelled_dataset, validation_dataset, monkeypatch):
    stage = KCDPStage(replace(TINY, tuning="frozen", views=2), foundation, labelled_dataset, validation_dataset)
    task = stage.build().eval()
    assert task.frozen is stage.frozen
    rows, cache = torch.tensor([3, 0, 7]), KnowledgeCache(labelled_dataset, foundation, "both", 2)
    for view in range(3):
        looked, kept = cache.view(view, rows), stage.caches[id(labelled_dataset)].view(view, rows)
        assert kept["latents"].ndim == 2
        with torch.no_grad():
            found, task.frozen = task.predict(**kept), None
            expected, task.frozen = task.predict(**looked), stage.frozen
        for one, other in zip(expected, found, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-2, atol=1e-2)
    known, again = (stage.predict(task, one)[0] for one in (validation_dataset, copy.copy(validation_dataset)))
    np.testing.assert_array_equal(known, again)
    monkeypatch.setattr(type(task.denoiser), "forward", lambda *_: pytest.fail("looked again"))
    task(**drawn(stage))["loss"].backward()
    assert task.pyramid.lateral[0].weight.grad.abs().sum() > 0


def test_predictions_and_scores(stage, labelled_dataset):
    task = stage.build().eval()
    probabilities, similarities = stage.predict(task, labelled_dataset)
    assert probabilities.shape == similarities.shape == (len(labelled_dataset), 8)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)
    metrics = stage.validate(task)
    labels = labelled_dataset.labels.numpy()
    guesses = probabilities.argmax(1)
    assert metrics["accuracy-drawn"] == pytest.approx(accuracy_score(labels, guesses))
    assert metrics["macro_f1"] == pytest.approx(f1_score(labels, guesses, labels=np.unique(labels), average="macro"))
    assert metrics["cliea"] == pytest.approx(accuracy_score(labels, similarities.argmax(1)))


def test_two_processes_validate_as_one_does(stage, tmp_path):
    task = stage.build().eval()
    expected = stage.validate(task)
    for metrics in results_of_two(lambda: stage.validate(task), tmp_path):
        assert metrics == pytest.approx(expected)


def test_a_run_leaves_what_was_trained_and_the_foundation_as_it_was(stage, foundation, tmp_path):
    before = {name: value.clone() for name, value in foundation.unet.state_dict().items()}
    run_stage(stage, LOOP, tmp_path)
    best = tmp_path / "best"
    FeaturePyramid.from_pretrained(best / "pyramid")
    assert MixtureOfExperts.from_pretrained(best / "moe").config.num_classes == 8
    CLIEA.from_pretrained(best / "cliea")
    weights = load_file(best / "kgca" / "pytorch_lora_weights.safetensors")
    assert all("lora" in name for name in weights)
    assert any(value.abs().sum() > 0 for name, value in weights.items() if "lora_B" in name)
    assert all(torch.equal(before[name], value) for name, value in foundation.unet.state_dict().items())
