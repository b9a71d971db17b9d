"""Denoising by rectified flow, against its own formulas."""

import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler

from kcdp.painting.prompt import Condition
from kcdp.painting.sampling import Guidance, denoise, steps_taken


class Straight(torch.nn.Module):
    """A denoiser that knows the picture: what it says is noise - picture, wherever the latents are."""

    def __init__(self, picture: torch.Tensor) -> None:
        super().__init__()
        self.config = type("Config", (), {"in_channels": 4, "out_channels": 4, "sample_size": 8})()
        self.picture, self.seen = picture, []

    def forward(self, latents, timestep, **_):
        self.seen.append((latents.clone(), float(timestep)))
        share = timestep / 1000
        return ((latents - (1 - share) * self.picture) / share - self.picture,)


def run(picture, **options):
    unet = Straight(picture)
    condition = Condition(torch.zeros(2, 3, 5))
    made = denoise(
        unet, FlowMatchEulerDiscreteScheduler(), condition, [3, 4], 4, lambda number, time, latents: latents, **options
    )
    return made, unet.seen


def noise_of(seed):
    return torch.randn(4, 8, 8, generator=torch.Generator().manual_seed(seed))


def test_from_noise_alone_a_straight_flow_ends_in_the_picture():
    picture = torch.randn(2, 4, 8, 8)
    made, seen = run(picture)
    torch.testing.assert_close(made, picture, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(seen[0][0], torch.stack([noise_of(3), noise_of(4)]))
    # No step begins where there is hardly any noise left.
    assert [time for _, time in seen] == [1000, 750, 500, 250]


def test_from_a_picture_the_first_steps_are_left_out():
    picture = torch.randn(2, 4, 8, 8)
    made, seen = run(picture, begin=picture, strength=0.5)
    assert [time for _, time in seen] == [500, 250]
    share = 0.5
    expected = (1 - share) * picture + share * torch.stack([noise_of(3), noise_of(4)])
    torch.testing.assert_close(seen[0][0], expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(made, picture, atol=1e-4, rtol=1e-4)


class Listening(torch.nn.Module):
    """A denoiser that keeps what it is shown and changes nothing."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.config = type("Config", (), {"in_channels": in_channels, "out_channels": 4, "sample_size": 8})()
        self.shown = []

    def forward(self, latents, timestep, **_):
        self.shown.append(latents)
        return (torch.zeros_like(latents[:, :4]),)


def listen(in_channels, **options):
    unet = Listening(in_channels)
    condition = Condition(torch.zeros(2, 3, 5))
    denoise(
        unet, FlowMatchEulerDiscreteScheduler(), condition, [3, 4], 2, lambda number, time, latents: latents, **options
    )
    return unet.shown


def test_a_denoiser_that_edits_sees_the_picture_beside_its_own_latents_at_every_step():
    picture = torch.randn(1, 4, 8, 8)
    shown = listen(8, beside=picture, away=Condition(torch.ones(1, 3, 5)), guidance=Guidance(2.0))
    assert len(shown) == 2
    for inputs in shown:
        assert torch.equal(inputs[:, 4:], picture.expand(4, -1, -1, -1))
        assert torch.equal(inputs[:2, :4], inputs[2:, :4])


def test_without_a_picture_it_sees_zeros_and_one_that_does_not_edit_takes_none():
    assert all((inputs[:, 4:] == 0).all() for inputs in listen(8))
    assert all(inputs.shape[1] == 4 for inputs in listen(4))
    with pytest.raises(ValueError, match="not learned to edit"):
        listen(4, beside=torch.zeros(1, 4, 8, 8))


class Saying(torch.nn.Module):
    """A denoiser that says, of every picture, the first number that it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.config = type("Config", (), {"in_channels": 4, "out_channels": 4, "sample_size": 8})()

    def forward(self, latents, timestep, encoder_hidden_states, **_):
        return (encoder_hidden_states[:, :1, :1, None].expand_as(latents),)


@pytest.mark.parametrize("emotion", [1.0, 1.7])
def test_the_emotion_is_followed_so_many_times_as_strongly_as_the_words(emotion):
    """away + s (neutral - away) + s e (towards - neutral), for one Euler step over the whole way: noise - that."""
    told = Condition(torch.tensor([2.0, 3.0])[:, None, None].expand(2, 3, 5))
    neutral, away = Condition(torch.full((2, 3, 5), 0.5)), Condition(torch.full((1, 3, 5), -1.0))
    made = denoise(
        Saying(), FlowMatchEulerDiscreteScheduler(), told, [3, 4], 1, lambda number, time, latents: latents,
        away, Guidance(3.0, 0.0, emotion), neutral=neutral,
    )  # fmt: skip
    for row, towards in enumerate((2.0, 3.0)):
        said = -1.0 + 3.0 * (0.5 + 1.0) + 3.0 * emotion * (towards - 0.5)
        torch.testing.assert_close(made[row], noise_of(3 + row) - said, atol=1e-4, rtol=1e-4)


def test_the_strength_is_a_share_of_the_steps():
    assert [steps_taken(100, share) for share in (0.29, 0.57, 0.005, 1.0)] == [29, 57, 1, 100]
