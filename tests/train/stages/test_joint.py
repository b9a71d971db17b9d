"""Equation 10 against a slow reading, whom its gradients reach, and what a run leaves."""

from __future__ import annotations

import copy
import dataclasses
import math

import numpy as np
import pytest
import torch
from diffusers import UNet2DConditionModel
from torch.nn import functional as F

from kcdp.uniemo.correlation import EmotionalCorrelation
from kcdp.uniemo.fusion import EmotionFusion
from kcdp.uniemo.query_chain import ExpertQueryChain
from tests.learning import losses_of_steps
from tests.two_processes import results_of_two
from train.core.trainer import LoopConfig, recompute_activations, run_stage
from train.losses.uniemo import PAPER
from train.stages import joint as module
from train.stages.joint import JointConfig, partners, plain_unet

LOOP = LoopConfig(steps=2, batch_size=4, warmup_steps=0, validate_every=2, ema_decay=0.9)


@pytest.fixture(scope="module")
def stage(joint_parts):
    return joint_parts.stage(JointConfig(word_dropout=0.5, caption_dropout=0.3, token_length=True))


def drawn(stage, size=8, **changes):
    return dict(stage.batch(size, torch.Generator().manual_seed(3))) | changes


def test_a_share_of_the_pictures_is_painted_under_another_one_of_the_same_emotion():
    labels = torch.tensor([0, 1, 0, -1, 1, 0, -1, 2] * 50)
    own = torch.arange(len(labels))
    generator = torch.Generator().manual_seed(0)
    assert torch.equal(partners(labels, 0.0, generator), own)
    for share in (0.5, 1.0):
        found = partners(labels, share, generator)
        assert torch.equal(labels[found], labels)
        assert torch.equal(found[labels < 0], own[labels < 0])
        swapped = (found != own)[labels >= 0].float().mean()
        assert share - 0.1 < swapped <= share + 0.05
    # Those who are alike have the same chance.
    counts = partners(labels[:6], 1.0, generator).new_zeros(6)
    for _ in range(600):
        counts[partners(labels[:6], 1.0, generator)[0]] += 1
    assert counts[[1, 3, 4]].sum() == 0 and counts[[0, 2, 5]].min() > 150


@torch.no_grad()
def test_a_picture_is_painted_under_its_partners_emotion(stage):
    task, batch = stage.build().eval(), drawn(stage, 4, drop=torch.zeros(4, dtype=torch.bool))
    turned = torch.tensor([1, 0, 3, 2])
    fused = task.fuse(
        task.understanding.chain.forward_tokens(task.understanding.vision, batch["tokens"]), batch["labels"]
    )
    found = task(**batch | {"partners": turned})["denoising"]
    torch.testing.assert_close(found, task.denoising(fused[turned], **painted(batch)))
    assert found != task(**batch | {"partners": torch.arange(4)})["denoising"]


def painted(batch):
    return {name: batch[name] for name in ("latents", "noise", "timesteps", "ids", "places", "drop")}


def follow(task, batch):
    return task.understanding.chain.forward_tokens(task.understanding.vision, batch["tokens"])


def test_without_a_condition_its_head_learns_nothing(stage, monkeypatch):
    monkeypatch.setattr(stage, "config", JointConfig(condition="none"))
    task = stage.build()
    losses = task(**drawn(stage, 4))
    assert losses["condition"].item() == 0
    losses["loss"].backward()
    # There is a gradient all the same: processes that learn together wait for one.
    assert not any(parameter.grad.any() for parameter in task.fusion.head.parameters())
    assert any(row.grad is not None and row.grad.any() for row in task.understanding.chain.parameters())


