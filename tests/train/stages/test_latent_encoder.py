import pytest
import torch
from torch.nn import functional as F

from kcdp.perception.latent_encoder import LatentEncoder
from tests.learning import losses_of_steps
from tests.train.conftest import TEXT
from train.core.trainer import LoopConfig, run_stage
from train.stages.latent_encoder import LatentEncoderConfig, LatentEncoderStage, shifted
from train.stages.sentences import neighbour_loss
from train.stages.text import build_text_tower

TINY = LatentEncoderConfig(widths=(8, 16), bank=8, noise=0.0, shift=0)


@pytest.fixture(scope="module")
def given(train_dataset, validation_dataset, foundation, tiny_tokenizer):
    """Everything that a stage of either kind is made of."""
    torch.manual_seed(0)
    text = build_text_tower(TEXT, tiny_tokenizer)
    return TINY, train_dataset, validation_dataset, foundation.vae, text, tiny_tokenizer


@pytest.fixture(scope="module")
def unlabelled(given):
    return LatentEncoderStage(*given)


@pytest.fixture(scope="module")
def stage(given):
    torch.manual_seed(1)
    return LatentEncoderStage(*given, start=LatentEncoder(6, TINY.widths))


def drawn(stage, size=8):
    return stage.batch(size, torch.Generator().manual_seed(2))


def test_shifts_move_whole_positions_and_repeat_the_rim():
    latents = torch.arange(16.0).view(1, 1, 4, 4).expand(40, 1, 4, 4)
    found = shifted(latents, 1, torch.Generator().manual_seed(0))
    padded = F.pad(latents[:1], (1, 1, 1, 1), mode="replicate")[0]
    known = {tuple(padded[:, y : y + 4, x : x + 4].flatten().tolist()) for y in range(3) for x in range(3)}
    assert {tuple(one.flatten().tolist()) for one in found} == known
    assert torch.equal(shifted(latents, 0, torch.Generator()), latents)


@torch.no_grad()
def test_the_losses_equal_slow_ones(stage):
    task = stage.build().eval()
    batch = drawn(stage)
    losses = task(**batch)
    read = torch.stack(
        [
            torch.cat([m.mean(dim=(1, 2)) for m in map(lambda x: x[0], task.encoder(one[None]))])
            for one in batch["latents"]
        ]
    )
    known = batch["labels"] >= 0
    emotion = F.cross_entropy(task.emotion(read)[known], batch["labels"][known], label_smoothing=0.1)
    caption = neighbour_loss(F.normalize(task.caption(read), dim=1), batch["captions"], batch["bank"], task.scale.exp())
    torch.testing.assert_close(losses["emotion"], emotion, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(losses["caption"], caption, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(losses["loss"], emotion + 0.3 * caption, rtol=1e-4, atol=1e-5)


def test_training_lowers_the_loss_and_reaches_every_parameter(stage):
    task = stage.build()
    batch = drawn(stage)
    losses = losses_of_steps(task, batch, 12)
    assert losses[-1] < 0.8 * losses[0]
    assert [name for name, parameter in task.named_parameters() if parameter.grad is None] == []


def test_batches_are_decided_by_the_generator(stage):
    first, again = drawn(stage), drawn(stage)
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_no_caption_of_an_encoder_without_labels_says_an_emotion(unlabelled, stage, monkeypatch):
    """In batches and in validation; with labels half of the captions may."""
    for one, expected in ((unlabelled, False), (stage, True)):
        asked = []
        for dataset in (one.train, one.validation):
            real = dataset.captions

            def captions(indices, generator, feelings=True, real=real, asked=asked):
                asked.append(feelings)
                return real(indices, generator, feelings)

            monkeypatch.setattr(dataset, "captions", captions)
        drawn(one)
        with torch.no_grad():
            one.validate(one.build().eval())
        assert asked == [expected, expected]
        monkeypatch.undo()


def test_captions_alone_teach_an_encoder_that_is_told_no_emotion(unlabelled):
    task = unlabelled.build()
    batch = drawn(unlabelled, 64)
    known = unlabelled.sentences(unlabelled.train.texts())
    assert all((known @ own > 0.999).any() for own in batch["captions"])
    losses = task(**batch)
    losses["loss"].backward()
    assert losses["loss"] == losses["caption"]
    assert all(parameter.grad is not None for parameter in task.parameters())


def test_labels_go_on_from_the_encoder_that_was_given(stage):
    first, start = stage.build().encoder.state_dict(), stage.start.state_dict()
    assert all(torch.equal(value, start[name]) for name, value in first.items())
    assert stage.build().encoder is not stage.start


def test_runs_leave_a_path(stage, unlabelled, tmp_path):
    loop = LoopConfig(steps=2, batch_size=4, warmup_steps=0, validate_every=2)
    for one, name in ((unlabelled, "latent_encoder"), (stage, "labelled_latent_encoder")):
        assert one.name == name
        metrics = run_stage(one, loop, tmp_path / name)
        encoder = LatentEncoder.from_pretrained(tmp_path / name / "best" / "latent_encoder")
        assert [tuple(level.shape) for level in encoder(torch.randn(1, 6, 4, 4))] == [(1, 8, 4, 4), (1, 16, 2, 2)]
    assert metrics["score"] == metrics["macro_f1"]
    assert 0 <= metrics["macro_f1"] <= 1
