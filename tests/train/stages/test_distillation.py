"""Distillation at 32 px: the teacher's trajectories, and what the student learns of them."""

import copy
import dataclasses

import pytest
import torch
from diffusers import DDIMScheduler, FlowMatchEulerDiscreteScheduler

from kcdp.painting.sampling import UNGUIDED, Guidance, denoise, noise_of
from kcdp.painting.student import load_student
from tests.learning import losses_of_steps
from train.core.trainer import LoopConfig, run_stage
from train.stages.distillation import DistillationConfig, DistillationStage, Teacher
from train.stages.painter_denoiser import PainterConfig
from train.stages.prompt_sampler import PromptSampler
from train.stages.unet import build_scheduler, build_unet

CONFIG = DistillationConfig(trajectories=10, held_out=3, steps=2, teacher_steps=6)
GUIDANCE = Guidance(3.0, 0.5)
CAPTIONS = ("a sad robot in the rain", "a cat on a beach")
DDIM = DDIMScheduler.from_config(build_scheduler().config)


def painter(conditioner, edits=False):
    torch.manual_seed(2)
    unet = build_unet(
        PainterConfig(block_out_channels=(16, 32), attention_head_dim=8),
        4,
        8,
        conditioner.prompts.widths[0],
        edits=edits,
    )
    return unet.eval()


@pytest.fixture(scope="module")
def teacher(conditioner):
    return Teacher(painter(conditioner), DDIM, GUIDANCE, conditioner)


@pytest.fixture(scope="module")
def sample_conditions(conditioner):
    return PromptSampler(conditioner, CAPTIONS)


@pytest.fixture(scope="module")
def stage(teacher, sample_conditions, dataset_cache):
    return DistillationStage("uniemo_distilled", CONFIG, teacher, sample_conditions, dataset_cache)


def drawn(stage, size=8, seed=0):
    return dict(stage.batch(size, torch.Generator().manual_seed(seed)))


def test_ways_are_those_of_the_pipelines_own_guided_steps(stage, teacher, conditioner):
    words = {name: value[:4] for name, value in stage.inputs.items()}
    seen = []

    def keep(number, timestep, latents):
        seen.append(latents)
        return latents

    condition, away = conditioner.condition(**words), conditioner.prompts.nothing()
    denoise(teacher.unet, DDIM, condition, range(4), 6, keep, away, GUIDANCE)
    expected = torch.stack([noise_of(range(4), (4, 8, 8)), seen[2], seen[5]], dim=1)
    torch.testing.assert_close(torch.from_numpy(stage.trajectories[:4]).float(), expected, atol=5e-3, rtol=5e-3)
    assert stage.trajectories.shape == (13, 3, 4, 8, 8)


def test_a_teacher_that_follows_emotions_more_has_ways_of_its_own(stage, teacher, conditioner):
    asked = {name: value[:2] for name, value in stage.inputs.items()}
    strong = dataclasses.replace(teacher, guidance=GUIDANCE._replace(emotion=2.0))
    found = strong.sample_trajectories(asked, [5, 6], 2, 1)
    condition, away = conditioner.condition(**asked), conditioner.prompts.nothing()
    neutral = conditioner.condition(**{**asked, "weights": torch.ones(2, 8)})
    kept = []

    def keep(number, timestep, latents):
        kept.append(latents)
        return latents

    denoise(teacher.unet, DDIM, condition, [5, 6], 2, keep, away, Guidance(3.0, 0.5, 2.0), neutral=neutral)
    torch.testing.assert_close(found[:, 1:], torch.stack(kept, dim=1))
    assert not torch.allclose(found, teacher.sample_trajectories(asked, [5, 6], 2, 1), atol=1e-3)


def test_the_loss_equals_a_slow_one(stage, conditioner):
    task, batch = stage.build().eval(), drawn(stage)
    found, total = task(**batch)["loss"].item(), 0.0
    scheduler = DDIMScheduler.from_config(DDIM.config)
    scheduler.set_timesteps(2)
    for row, number in enumerate(batch["numbers"].tolist()):
        words = ("ids", "places", "weights", "emotion_noise", "drop")
        condition = conditioner.condition(**{name: batch[name][row : row + 1] for name in words})
        begin, end = (batch["trajectory"][row : row + 1, number + more] for more in (0, 1))
        timestep = scheduler.timesteps[number]
        said = task.unet(begin, timestep, condition.states, return_dict=False)[0]
        # What is said differs from what leads to the end by as much, over `move`, as the ends differ.
        error = scheduler.step(said, timestep, begin).prev_sample - end
        total += (error / stage.steps.move[number]).square().mean().item() / 8
    assert set(batch["numbers"].tolist()) == {0, 1}
    assert found == pytest.approx(total, rel=1e-3)


def test_the_student_learns_and_its_average_follows_while_the_teacher_stays(stage, teacher):
    task, batch = stage.build().train(), drawn(stage)
    before = [value.clone() for value in task.average.parameters()]
    kept = [value.clone() for value in teacher.unet.parameters()]
    losses = losses_of_steps(task, batch, 15)
    assert losses[-1] < 0.9 * losses[0]
    assert any(not torch.equal(one, other) for one, other in zip(before, task.average.parameters(), strict=True))
    assert all(torch.equal(one, other) for one, other in zip(kept, teacher.unet.parameters(), strict=True))
    assert all(value.grad is None for value in task.average.parameters())