@torch.no_grad()
@pytest.mark.parametrize("condition", ["cond", "ce"])
def test_the_loss_equals_a_slow_one(joint_parts, stage, monkeypatch, condition):
    """One picture at a time, prompts by their words; channels count by their deviation."""
    monkeypatch.setattr(stage, "config", JointConfig(condition=condition, channel_power=1.0))
    deviations = np.asarray(stage.sources[0][1][:], dtype=np.float64).std(axis=(0, 2, 3))
    prompts = ["", "a cat on a beach", "a robot", "a cat on fire"]
    task, foundation = stage.build().eval(), joint_parts.foundation
    clean = stage.sources[0][1][:4]
    steps, labels = torch.tensor([0, 250, 700, 999]), torch.tensor([0, 1, -1, 2])
    batch = drawn(stage, 4) | stage._denoised(clean, prompts, torch.Generator().manual_seed(1))
    batch |= {"timesteps": steps, "labels": labels, "drop": torch.tensor([False, False, False, True])}
    losses = task(**batch)

    out = task.understanding.chain.forward_tokens(task.understanding.vision, batch["tokens"])
    seen = task.understanding.losses(out, labels, batch["scene"], batch["object"])
    table, fusion = task.correlation, task.fusion
    kept = task.scheduler.alphas_cumprod.double()
    denoising, fused = 0.0, []
    for row in range(4):
        weights = F.one_hot(labels[row], 3).float() if labels[row] >= 0 else out.logits[row].softmax(0)
        alphas = []
        for kind, embeds in (("scene", out.scene_embeds), ("object", out.object_embeds)):
            (nearest,) = table.nearest(embeds[row : row + 1], kind=kind)[0].tolist()
            alphas.append((table.coefficients[nearest] @ weights if nearest >= 0 else torch.tensor(0.0))[None])
        one = fusion(out.cls[row : row + 1], out.scene[row].mean(0)[None], out.object[row].mean(0)[None], *alphas)
        fused.append(one[0])
        if batch["drop"][row]:
            told = foundation.prompts.plain([""])
        else:
            told = foundation.prompts.with_emotions([f"<emotion> {prompts[row]}"], [[(one[0], 1.0)]])
        signal, noise = kept[steps[row]].sqrt(), (1 - kept[steps[row]]).sqrt()
        latents, disturbance = batch["latents"][row].double(), batch["noise"][row].double()
        noisy = (signal * latents + noise * disturbance).float()
        velocity = foundation.unet(noisy[None], int(steps[row]), told.states).sample[0].double()
        error = (velocity - (signal * disturbance - noise * latents)).square()
        for channel, deviation in enumerate(deviations):
            denoising += (error[channel].mean() * deviation / deviations.mean()).item() / len(deviations) / 4
    assert losses["denoising"].item() == pytest.approx(denoising, rel=1e-3)

    total = 0.0
    for row, label in ((0, 0), (1, 1), (3, 2)):
        cross = F.cross_entropy(fusion.head(fused[row][None]), torch.tensor([label])).item()
        own, *wrong = (
            F.cosine_similarity(fused[row], fusion.prototypes[k], dim=0).item() for k in (label, *{0, 1, 2} - {label})
        )
        total += (cross + (max(0.0, 0.5 - own + max(wrong)) if condition == "cond" else 0.0)) / 3
    assert losses["condition"].item() == pytest.approx(total, rel=1e-3)
    torch.testing.assert_close(losses["understanding"], seen["loss"])
    expected = 0.3 * seen["loss"].item() + 0.3 * total + 0.4 * denoising
    assert (PAPER.understanding, PAPER.condition, PAPER.denoising) == (0.3, 0.3, 0.4)
    assert losses["loss"].item() == pytest.approx(expected, rel=1e-3)


def test_what_paints_teaches_what_sees(stage):
    """Implicit feedback: the denoiser's loss alone reaches queries, blocks and tower, and nothing frozen."""
    task, batch = stage.build(), drawn(stage, drop=torch.zeros(8, dtype=torch.bool))
    task.denoising(task.fuse(follow(task, batch), batch["labels"]), **painted(batch)).backward()
    chain = task.understanding.chain
    for parameter in (chain.scene_queries, chain.object_queries, chain.scene_block.beta, task.fusion.log_norm):
        assert parameter.grad.abs().sum() > 0
    assert task.understanding.vision.encoder.layers[0].mlp.fc1.weight.grad.abs().sum() > 0
    frozen = [p for part in (task._frozen.unet, *task._frozen.prompts.text_encoders) for p in part.parameters()]
    assert frozen and all(parameter.grad is None for parameter in frozen)


def test_the_frozen_denoiser_can_compute_its_activations_again(stage):
    task, batch = stage.build(), drawn(stage)
    gradients = []
    for again in (False, True):
        if again:
            recompute_activations(task)
        assert task.unet.is_gradient_checkpointing == again
        task.zero_grad()
        task.denoising(task.fuse(follow(task, batch), batch["labels"]), **painted(batch)).backward()
        gradients.append(task.understanding.chain.scene_queries.grad.clone())
    task.unet.disable_gradient_checkpointing()
    assert gradients[0].any()
    torch.testing.assert_close(gradients[1], gradients[0])


