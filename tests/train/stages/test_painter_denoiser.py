"""The painter's stages at 32 px: what they learn from, that they learn, and that what they leave paints."""

import dataclasses

import numpy as np
import pytest
import torch
from diffusers import UNet2DConditionModel

from kcdp.emotions import MIKELS_8
from kcdp.painting.prompt import blend
from kcdp.perception.sticker_autoencoder import StickerAutoencoder
from kcdp.uniemo.emotion_space import EmotionSpace
from kcdp.uniemo.fusion import EmotionFusion
from kcdp.vision.efficientnet import EfficientNetLite
from tests.learning import losses_of_steps
from tests.train.conftest import SIZE
from train.core.trainer import LoopConfig, run_stage
from train.data.stickers import paired_sticker, sticker, sticker_latents, sticker_pixels
from train.losses.alignment import AlignmentHead
from train.stages.painter_denoiser import Conditioner, PainterConfig, PainterPictures, PainterStage
from train.stages.painter_vae import PainterVAEConfig, PainterVAEStage, composite_over

VAE = PainterVAEConfig(factor=16, width=16, blocks=1, latent_channels=8, sample=24, held_out=4, real_share=0.25)
PAINTER = PainterConfig(
    block_out_channels=(16, 32), attention_head_dim=8, stickers=12, pairs=4, held_out=6, edit_share=0.25
)
LOOP = LoopConfig(steps=2, batch_size=4, warmup_steps=0, validate_every=2, optimizer="muon")
WIDTH = 12


@pytest.fixture(scope="module")
def vae_stage(train_dataset):
    return PainterVAEStage(VAE, train_dataset)


@pytest.fixture(scope="module")
def vae(vae_stage):
    torch.manual_seed(0)
    return vae_stage.build().vae.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def conditioner(foundation):
    torch.manual_seed(1)
    fusion = EmotionFusion(WIDTH, 32, 8, 0.4).eval().requires_grad_(False)
    space = EmotionSpace(8, WIDTH)
    space.mean.normal_()
    space.alphas.uniform_()
    return Conditioner(foundation.prompts, fusion, space)


@pytest.fixture(scope="module")
def stage(vae, conditioner, dataset_cache):
    return PainterStage(PAINTER, conditioner, PainterPictures.drawn(PAINTER, vae, dataset_cache))


@pytest.fixture(scope="module")
def trunk():
    torch.manual_seed(2)
    return EfficientNetLite().eval().requires_grad_(False)


@pytest.fixture(scope="module")
def aligned(vae, conditioner, dataset_cache, trunk):
    return PainterStage(PAINTER, conditioner, PainterPictures.drawn(PAINTER, vae, dataset_cache, trunk))


def drawn(stage, size=8, seed=1):
    return dict(stage.batch(size, torch.Generator().manual_seed(seed)))


def test_pixels_of_stickers_are_laid_on_white():
    one = sticker(4, SIZE)
    (pixels,) = sticker_pixels([one])
    levels = np.asarray(one.image, dtype=np.float64)
    for row, column in ((0, 0), (16, 16), (9, 20)):
        *colour, opacity = levels[row, column]
        share = opacity / 255
        expected = [2 * (value / 255 * share + 1 - share) - 1 for value in colour] + [2 * share - 1]
        assert pixels[:, row, column].tolist() == pytest.approx(expected, abs=1e-5)


def test_the_code_is_fixed_and_the_decoder_learns(vae_stage):
    task = vae_stage.build()
    trained = {name.split(".")[1] for name, value in task.named_parameters() if value.requires_grad}
    assert trained == {"first", "body", "last"}
    torch.manual_seed(0)
    losses = losses_of_steps(task, vae_stage.batch(8, torch.Generator().manual_seed(0)), 12)
    assert losses[-1] < losses[0]
    metrics = vae_stage.validate(task.eval())
    assert metrics["psnr"] > metrics["psnr_noisy"]