def test_ways_are_found_again_by_another_process(stage, teacher, sample_conditions, dataset_cache, monkeypatch):
    """diffusers keeps which settings nobody gave in the order of a set, which no two processes share."""
    other = copy.deepcopy(teacher.scheduler)
    named = list(reversed(other.config["_use_default_values"]))
    other.register_to_config(_use_default_values=named)
    monkeypatch.setattr(Teacher, "sample_trajectories", lambda *_: pytest.fail("painted again"))
    again = DistillationStage(
        "uniemo_distilled", CONFIG, dataclasses.replace(teacher, scheduler=other), sample_conditions, dataset_cache
    )
    assert (again.trajectories[:] == stage.trajectories[:]).all()


def test_a_student_as_good_as_its_teacher_is_at_no_distance(teacher, sample_conditions, dataset_cache):
    """Of as many steps and without guidance the teacher is its own student."""
    config = dataclasses.replace(CONFIG, teacher_steps=2, trajectories=2)
    same = dataclasses.replace(teacher, guidance=UNGUIDED)
    stage = DistillationStage("uniemo_distilled", config, same, sample_conditions, dataset_cache)
    task = stage.build().eval()
    assert stage.validate(task)["distance"] == pytest.approx(0, abs=2e-3)
    assert task(**drawn(stage))["loss"].item() == pytest.approx(0, abs=1e-4)
    for value in task.average.parameters():
        value.data.mul_(1.2)
    assert stage.validate(task)["distance"] > 0.05


def test_one_that_edits_is_shown_its_pictures(conditioner, dataset_cache):
    """Teacher and student see the source that was asked for: without it both say something else."""
    sources = torch.randn(13, 4, 8, 8, generator=torch.Generator().manual_seed(3))

    def sample_conditions(size, generator):
        return {**PromptSampler(conditioner, CAPTIONS)(size, generator), "source": sources[:size]}

    teacher = Teacher(painter(conditioner, edits=True), FlowMatchEulerDiscreteScheduler(), GUIDANCE, conditioner)
    stage = DistillationStage("painter_distilled", CONFIG, teacher, sample_conditions, dataset_cache)
    blind = teacher.sample_trajectories({**stage.inputs, "source": torch.zeros_like(sources)}, list(range(13)), 6, 3)
    assert (blind[:, -1] - torch.from_numpy(stage.trajectories[:, -1]).float()).abs().max() > 0.05
    task, batch = stage.build().eval(), drawn(stage)
    hidden = {**batch, "source": torch.zeros_like(batch["source"])}
    assert task(**batch)["loss"].item() != pytest.approx(task(**hidden)["loss"].item(), rel=1e-3)
    assert stage.validate(task)["distance"] > 0


def test_what_is_asked_for_is_kept_for_and_none_is_without_words(stage):
    assert not stage.inputs["drop"].any()
    assert {len(value) for value in stage.inputs.values()} == {13}
    batch = drawn(stage, 64)
    assert set(batch["numbers"].tolist()) == {0, 1}
    # Held-out ways are never learned from.
    ways = torch.from_numpy(stage.trajectories[:10]).float()
    assert all(any(torch.equal(trajectory, known) for known in ways) for trajectory in batch["trajectory"])


def test_steps_have_to_fit(teacher, sample_conditions, dataset_cache):
    with pytest.raises(ValueError, match="A teacher of 5 steps does not stop where 2 long ones end"):
        DistillationStage("x", dataclasses.replace(CONFIG, teacher_steps=5), teacher, sample_conditions, dataset_cache)


def test_a_student_of_low_rank_learns_its_change_alone_and_leaves_that(
    teacher, sample_conditions, dataset_cache, tmp_path
):
    stage = DistillationStage(
        "uniemo_distilled", dataclasses.replace(CONFIG, rank=4), teacher, sample_conditions, dataset_cache
    )
    task = stage.build().train()
    losses = losses_of_steps(task, drawn(stage), 15)
    assert losses[-1] < 0.95 * losses[0]
    stage.export(task, tmp_path)
    student = load_student(tmp_path / "unet", lambda: copy.deepcopy(teacher.unet))
    trajectory = torch.from_numpy(stage.trajectories[:2]).float()
    condition = teacher.conditioner.condition(**{name: value[:2] for name, value in stage.inputs.items()})
    found, expected = (stage.steps.sample(unet, trajectory[:, 0], condition) for unet in (student, task.average))
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(found, stage.steps.sample(teacher.unet, trajectory[:, 0], condition), atol=1e-3)


def test_a_run_leaves_the_average(stage, tmp_path):
    loop = LoopConfig(steps=2, batch_size=4, warmup_steps=0, validate_every=2)
    metrics = run_stage(stage, loop, tmp_path)
    assert metrics["score"] == -metrics["distance"] < 0
    assert (tmp_path / "best" / "unet" / "config.json").is_file()