@pytest.mark.parametrize("tune", ["none", "lora", "full"])
def test_training_lowers_the_loss_and_leaves_the_foundation_alone(joint_parts, tmp_path, tune):
    stage = joint_parts.stage(JointConfig(tune_unet=tune, lora_rank=2))
    before = copy.deepcopy(joint_parts.foundation.unet.state_dict())
    task, batch = stage.build(), drawn(stage, 12, drop=torch.zeros(12, dtype=torch.bool))
    batch["timesteps"] = batch["timesteps"].clamp(200, 600)
    learning = {name for name, parameter in task.named_parameters() if parameter.requires_grad}
    own = {name for name in learning if name.startswith("tuned.")}
    assert bool(own) == (tune != "none") and all(("lora" in name) == (tune == "lora") for name in own)
    assert not any("text" in name or "_frozen" in name for name in task.state_dict())
    losses = losses_of_steps(task, batch, 20)
    assert losses[-1] < 0.9 * losses[0]
    assert [name for name, p in task.named_parameters() if p.requires_grad and p.grad is None] == []
    after = joint_parts.foundation.unet.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())

    task.eval()
    stage.export(task, tmp_path)
    assert (tmp_path / "unet").is_dir() == (tune != "none")
    if tune == "none":
        return
    unet = UNet2DConditionModel.from_pretrained(tmp_path / "unet")
    inputs = (batch["latents"], batch["timesteps"], torch.randn(12, 32, 32))
    with torch.no_grad():
        expected, found = task.unet(*inputs).sample, unet(*inputs).sample
        plain = joint_parts.foundation.unet(*inputs).sample
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(plain, expected, atol=1e-3)
    assert set(unet.state_dict()) == set(before)
    # Merging for the export has not changed what goes on training.
    assert bool(getattr(task.unet, "peft_config", None)) == (tune == "lora")


@pytest.mark.parametrize("tune", ["lora", "full"])
def test_what_learns_of_a_denoiser_of_16_bits_has_32(joint_parts, tmp_path, tune):
    """A step of 1e-5 changes it; a weight of 16 bits would stay where it is."""
    unet = copy.deepcopy(joint_parts.foundation.unet).to(torch.bfloat16)
    parts = dataclasses.replace(joint_parts, foundation=dataclasses.replace(joint_parts.foundation, unet=unet))
    stage = parts.stage(JointConfig(tune_unet=tune, lora_rank=2))
    task = stage.build()
    learning = [parameter for parameter in task.tuned.parameters() if parameter.requires_grad]
    assert {parameter.dtype for parameter in learning} == {torch.float32}
    assert {p.dtype for p in task.tuned.parameters() if not p.requires_grad} <= {torch.bfloat16}
    before = [parameter.detach().clone() for parameter in learning]
    optimizer = torch.optim.Adam(learning, lr=1e-5)
    task(**drawn(stage, 4))["loss"].backward()
    optimizer.step()
    assert any((parameter.grad.abs() > 1e-6).any() for parameter in learning)
    for parameter, old in zip(learning, before, strict=True):
        assert (parameter != old)[parameter.grad.abs() > 1e-6].all()
    stage.export(task, tmp_path)
    assert UNet2DConditionModel.from_pretrained(tmp_path / "unet").conv_in.weight.isfinite().all()


@pytest.mark.parametrize("use", ["cls", "cls+scene", "cls+object", "all"])
def test_what_is_fused_is_a_setting(joint_parts, use):
    fusion = joint_parts.stage(JointConfig(use=use, token_length=True)).build().fusion
    assert fusion.config.use == use
    words = joint_parts.foundation.text_encoder.embeddings.token_embedding.weight
    assert fusion.log_norm.exp().item() == pytest.approx(words.norm(dim=1).mean().item(), rel=1e-4)


@torch.no_grad()
def test_a_dropped_caption_is_the_empty_prompt(stage):
    task, batch = stage.build().eval(), drawn(stage)
    batch["drop"] = torch.ones(8, dtype=torch.bool)
    fused = torch.randn(8, 32)
    first = task.denoising(fused, **painted(batch))
    assert task.denoising(2 * fused, **painted(batch)) == first
    batch["drop"] = ~batch["drop"]
    assert task.denoising(fused, **painted(batch)) != task.denoising(-fused, **painted(batch))


def test_batches_are_plain_pictures_with_prompts_that_say_no_emotion(stage, joint_parts):
    first, again = drawn(stage, 60), drawn(stage, 60)
    assert all(torch.equal(first[name], again[name]) for name in first)
    dataset, latents = stage.pictures.train, torch.from_numpy(np.array(stage.sources[0][1])).float()
    tokenizer, silent = joint_parts.foundation.tokenizer, 0
    for row in range(60):
        (index,) = (latents == first["latents"][row]).flatten(1).all(1).nonzero().flatten().tolist()
        assert first["labels"][row] == dataset.labels[index]
        assert any(
            np.array_equal(view[index].astype(np.float32), first["tokens"][row].numpy())
            for view in stage.pictures.views
        )
        # Start, then the emotion's place, then words.
        assert first["places"][row].tolist() == [1]
        words = tokenizer.decode(first["ids"][row, 0, 2:], skip_special_tokens=True)
        thing = {0: "a cat on a beach", 1: "a cat on fire", 2: "a robot in the rain"}[int(first["labels"][row])]
        assert words.strip() in ("", thing)
        silent += words.strip() == ""
    assert 15 < silent < 45
    assert 8 < first["drop"].sum() < 30
    assert first["timesteps"].max() > 800 > 200 > first["timesteps"].min()


