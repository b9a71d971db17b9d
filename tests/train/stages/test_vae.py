import copy

import numpy as np
import pytest
import torch

from kcdp.perception.autoencoder import PatchAutoencoderKL
from train.core.trainer import LoopConfig, run_stage
from train.stages.vae import VAEConfig, VAEStage, VAETask, psnr

TINY = VAEConfig(block_out_channels=(16, 16), latent_channels=4)
LOOP = LoopConfig(steps=2, batch_size=4, learning_rate=1e-3, warmup_steps=0, validate_every=2)


@pytest.fixture
def stage(train_dataset, validation_dataset):
    return VAEStage(TINY, train_dataset, validation_dataset)


def test_psnr_equals_a_slow_one():
    first, second = torch.rand(3, 3, 5, 7) * 2 - 1, torch.rand(3, 3, 5, 7) * 2 - 1
    expected = [
        10 * np.log10(2**2 / np.mean((a.numpy().astype(np.float64) - b.numpy()) ** 2))
        for a, b in zip(first, second, strict=True)
    ]
    torch.testing.assert_close(psnr(first, second).double(), torch.tensor(expected), rtol=1e-5, atol=1e-5)
    assert psnr(first, first).min() == pytest.approx(10 * np.log10(4e10), rel=1e-4)
    assert torch.equal(psnr(first.clamp(min=1), torch.ones(3, 3, 5, 7)), psnr(first * 0 + 1, torch.ones(3, 3, 5, 7)))


def test_the_loss_equals_a_slow_one(stage):
    task = stage.build()
    config = copy.deepcopy(TINY)
    config.kl_weight = 0.01
    task = VAETask(task.vae, config)
    pictures = stage.batch(3, torch.Generator().manual_seed(1))["pictures"]
    torch.manual_seed(5)
    losses = task(pictures)
    torch.manual_seed(5)
    with torch.no_grad():
        posterior = task.vae.encode(pictures).latent_dist
        mean, std = posterior.mean.double(), posterior.std.double()
        noise = (posterior.sample() - posterior.mean) / posterior.std
        torch.manual_seed(5)
        rebuilt = task.vae.decode(posterior.sample()).sample
    assert noise.std() > 0.5
    error = (rebuilt - pictures).double().numpy()
    across, down = error[..., 1:] - error[..., :-1], error[..., 1:, :] - error[..., :-1, :]
    kl = 0.5 * (mean**2 + std**2 - 1 - 2 * std.log()).mean().item()
    expected = (
        np.abs(error).mean()
        + config.squared_weight * (error**2).mean()
        + config.edge_weight * (np.abs(across).mean() + np.abs(down).mean())
        + config.kl_weight * kl
    )
    assert losses["loss"].item() == pytest.approx(expected, rel=1e-4)
    assert losses["kl"].item() == pytest.approx(kl, rel=1e-4)
    assert not any(value.requires_grad for name, value in losses.items() if name != "loss")


def test_batches_are_crops_that_the_generator_alone_decides(train_dataset, validation_dataset):
    config = copy.deepcopy(TINY)
    config.crop = 16
    stage = VAEStage(config, train_dataset, validation_dataset)
    first, again, other = (stage.batch(5, torch.Generator().manual_seed(seed))["pictures"] for seed in (1, 1, 2))
    assert first.shape == (5, 3, 16, 16)
    assert first.min() >= -1
    assert first.max() <= 1
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_training_lowers_the_loss_and_reaches_every_parameter(stage):
    task = stage.build()
    batch = stage.batch(4, torch.Generator().manual_seed(0))
    optimizer = torch.optim.Adam(task.parameters(), lr=2e-3)
    losses = []
    for _ in range(12):
        torch.manual_seed(0)
        loss = task(**batch)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.95 * losses[0]
    silent = [name for name, parameter in task.named_parameters() if not parameter.grad.abs().sum() > 0]
    assert silent == []


def test_validation_is_the_mean_psnr_of_plain_pictures(stage, validation_dataset):
    task = stage.build().eval()
    with torch.no_grad():
        found = stage.validate(task)["psnr"]
        pictures = validation_dataset.plain(torch.arange(len(validation_dataset)))
        rebuilt = task.vae.decode(task.vae.encode(pictures).latent_dist.mode()).sample
    assert found == pytest.approx(psnr(rebuilt, pictures).mean().item(), rel=1e-5)


def test_beside_a_given_encoder_only_the_decoder_trains(stage, train_dataset, validation_dataset, tmp_path):
    run_stage(stage, LOOP, tmp_path / "first")
    folder = tmp_path / "first" / "best" / "vae"
    config = copy.deepcopy(TINY)
    config.encoder = str(folder)
    run_stage(VAEStage(config, train_dataset, validation_dataset), LOOP, tmp_path / "second")
    before = PatchAutoencoderKL.from_pretrained(folder).state_dict()
    after = PatchAutoencoderKL.from_pretrained(tmp_path / "second" / "best" / "vae").state_dict()
    for name, value in before.items():
        encodes = name.startswith(("encoder.", "linear_encoder."))
        assert torch.equal(after[name], value) == encodes, name


def test_the_decoder_learns_from_noisy_latents(stage, monkeypatch):
    pictures, seen = stage.batch(8, torch.Generator().manual_seed(1))["pictures"], []
    for noise in (0.0, 2.0):
        task = VAETask(stage.build().vae.eval(), VAEConfig(block_out_channels=(16, 16), latent_channels=4, noise=noise))
        decode = task.vae.decode
        monkeypatch.setattr(task.vae, "decode", lambda latents, decode=decode: seen.append(latents) or decode(latents))
        torch.manual_seed(5)
        task(pictures)
    clean, noisy = seen
    spread = (noisy - clean).flatten(1).std(1)
    # Another strength for each picture, from nothing to the most.
    assert 0 < spread.min() < 1 < spread.max() < 2.3
