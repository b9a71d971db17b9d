import copy
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F
from transformers import CLIPModel, CLIPProcessor, CLIPTokenizer, VisionEncoderDecoderModel
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from kcdp.imaging import to_pictures
from kcdp.knowledge.captioner import Captioner
from tests.train.conftest import WORDS
from train.loop import LoopConfig, run_stage
from train.stages.language import LanguageStage, Teacher, soft_targets, train_tokenizer

LOOP = LoopConfig(steps=3, batch_size=6, learning_rate=1e-2, warmup_steps=0, validate_every=3, ema_decay=0.9)


@pytest.fixture(scope="module")
def stage(train_pool, validation_pool):
    return LanguageStage(WORDS, train_pool, validation_pool)


@pytest.fixture(scope="module")
def trained(stage, tmp_path_factory):
    """The folder of a run of three steps."""
    folder = tmp_path_factory.mktemp("language")
    run_stage(stage, LOOP, folder)
    return folder / "best"


def fixed_batch(stage, size=8):
    return stage.batch(size, torch.Generator().manual_seed(3))


def test_the_tokenizer_loses_no_word_and_knows_its_length(train_pool):
    tokenizer = train_tokenizer(train_pool.texts(), 400, 32)
    for text in ("a gold face smiles", "a violet spaceship!?", "5 Über-Köche und ein 鸭"):
        tokens = tokenizer(text).input_ids
        assert tokens[0] == tokenizer.bos_token_id
        assert tokens[-1] == tokenizer.eos_token_id == tokenizer.pad_token_id
        assert "".join(tokenizer.decode(tokens, skip_special_tokens=True).split()) == text.lower().replace(" ", "")
        assert tokens.count(tokenizer.eos_token_id) == 1
    assert len(tokenizer(" ".join(["face"] * 90), truncation=True).input_ids) == 32


def test_a_run_that_goes_on_has_the_tokenizer_it_began_with(train_pool, validation_pool):
    """Learning the same texts again gives other numbers to the same words."""
    first, again = (LanguageStage(WORDS, train_pool, validation_pool).tokenizer for _ in range(2))
    assert first.get_vocab() == again.get_vocab()
    assert again.model_max_length == 32
    smaller = LanguageStage(replace(WORDS, vocabulary=300), train_pool, validation_pool).tokenizer
    assert len(smaller) < len(first)


def test_soft_targets_equal_a_slow_reference():
    texts = torch.tensor([[1, 2], [3, 4], [1, 2], [5, 6]])
    teacher = F.normalize(torch.randn(4, 7), dim=1)
    plain, soft = soft_targets(texts, None, 0.4), soft_targets(texts, teacher, 0.4)
    for row in range(4):
        equal = [float((texts[row] == texts[other]).all()) for other in range(4)]
        expected = torch.tensor(equal) / sum(equal)
        torch.testing.assert_close(plain[row], expected)
        similar = torch.tensor([float(teacher[row] @ teacher[other]) / 0.05 for other in range(4)]).exp()
        torch.testing.assert_close(soft[row], 0.6 * expected + 0.4 * similar / similar.sum())


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
    logits = images @ texts.T * clip.logit_scale.exp()
    targets = soft_targets(tokens, None, 0.0)
    contrastive = -(targets * logits.log_softmax(1) + targets * logits.log_softmax(0)).sum() / (2 * len(tokens))
    assert losses["contrastive"].item() == pytest.approx(contrastive.item(), rel=1e-4)
    assert losses["loss"].item() == pytest.approx(caption / count + contrastive.item(), rel=1e-4)


def test_training_lowers_the_loss_and_reaches_every_parameter(stage):
    task = stage.build()
    batch = fixed_batch(stage)
    optimizer = torch.optim.Adam(task.parameters(), lr=3e-3)
    losses = []
    for _ in range(12):
        loss = task(**batch)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]
    assert [name for name, parameter in task.named_parameters() if parameter.grad is None] == []


