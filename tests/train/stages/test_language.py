import copy

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from transformers import CLIPProcessor, CLIPTextModelWithProjection, CLIPTokenizer, VisionEncoderDecoderModel
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from kcdp.imaging import to_pictures
from kcdp.knowledge.captioner import Captioner
from kcdp.perception.latent_encoder import LatentEncoder
from kcdp.vision import ConvStemCLIPModel
from tests.learning import losses_of_steps
from tests.train.conftest import ENCODER_WIDTHS, TEXT, WORDS
from train.core.trainer import LoopConfig, run_stage
from train.stages import language as module
from train.stages.language import LanguageStage
from train.stages.sentences import SentenceEncoder, caption_tokens, neighbour_loss, neighbour_targets
from train.stages.text import build_text_tower, cached_tokenizer

LOOP = LoopConfig(steps=3, batch_size=6, learning_rate=1e-2, warmup_steps=0, validate_every=3, ema_decay=0.9)


@pytest.fixture(scope="module")
def text(train_dataset, tmp_path_factory):
    """The folder of a text tower of random weights, as the stage `text` leaves it."""
    folder = tmp_path_factory.mktemp("text")
    torch.manual_seed(0)
    tokenizer = cached_tokenizer(train_dataset, TEXT)
    build_text_tower(TEXT, tokenizer).save_pretrained(folder / "text")
    tokenizer.save_pretrained(folder / "tokenizer")
    return folder


@pytest.fixture(scope="module")
def stage(train_dataset, validation_dataset, text, foundation):
    torch.manual_seed(0)
    encoder = LatentEncoder(foundation.vae.config.latent_channels, ENCODER_WIDTHS)
    return LanguageStage(WORDS, train_dataset, validation_dataset, text, foundation.vae, encoder)


@pytest.fixture(scope="module")
def trained(stage, tmp_path_factory):
    """The folder of a run of three steps."""
    folder = tmp_path_factory.mktemp("language")
    run_stage(stage, LOOP, folder)
    return folder / "best"


def fixed_batch(stage, size=8):
    return stage.batch(size, torch.Generator().manual_seed(3))


def unit(*shape):
    return F.normalize(torch.randn(*shape), dim=-1)


def test_neighbours_equal_a_slow_reference():
    own, bank, seen = unit(3, 7), unit(5, 7), unit(3, 7)
    targets = neighbour_targets(own, bank)
    total = 0.0
    for row in range(3):
        near = [1.0, *(float(own[row] @ other) for other in bank)]
        weights = np.exp(np.array(near) / 0.05)
        np.testing.assert_allclose(targets[row].numpy(), weights / weights.sum(), rtol=1e-4, atol=1e-7)
        scores = np.array([float(seen[row] @ own[row]), *(float(seen[row] @ other) for other in bank)]) * 4
        total -= (weights / weights.sum() * (scores - np.log(np.exp(scores).sum()))).sum()
    assert neighbour_loss(seen, own, bank, 4.0).item() == pytest.approx(total / 3, rel=1e-4)


def test_the_stem_is_the_linear_code_scaled_as_the_encoder_has_learned_on_it(stage, foundation):
    vae = copy.deepcopy(foundation.vae)
    vae.register_to_config(scaling_factor=0.25)
    stem = module.build_clip(WORDS, stage.text, vae, stage.encoder).vision_model.embeddings.patch_embedding
    for own, given in zip(stem.code.parameters(), vae.linear_encoder.parameters(), strict=True):
        torch.testing.assert_close(own, 0.25 * given)
    for own, given in zip(stem.path.parameters(), stage.encoder.parameters(), strict=True):
        torch.testing.assert_close(own, given)


def test_no_emotion_is_told(stage, train_dataset):
    """A labelled picture's captions may end with its emotion; what this stage reads never does."""
    assert any(
        "showing" in text for text in train_dataset.captions(torch.arange(len(train_dataset)), torch.Generator())
    )
    ids = fixed_batch(stage, 64)["input_ids"]
    assert not any("showing" in text for text in stage.tokenizer.batch_decode(ids))


def test_sentences_in_batches_equal_single_ones(stage):
    sentences = SentenceEncoder(stage.text, stage.tokenizer)
    texts = ["a gold face smiles", "a round blue head", "a face"]
    every = sentences(texts, batch_size=2)
    torch.testing.assert_close(every, torch.cat([sentences([text]) for text in texts]), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(every.norm(dim=1), torch.ones(3))


@torch.no_grad()
def test_the_losses_equal_slow_ones(stage):
    task = stage.build().eval()
    batch = fixed_batch(stage, 5)
    losses = task(**batch)
    clip, tokens = task.clip, batch["input_ids"]
    end = stage.tokenizer.eos_token_id
    vision = clip.vision_model(pixel_values=batch["pixel_values"])
    caption, count = 0.0, 0
    for row, sentence in enumerate(tokens.tolist()):
        # Without padding and by itself: start, words, one end.
        real = sentence[: sentence.index(end) + 1]
        words = task.decoder(
            input_ids=torch.tensor([real[:-1]]), encoder_hidden_states=vision.last_hidden_state[row : row + 1]
        ).logits[0]
        caption += F.cross_entropy(words, torch.tensor(real[1:]), label_smoothing=0.1, reduction="sum").item()
        count += len(real) - 1
    assert losses["caption"].item() == pytest.approx(caption / count, rel=1e-4)
    images = F.normalize(clip.get_image_features(pixel_values=batch["pixel_values"]).pooler_output, dim=-1)
    texts = torch.cat([
        F.normalize(clip.get_text_features(input_ids=torch.tensor([row[: row.index(end) + 1]])).pooler_output, dim=-1)
        for row in tokens.tolist()
    ])  # fmt: skip
    scale = clip.logit_scale.exp()
    contrastive = neighbour_loss(images, texts, batch["bank"], scale).item()
    assert losses["contrastive"].item() == pytest.approx(contrastive, rel=1e-4)
    assert losses["loss"].item() == pytest.approx(caption / count + contrastive, rel=1e-4)


def test_training_lowers_the_loss_and_leaves_what_is_given(stage):
    task = stage.build()
    batch = fixed_batch(stage)
    mine = {name: parameter for name, parameter in task.named_parameters() if parameter.requires_grad}
    assert not [name for name in mine if name.startswith(("clip.text_model", "clip.text_projection"))]
    stem = "clip.vision_model.embeddings.patch_embedding"
    assert not [name for name in mine if name.startswith((f"{stem}.code", f"{stem}.path"))]
    losses = losses_of_steps(task, batch, 12)
    assert losses[-1] < 0.8 * losses[0]
    assert [name for name, parameter in mine.items() if parameter.grad is None] == []


def test_batches_are_decided_by_the_generator(stage):
    first, again = fixed_batch(stage), fixed_batch(stage)
    other = stage.batch(8, torch.Generator().manual_seed(4))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["pixel_values"], other["pixel_values"])


