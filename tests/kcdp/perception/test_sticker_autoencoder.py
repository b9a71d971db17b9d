"""The painter's autoencoder: its code against plain arithmetic, its network, and files."""

import numpy as np
import pytest
import torch

from kcdp.perception.sticker_autoencoder import StickerAutoencoder
from tests.learning import losses_of_steps

FACTOR, SIZE = 16, 64


def tiny(**changes):
    settings = {"latent_channels": 8, "width": 16, "blocks": 1, "sample_size": SIZE}
    return StickerAutoencoder(**settings | changes).eval()


@pytest.fixture(scope="module")
def pictures():
    """Smooth colours and opacity, (6, 4, 64, 64) in [-1, 1]."""
    coarse = torch.rand(6, 4, 5, 5, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return torch.nn.functional.interpolate(coarse, size=(SIZE, SIZE), mode="bicubic", align_corners=True).clamp(-1, 1)


def blocks_of(pictures):
    return np.stack([
        picture[:, top : top + FACTOR, left : left + FACTOR].ravel()
        for picture in pictures.double().numpy()
        for top in range(0, SIZE, FACTOR)
        for left in range(0, SIZE, FACTOR)
    ])  # fmt: skip


@torch.no_grad()
def test_latents_are_principal_components_of_colours_and_opacity(pictures):
    vae = tiny()
    vae.initialize_linear(pictures, evenness=0)
    blocks = blocks_of(pictures)
    basis = np.linalg.svd(blocks - blocks.mean(0), full_matrices=False)[2][:8]
    expected = (blocks - blocks.mean(0)) @ basis.T
    found = vae.encode(pictures).latent_dist.mode().permute(0, 2, 3, 1).flatten(0, 2).double().numpy()
    # Up to sign and one scale for all, which brings the mean deviation to 1.
    np.testing.assert_allclose(np.abs(found), np.abs(expected) / expected.std(axis=0, ddof=1).mean(), atol=2e-3)


@torch.no_grad()
def test_the_code_is_the_same_where_bfloat16_is_chosen(pictures):
    # Four channels and a stride of 16: what a CPU's bfloat16 convolution cannot be trusted with.
    vae = tiny()
    vae.initialize_linear(pictures)
    plain = vae.encode(pictures).latent_dist.mode()
    with torch.autocast("cpu", torch.bfloat16):
        found = vae.encode(pictures).latent_dist.mode()
    assert (found - plain).norm() < 0.02 * plain.norm()


def test_the_network_starts_silent_and_learns_what_the_code_leaves(pictures):
    torch.manual_seed(0)
    vae = tiny()
    vae.initialize_linear(pictures)
    latents = vae.encode(pictures).latent_dist.mode().detach()
    torch.testing.assert_close(vae.decode(latents).sample, vae.linear_decoder(latents))

    class Task(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.vae = vae

        def forward(self, latents, pictures):
            return {"loss": (vae.decode(latents).sample - pictures).square().mean()}

    losses = losses_of_steps(Task(), {"latents": latents, "pictures": pictures}, 30)
    assert losses[-1] < 0.8 * losses[0]


@torch.no_grad()
def test_the_network_sees_the_latents_beside_the_blurred_picture(pictures):
    torch.manual_seed(0)
    vae = tiny()
    latents = torch.randn(1, 8, 4, 4)
    with_latents = vae.decode(latents).sample
    # Without what the code shows of them, they still matter.
    vae.linear_decoder.weight.zero_()
    assert not torch.equal(vae.decode(latents).sample, vae.decode(torch.zeros_like(latents)).sample)
    assert with_latents.shape == (1, 4, SIZE, SIZE)


def test_saving_and_loading_changes_nothing(pictures, tmp_path):
    vae = tiny()
    vae.initialize_linear(pictures)
    vae.save_pretrained(tmp_path)
    again = StickerAutoencoder.from_pretrained(tmp_path).eval()
    with torch.no_grad():
        latents = vae.encode(pictures).latent_dist.sample()
        assert torch.equal(again.decode(latents, return_dict=False)[0], vae.decode(latents).sample)
    assert (latents - vae.encode(pictures).latent_dist.mode()).abs().max() < 0.05