def test_batches_are_decided_by_the_generator(stage):
    first, again = fixed_batch(stage), fixed_batch(stage)
    other = stage.batch(8, torch.Generator().manual_seed(4))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["pixel_values"], other["pixel_values"])


def test_the_teacher_s_similarities_count_and_each_text_is_encoded_once(stage):
    asked = []

    class Encoder:
        def encode(self, texts, **_):
            asked.extend(texts)
            return F.normalize(torch.tensor([[len(text), text.count("a"), 1.0] for text in texts]), dim=1)

    teacher = Teacher.__new__(Teacher)
    teacher.model, teacher.known = Encoder(), {}
    vectors = teacher(["a cat", "sea", "a cat"])
    assert torch.equal(vectors[0], vectors[2])
    assert torch.equal(teacher(["sea"])[0], vectors[1])
    assert asked == ["a cat", "sea"]
    taught = copy.copy(stage)
    taught.teacher = teacher
    batch = fixed_batch(taught)
    task = taught.build()
    losses = task(**batch)
    assert batch["teacher"].shape == (8, 3)
    texts = F.normalize(task.clip.get_text_features(input_ids=batch["input_ids"]).pooler_output, dim=-1)
    relations = (texts @ texts.T - batch["teacher"] @ batch["teacher"].T).square().mean()
    torch.testing.assert_close(losses["relations"], relations.detach())
    torch.testing.assert_close(
        losses["loss"].detach(), losses["contrastive"] + losses["caption"] + 5 * relations.detach()
    )


@torch.no_grad()
def test_recall_is_found_by_looking_one_by_one(stage, validation_pool):
    task = stage.build().eval()
    found = stage.validate(task)
    assert found == stage.validate(task)
    captions = validation_pool.captions(torch.arange(len(validation_pool)), torch.Generator().manual_seed(0))
    known = sorted(set(captions))
    vectors = {text: task.clip.get_text_features(input_ids=stage.tokens([text])).pooler_output[0] for text in known}
    hits = []
    for index, caption in enumerate(captions):
        picture = validation_pool.plain(torch.tensor([index]))
        seen = task.clip.get_image_features(pixel_values=picture).pooler_output[0]
        ranked = sorted(known, key=lambda text: -F.cosine_similarity(seen, vectors[text], dim=0).item())
        hits.append(caption in ranked[:5])
    assert found["recall"] == pytest.approx(sum(hits) / len(hits))


def test_what_is_exported_captions_pictures(stage, trained, validation_pool):
    pictures = to_pictures(validation_pool.plain(torch.arange(2)))
    model = VisionEncoderDecoderModel.from_pretrained(trained / "captioner")
    clip = CLIPModel.from_pretrained(trained / "clip")
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
    torch.testing.assert_close(pixels, validation_pool.plain(torch.arange(2)), rtol=0, atol=1 / 127)
    captions = Captioner(model, processor)(pictures)
    assert len(captions) == 2
    assert all(isinstance(caption, str) for caption in captions)


def test_from_a_start_the_text_tower_stays_bit_for_bit(trained, train_pool, validation_pool, tmp_path):
    config = copy.deepcopy(WORDS)
    config.start = str(trained)
    stage = LanguageStage(config, train_pool, validation_pool, "captioner")
    run_stage(stage, LOOP, tmp_path)
    before, after = (CLIPModel.from_pretrained(folder / "clip").state_dict() for folder in (trained, tmp_path / "best"))
    changed = {name for name, value in before.items() if not torch.equal(after[name], value)}
    assert changed
    assert not [name for name in changed if name.startswith("text")]
    assert {name for name in before if name.startswith("vision_model") and "weight" in name} <= changed
    first, second = (CLIPTokenizer.from_pretrained(folder / "tokenizer") for folder in (trained, tmp_path / "best"))
    assert first.get_vocab() == second.get_vocab()
    assert second.model_max_length == 32
    decoders = [
        VisionEncoderDecoderModel.from_pretrained(folder / "captioner").decoder
        for folder in (trained, tmp_path / "best")
    ]
    assert not torch.equal(decoders[0].get_output_embeddings().weight, decoders[1].get_output_embeddings().weight)