@torch.no_grad()
def test_recall_is_found_by_looking_one_by_one(stage, validation_dataset):
    task = stage.build().eval()
    found = stage.validate(task)
    assert found == stage.validate(task)
    captions = validation_dataset.captions(torch.arange(len(validation_dataset)), torch.Generator().manual_seed(0))
    known = sorted(set(captions))
    vectors = {
        text: task.clip.get_text_features(input_ids=caption_tokens(stage.tokenizer, [text])).pooler_output[0]
        for text in known
    }
    hits = []
    for index, caption in enumerate(captions):
        picture = validation_dataset.plain(torch.tensor([index]))
        seen = task.clip.get_image_features(pixel_values=picture).pooler_output[0]
        ranked = sorted(known, key=lambda text: -F.cosine_similarity(seen, vectors[text], dim=0).item())
        hits.append(caption in ranked[:5])
    assert found["recall"] == pytest.approx(sum(hits) / len(hits))


@torch.no_grad()
def test_the_validation_is_the_mean_over_words_in_whatever_parts(stage, validation_dataset, monkeypatch):
    task, end = stage.build().eval(), stage.tokenizer.eos_token_id
    texts = ["a face", "a round head that smiles and frowns", "a gold face that frowns", "a blue head"]
    monkeypatch.setattr(validation_dataset, "captions", lambda *given, **options: texts)
    total = count = 0
    for row, text in enumerate(texts):
        ids = caption_tokens(stage.tokenizer, [text])
        words = ids.shape[1] - 1
        assert (ids[0] == end).sum() == 1
        loss = task(validation_dataset.plain(torch.tensor([row])), ids, stage.bank[: stage.config.bank])[
            "caption"
        ].item()
        total, count = total + loss * words, count + words
    for part in (64, 3, 1):
        monkeypatch.setattr(module, "VALIDATION_BATCH", part)
        assert stage.validate(task)["caption"] == pytest.approx(total / count, rel=1e-5)


def test_what_is_exported_captions_pictures(stage, trained, validation_dataset):
    pictures = to_pictures(validation_dataset.plain(torch.arange(2)))
    model = VisionEncoderDecoderModel.from_pretrained(trained / "captioner")
    clip = ConvStemCLIPModel.from_pretrained(trained / "clip")
    assert all(
        torch.equal(value, model.encoder.state_dict()[name]) for name, value in clip.vision_model.state_dict().items()
    )
    assert model.generation_config.decoder_start_token_id == stage.tokenizer.bos_token_id
    assert model.generation_config.eos_token_id == stage.tokenizer.eos_token_id
    processor = CLIPProcessor(
        CLIPImageProcessorPil.from_pretrained(trained / "image_processor"),
        CLIPTokenizer.from_pretrained(trained / "tokenizer"),
    )
    pixels = processor(images=pictures, return_tensors="pt").pixel_values
    torch.testing.assert_close(pixels, validation_dataset.plain(torch.arange(2)), rtol=0, atol=1 / 127)
    captions = Captioner(model, processor)(pictures)
    assert len(captions) == 2
    assert all(isinstance(caption, str) for caption in captions)


def test_the_text_tower_stays_bit_for_bit(trained, text):
    given = CLIPTextModelWithProjection.from_pretrained(text / "text")
    clip = ConvStemCLIPModel.from_pretrained(trained / "clip")
    for own, before in ((clip.text_model, given.text_model), (clip.text_projection, given.text_projection)):
        assert all(torch.equal(value, before.state_dict()[name]) for name, value in own.state_dict().items())
    first, second = (CLIPTokenizer.from_pretrained(folder / "tokenizer") for folder in (text, trained))
    assert first.get_vocab() == second.get_vocab()
    assert second.model_max_length == 32


@torch.no_grad()
def test_the_stem_sees_what_the_latent_encoder_saw(stage, foundation, validation_dataset):
    """Its linear code is the autoencoder's, its convolutions are the latent encoder's."""
    stem = stage.build().clip.vision_model.embeddings.patch_embedding.eval()
    pictures = validation_dataset.plain(torch.arange(2))
    code = foundation.vae.linear_encoder(pictures) * foundation.vae.config.scaling_factor
    for level, expected in zip(stem.path(stem.code(pictures)), stage.encoder.eval()(code), strict=True):
        torch.testing.assert_close(level, expected)
