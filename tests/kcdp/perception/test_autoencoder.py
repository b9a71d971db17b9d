import numpy as np
import pytest
import torch

from kcdp.perception.autoencoder import PatchAutoencoderKL

LATENTS, FACTOR, SIZE = 6, 8, 32


def tiny(**changes):
    settings = {
        "patch_size": 4, "block_out_channels": (8, 16), "latent_channels": LATENTS, "norm_num_groups": 4, "sample_size": SIZE
    }  # fmt: skip
    return PatchAutoencoderKL(**settings | changes).eval()


@pytest.fixture(scope="module")
def pictures():
    """Smooth colours with a grey frame, (12, 3, 32, 32) in [-1, 1]."""
    coarse = torch.rand(12, 3, 5, 5, generator=torch.Generator().manual_seed(0)) * 2 - 1
    smooth = torch.nn.functional.interpolate(coarse, size=(SIZE, SIZE), mode="bicubic", align_corners=True)
    smooth[:, :, :2] = 0.3
    return smooth.clamp(-1, 1)


def blocks_of(pictures):
    """All f x f blocks in rows (blocks, 3 f f), channel, row, column; cut one by one."""
    array = pictures.double().numpy()
    return np.stack([
        picture[:, top : top + FACTOR, left : left + FACTOR].ravel()
        for picture in array
        for top in range(0, SIZE, FACTOR)
        for left in range(0, SIZE, FACTOR)
    ])  # fmt: skip


def pca_reference(pictures, count):
    """Reconstruction of `pictures` by the first `count` principal components of their blocks, from numpy's SVD.

    The mean returns as one colour a block, which is all that the decoder's bias can hold.
    """
    blocks = blocks_of(pictures)
    mean = blocks.mean(0)
    basis = np.linalg.svd(blocks - mean, full_matrices=False)[2][:count]
    flat = np.repeat(mean.reshape(3, -1).mean(1), FACTOR**2)
    rebuilt = iter((blocks - mean) @ basis.T @ basis + flat)
    result = np.empty(pictures.shape)
    for picture in result:
        for top in range(0, SIZE, FACTOR):
            for left in range(0, SIZE, FACTOR):
                picture[:, top : top + FACTOR, left : left + FACTOR] = next(rebuilt).reshape(3, FACTOR, FACTOR)
    return torch.from_numpy(result)


@torch.no_grad()
def test_it_starts_as_the_principal_components_of_blocks(pictures):
    vae = tiny()
    vae.initialize_linear(pictures)
    rebuilt = vae.decode(vae.encode(pictures).latent_dist.mode()).sample
    torch.testing.assert_close(rebuilt.double(), pca_reference(pictures, LATENTS), rtol=0, atol=1e-4)


@torch.no_grad()
def test_all_components_are_lossless_but_for_the_mean_s_pattern(pictures):
    vae = tiny(latent_channels=3 * FACTOR**2)
    # As many blocks as it takes for every component to be told apart.
    noise = torch.rand(40, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1)) * 2 - 1
    vae.initialize_linear(noise)
    mean = torch.from_numpy(blocks_of(noise).mean(0)).reshape(3, FACTOR, FACTOR)
    lost = (mean - mean.mean(dim=(1, 2), keepdim=True)).repeat(1, SIZE // FACTOR, SIZE // FACTOR)
    rebuilt = vae.decode(vae.encode(pictures).latent_dist.mode()).sample
    torch.testing.assert_close(rebuilt.double(), pictures.double() - lost, rtol=0, atol=1e-3)


@torch.no_grad()
def test_latents_are_centred_with_a_mean_deviation_of_1(pictures):
    vae = tiny()
    vae.initialize_linear(pictures)
    posterior = vae.encode(pictures).latent_dist
    latents = posterior.mode().transpose(0, 1).flatten(1)
    assert latents.shape == (LATENTS, 12 * (SIZE // FACTOR) ** 2)
    torch.testing.assert_close(latents.mean(1), torch.zeros(LATENTS), rtol=0, atol=1e-4)
    deviations = latents.std(1)
    assert deviations.mean().item() == pytest.approx(1, abs=1e-3)
    # Half-way to equal: the deviations are the square roots of the components' own, largest first.
    values = np.linalg.svd(blocks_of(pictures) - blocks_of(pictures).mean(0), compute_uv=False)[:LATENTS]
    expected = np.sqrt(values) / np.sqrt(values).mean()
    np.testing.assert_allclose(deviations.numpy(), expected, rtol=1e-3)
    torch.testing.assert_close(posterior.std, torch.full_like(posterior.std, np.exp(-3)))


@torch.no_grad()
def test_shapes_follow_the_configuration():
    for levels, patch in (((8, 16), 4), ((8, 8, 16), 2)):
        vae = tiny(block_out_channels=levels, patch_size=patch)
        latents = vae.encode(torch.zeros(2, 3, SIZE, 24)).latent_dist.mode()
        assert latents.shape == (2, LATENTS, SIZE // FACTOR, 24 // FACTOR)
        assert vae.decode(latents).sample.shape == (2, 3, SIZE, 24)
        assert vae.decode(latents, return_dict=False)[0].shape == (2, 3, SIZE, 24)


@torch.no_grad()
def test_saving_and_loading_changes_nothing(tmp_path, pictures, caplog):
    vae = tiny(scaling_factor=0.5)
    vae.initialize_linear(pictures)
    vae.save_pretrained(tmp_path)
    assert {file.suffix for file in tmp_path.iterdir()} == {".json", ".safetensors"}
    again = PatchAutoencoderKL.from_pretrained(tmp_path).eval()
    assert again.config.scaling_factor == 0.5
    assert "not expected" not in caplog.text
    assert again.state_dict().keys() == vae.state_dict().keys()
    before, after = vae.encode(pictures).latent_dist, again.encode(pictures).latent_dist
    assert torch.equal(before.parameters, after.parameters)
    assert torch.equal(vae.decode(before.mode()).sample, again.decode(before.mode()).sample)


def test_the_networks_learn_what_the_linear_maps_leave(pictures):
    vae = tiny().train()
    vae.initialize_linear(pictures)
    optimizer = torch.optim.Adam(vae.parameters(), lr=3e-3)
    losses = []
    for _ in range(12):
        loss = (vae.decode(vae.encode(pictures).latent_dist.mode()).sample - pictures).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]
    assert vae.encoder.conv_in.weight.grad.abs().sum() > 0
    assert vae.decoder.conv_out.weight.abs().sum() > 0