def test_what_is_laid_on_a_ground_shows_it_where_it_is_clear():
    pixels = torch.tensor([[1.0, 0.2, 0.6], [1.0, 0.2, 0.6], [1.0, 0.2, 0.6], [-1.0, 1.0, 0.0]])[None, :, None]
    found = composite_over(pixels, torch.tensor([[-1.0, 0.0, 1.0]]))
    # Clear, opaque, half clear: what stands on white is a s + (1 - a) with white 1.
    torch.testing.assert_close(found[0, :, 0, 0], torch.tensor([-1.0, 0.0, 1.0]))
    torch.testing.assert_close(found[0, :, 0, 1], torch.full((3,), 0.2))
    torch.testing.assert_close(found[0, :, 0, 2], torch.tensor([0.6 - 1.0, 0.6 - 0.5, 0.6]))


def test_features_of_a_trunk_join_the_loss_and_are_no_part_of_the_module(train_dataset):
    torch.manual_seed(0)
    stage = PainterVAEStage(VAE, train_dataset, EfficientNetLite())
    task, plain = stage.build(), PainterVAEStage(VAE, train_dataset).build()
    assert task.state_dict().keys() == plain.state_dict().keys()
    pictures = stage.batch(4, torch.Generator().manual_seed(0))["pictures"]
    torch.manual_seed(3)
    losses = task(pictures)
    torch.manual_seed(3)
    alone = plain(pictures)
    expected = alone["loss"] + VAE.perceptual_weight * losses["perceptual"]
    assert losses["loss"].item() == pytest.approx(expected.item(), rel=1e-4)
    losses["loss"].backward()
    assert task.vae.last.weight.grad.abs().max() > 0


def test_some_pictures_of_the_data_sets_are_beside_the_stickers(vae_stage, train_dataset):
    pictures = vae_stage.batch(8, torch.Generator().manual_seed(3))["pictures"]
    assert pictures.shape == (8, 4, SIZE, SIZE)
    plain = train_dataset.plain(torch.arange(len(train_dataset)))
    known = [any(torch.equal(picture[:3], other) for other in plain) for picture in pictures]
    assert known == [False] * 6 + [True] * 2


def test_latents_and_texts_are_of_the_same_stickers(vae, dataset_cache):
    found = sticker_latents(vae, 5, SIZE, dataset_cache, first=7)
    for row in range(5):
        one = sticker(7 + row, SIZE)
        latents = vae.encode(sticker_pixels([one])).latent_dist.mode()[0]
        np.testing.assert_allclose(found.latents[row], latents, atol=5e-3)
        assert list(found.texts[row]) == [one.plain, one.caption]
        assert found.weights[row].tolist() == pytest.approx([one.emotions.get(name, 0) for name in MIKELS_8.labels])
    assert found.prompts([0, 1, 2], [0.05, 0.3, 0.9], 0.1, 0.5) == ["", found.texts[1][0], found.texts[2][1]]


def test_a_pair_is_one_subject_with_two_feelings():
    for number in range(0, 12, 2):
        first, second = paired_sticker(number, 16), paired_sticker(number + 1, 16)
        assert first.attributes["noun"] == second.attributes["noun"]
        assert first.emotions != second.emotions


def test_edits_see_the_other_of_their_pair_and_the_rest_nothing(stage):
    batch, pairs = drawn(stage, 16), torch.from_numpy(np.array(stage.pictures.pairs.latents)).float()
    assert (batch["source"][:12] == 0).all()
    for latents, source in zip(batch["latents"][12:], batch["source"][12:], strict=True):
        (row,) = [n for n, one in enumerate(pairs) if torch.equal(one, latents)]
        assert torch.equal(source, pairs[row ^ 1])


def test_batches_are_what_the_generator_alone_decides(stage):
    first, again, other = drawn(stage, seed=1), drawn(stage, seed=1), drawn(stage, seed=2)
    assert first.keys() == again.keys()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["latents"], other["latents"])


def test_emotions_are_told_as_the_pipeline_tells_them(conditioner):
    weights = torch.zeros(2, 8)
    weights[0, 3], weights[1, 1], weights[1, 4] = 1, 0.25, 0.75
    noise = torch.randn(2, 3, WIDTH)
    found = conditioner.fused(weights, noise)
    for row in range(2):
        tokens = []
        for kind in weights[row].nonzero().flatten().tolist():
            features = conditioner.space.mean[kind] + conditioner.space.std[kind] * noise[row]
            vector = conditioner.fusion(*features[:, None], *conditioner.space.alphas[kind, :, None])[0]
            tokens.append((vector, weights[row, kind].item()))
        torch.testing.assert_close(found[row], blend(tokens), atol=1e-5, rtol=1e-5)