def test_generated_pictures_are_their_share_of_every_batch(joint_parts, thing_datasets):
    held_out = thing_datasets[1]
    stage = joint_parts.stage(JointConfig(), generated=held_out, share=0.25, name="uniemo_feedback")
    assert stage.name == "uniemo_feedback"
    batch = drawn(stage, 16)
    known = torch.from_numpy(np.array(stage.held_out)).float()
    made = torch.stack([(known == latents).flatten(1).all(1).any() for latents in batch["latents"]])
    assert made.sum() == 4
    scenes = stage.pictures.tables["scene"].names
    for label, scene in zip(batch["labels"][made], batch["scene"][made], strict=True):
        assert scenes[scene] == {0: "beach", 1: "fire", 2: "rain"}[int(label)]


@torch.no_grad()
def test_validation_is_the_same_every_time(stage, monkeypatch):
    task = stage.build().eval()
    first = stage.validate(task)
    torch.manual_seed(8)
    assert stage.validate(task) == first
    assert first["score"] == pytest.approx(first["macro_f1"] - first["denoising"])
    assert 0 <= first["fused_f1"] <= 1 and math.isfinite(first["denoising"])
    assert {"accuracy-drawn", "scene_recall", "object_recall"} <= set(first)
    # No label has a say in F.
    monkeypatch.setattr(module, "validation_rows", lambda dataset, generator: torch.arange(3))
    rows = torch.from_numpy(np.array(stage.pictures.held_out[:3])).float()
    out = task.understanding.chain.forward_tokens(task.understanding.vision, rows)
    expected = task.fusion.head(task.fuse(out, torch.full((3,), -1))).argmax(1)
    right = (expected == stage.pictures.validation.labels[:3]).float().mean()
    assert (stage.validate(task)["fused_f1"] == 1) == (right == 1)


@torch.no_grad()
def test_two_processes_validate_as_one_does(stage, monkeypatch, tmp_path):
    task = stage.build().eval()
    # In two parts, so that either process has one.
    ((rows, painted),) = stage.validation_batches()
    parts = [
        (rows[half], {name: value[half] for name, value in painted.items()}) for half in (slice(2), slice(2, None))
    ]
    monkeypatch.setattr(stage, "validation_batches", lambda: iter(parts))
    expected = stage.validate(task)
    for metrics in results_of_two(lambda: stage.validate(task), tmp_path):
        assert metrics == pytest.approx(expected)


def test_a_run_leaves_everything_and_another_goes_on_from_it(joint_parts, tmp_path):
    stage = joint_parts.stage(JointConfig(tune_unet="full", use="cls+scene"))
    metrics = run_stage(stage, LOOP, tmp_path / "joint")
    best = tmp_path / "joint" / "best"
    assert {"score", "macro_f1", "denoising", "fused_f1"} <= set(metrics)
    assert {path.name for path in best.iterdir()} == {"vision", "chain", "fusion", "correlation", "unet"}
    assert EmotionalCorrelation.from_pretrained(best / "correlation").config.attributes[0] == "beach"
    chain = ExpertQueryChain.from_pretrained(best / "chain")
    fusion = EmotionFusion.from_pretrained(best / "fusion")
    # Frozen now, the denoiser is the one that was tuned, and is handed on.
    following = joint_parts.stage(JointConfig(), best)
    task = following.build()
    assert torch.equal(task.understanding.chain.scene_queries, chain.scene_queries)
    assert task.fusion.config.use == "cls+scene" and torch.equal(task.fusion.prototypes, fusion.prototypes)
    following.export(task, tmp_path / "next")
    states = [plain_unet(task.unet).state_dict()]
    states += [UNet2DConditionModel.from_pretrained(path / "unet").state_dict() for path in (best, tmp_path / "next")]
    for name, value in states[0].items():
        assert all(torch.equal(value, other[name]) for other in states[1:])
    base = joint_parts.foundation.unet.state_dict()
    assert any(not torch.equal(value, base[name]) for name, value in states[0].items())


def test_prompts_say_nothing_or_the_object_or_the_caption(joint_parts):
    stage = joint_parts.stage(JointConfig(word_dropout=0.2, noun_share=0.5))
    names = stage.pictures.tables["object"].names
    captions = ["a robot, showing fear"] * 4
    assert stage._prompts(captions, [0, 0, -1, 0], [0.1, 0.6, 0.6, 0.9]) == ["", f"a {names[0]}", "a robot", "a robot"]
