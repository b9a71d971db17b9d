"""Long steps of a scheduler, against what the scheduler itself does."""

import copy

import pytest
import torch
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler, FlowMatchEulerDiscreteScheduler, LCMScheduler

from kcdp.painting.prompt import Condition
from kcdp.painting.sampling import denoise, noise_of, set_steps
from train.losses.distillation import LongSteps
from train.stages.unet import build_scheduler

SHAPE = (3, 4, 8, 8)
SCHEDULERS = [DDIMScheduler.from_config(build_scheduler().config), FlowMatchEulerDiscreteScheduler()]


class Said(torch.nn.Module):
    """A denoiser that says a share of the latents and what it is told of time and words."""

    dtype = torch.float32

    def __init__(self):
        super().__init__()
        self.config = type("Config", (), {"in_channels": 4, "out_channels": 4, "sample_size": 8})()

    def forward(self, inputs, times, encoder_hidden_states, added_cond_kwargs, return_dict=True):
        times = torch.as_tensor(times, dtype=torch.float32).expand(len(inputs)).reshape(-1, 1, 1, 1)
        said = 0.3 * inputs + times / 1000 + encoder_hidden_states.mean(dim=(1, 2)).reshape(-1, 1, 1, 1)
        return type("Output", (), {"sample": said})() if return_dict else (said,)


@pytest.mark.parametrize("scheduler", SCHEDULERS, ids=lambda one: type(one).__name__)
def test_a_step_is_the_schedulers_and_what_is_said_leads_there(scheduler):
    steps, own = LongSteps.of(scheduler, 4), copy.deepcopy(scheduler)
    torch.manual_seed(0)
    for number, timestep in enumerate(set_steps(own, 4)):
        latents, said = torch.randn(SHAPE), torch.randn(SHAPE)
        expected = own.step(said, timestep, latents, return_dict=False)[0]
        numbers = torch.full((3,), number)
        assert steps.timesteps[number] == timestep
        torch.testing.assert_close(steps.step(latents, said, numbers), expected, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(steps.target(latents, expected, numbers), said, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("scheduler", SCHEDULERS, ids=lambda one: type(one).__name__)
def test_a_walk_is_what_the_pipeline_does(scheduler):
    steps, unet = LongSteps.of(scheduler, 4), Said()
    condition = Condition(torch.tensor([0.1, -0.4, 0.8])[:, None, None].expand(3, 2, 5))
    expected = denoise(unet, scheduler, condition, [5, 6, 7], 4, lambda number, timestep, latents: latents)
    torch.testing.assert_close(
        steps.sample(unet, noise_of([5, 6, 7], SHAPE[1:]), condition), expected, atol=1e-4, rtol=1e-4
    )


@pytest.mark.parametrize("kind", [DPMSolverMultistepScheduler, LCMScheduler])
def test_steps_that_depend_on_more_are_refused(kind):
    with pytest.raises(ValueError, match=rf"{kind.__name__} cannot be taught to take long steps"):
        LongSteps.of(kind.from_config(build_scheduler().config), 4)