def test_dropped_rows_are_told_nothing(stage, conditioner):
    batch = drawn(stage)
    batch["drop"] = torch.arange(8) % 2 == 0
    words = {name: batch[name] for name in ("ids", "places", "weights", "emotion_noise", "drop")}
    states = conditioner.condition(**words).states
    nothing = conditioner.prompts.nothing().states[0]
    same = [torch.equal(state, nothing) for state in states]
    assert same == batch["drop"].tolist()


def test_the_painter_learns_and_every_weight_with_it(stage):
    torch.manual_seed(0)
    task = stage.build()
    losses = losses_of_steps(task, drawn(stage), 12)
    assert losses[-1] < 0.8 * losses[0]
    assert [name for name, value in task.named_parameters() if value.grad is None] == []


def test_features_are_those_of_the_stickers_that_are_learned(aligned, trunk, vae):
    batch = drawn(aligned, 16)
    latents = torch.from_numpy(np.array(aligned.pictures.stickers.latents)).float()
    for row in (0, 5, 11):
        (number,) = [n for n, one in enumerate(latents) if torch.equal(one, batch["latents"][row])]
        (pixels,) = sticker_pixels([sticker(number, SIZE)])
        levels = (pixels[None, :3] + 1) * 127.5
        expected = trunk((levels - 127) / 128)[1].flatten(2).transpose(1, 2)[0]
        torch.testing.assert_close(batch["features"][row].float(), expected, atol=5e-3, rtol=5e-3)


def test_the_middle_is_led_to_the_features_and_to_those_alone(aligned, stage):
    torch.manual_seed(0)
    task, plain = aligned.build(), stage.build()
    batch = drawn(aligned)
    losses = task(**batch)
    assert losses["loss"].item() == pytest.approx(losses["flow"].item() + 0.5 * losses["alignment"].item(), rel=1e-5)
    plain.unet.load_state_dict(task.unet.state_dict())
    without = plain(**{name: value for name, value in batch.items() if name != "features"})
    assert without["loss"].item() == pytest.approx(losses["flow"].item(), rel=1e-5)
    losses["loss"].backward()
    assert all(value.grad is not None for value in task.head.parameters())


def test_alignment_is_one_minus_the_cosine_at_each_position():
    torch.manual_seed(0)
    head, states, features = AlignmentHead(6, 5, 7), torch.randn(2, 6, 3, 2), torch.randn(2, 6, 5)
    expected = 0.0
    for picture in range(2):
        for row in range(3):
            for column in range(2):
                led, wanted = head.layers(states[picture, :, row, column]), features[picture, 2 * row + column]
                expected += (1 - led @ wanted / (led.norm() * wanted.norm())) / 12
    assert head(states, features).item() == pytest.approx(expected.item(), rel=1e-5)
    with pytest.raises(ValueError, match="6 positions, the features 1"):
        head(states, features[:, :1])


def test_a_run_leaves_a_denoiser_that_edits(stage, tmp_path):
    metrics = run_stage(stage, LOOP, tmp_path)
    assert metrics["score"] == -metrics["flow"]
    unet = UNet2DConditionModel.from_pretrained(tmp_path / "best" / "unet")
    assert unet.config.in_channels == 2 * unet.config.out_channels == 16


def test_a_student_is_asked_for_what_a_batch_holds_edits_among_it(stage):
    batch, asked = drawn(stage, 16, 4), stage.sample_conditions(16, torch.Generator().manual_seed(4))
    assert batch.keys() - asked.keys() == {"latents", "noise", "times"}
    assert all(torch.equal(batch[name], value) for name, value in asked.items())
    assert (asked["source"][12:] != 0).any()


def test_the_autoencoder_that_is_exported_opens(vae_stage, tmp_path):
    run_stage(vae_stage, dataclasses.replace(LOOP, optimizer="adamw"), tmp_path)
    vae = StickerAutoencoder.from_pretrained(tmp_path / "best" / "vae")
    assert vae.config.latent_channels == 8
