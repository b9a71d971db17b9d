from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F
from transformers import CLIPTextModelWithProjection, CLIPTokenizer

from tests.learning import losses_of_steps
from tests.train.conftest import TEXT
from train.core.trainer import LoopConfig, run_stage
from train.stages.sentences import CachedVectors
from train.stages.text import TextStage, same_text_targets, train_tokenizer

LOOP = LoopConfig(steps=3, batch_size=6, learning_rate=1e-2, warmup_steps=0, validate_every=3, ema_decay=0.9)


class Encoder:
    """Vectors that say how long a text is and how often it has an "a"; keeps what it was asked."""

    def __init__(self):
        self.asked = []

    def get_embedding_dimension(self):
        return 3

    def encode(self, texts, **_):
        self.asked.extend(texts)
        return F.normalize(torch.tensor([[len(text), text.count("a"), 1.0] for text in texts]), dim=1)


def teacher():
    return CachedVectors(Encoder().encode)


@pytest.fixture(scope="module")
def stage(train_dataset, validation_dataset):
    return TextStage(TEXT, train_dataset, validation_dataset)


@pytest.fixture(scope="module")
def taught(train_dataset, validation_dataset):
    made = TextStage(TEXT, train_dataset, validation_dataset)
    made.teacher, made.teacher_width = teacher(), 3
    return made


def test_the_tokenizer_loses_no_word_and_knows_its_length(train_dataset):
    tokenizer = train_tokenizer(train_dataset.texts(), 400, 32)
    for text in ("a gold face smiles", "a violet spaceship!?", "5 Über-Köche und ein 鸭"):
        tokens = tokenizer(text).input_ids
        assert tokens[0] == tokenizer.bos_token_id
        assert tokens[-1] == tokenizer.eos_token_id == tokenizer.pad_token_id
        assert "".join(tokenizer.decode(tokens, skip_special_tokens=True).split()) == text.lower().replace(" ", "")
        assert tokens.count(tokenizer.eos_token_id) == 1
    assert len(tokenizer(" ".join(["face"] * 90), truncation=True).input_ids) == 32


def test_a_run_that_goes_on_has_the_tokenizer_it_began_with(train_dataset, validation_dataset):
    """Learning the same texts again gives other numbers to the same words."""
    first, again = (TextStage(TEXT, train_dataset, validation_dataset).tokenizer for _ in range(2))
    assert first.get_vocab() == again.get_vocab()
    assert again.model_max_length == 32
    smaller = TextStage(replace(TEXT, vocabulary=300), train_dataset, validation_dataset).tokenizer
    assert len(smaller) < len(first)


def test_equal_texts_share_the_target():
    targets = same_text_targets(torch.tensor([[1, 2], [3, 4], [1, 2]]))
    assert targets.tolist() == [[0.5, 0, 0.5], [0, 1, 0], [0.5, 0, 0.5]]


def test_the_teacher_encodes_each_text_once():
    made = teacher()
    vectors = made(["a cat", "sea", "a cat"])
    assert torch.equal(vectors[0], vectors[2])
    assert torch.equal(made(["sea"])[0], vectors[1])
    assert made.encode.__self__.asked == ["a cat", "sea"]


@torch.no_grad()
def test_the_losses_equal_slow_ones(taught):
    task = taught.build().eval()
    batch = taught.batch(5, torch.Generator().manual_seed(3))
    losses = task(**batch)
    first, second = (
        F.normalize(torch.cat([task.tower(input_ids=row[None]).text_embeds for row in batch[name]]), dim=-1)
        for name in ("input_ids", "others")
    )
    scores = first @ second.T * task.logit_scale.exp()
    total = 0.0
    for tokens, logits in ((batch["others"], scores), (batch["input_ids"], scores.T)):
        for row in range(5):
            same = [float(torch.equal(tokens[row], tokens[other])) for other in range(5)]
            total -= float((torch.tensor(same) / sum(same) * logits[row].log_softmax(0)).sum()) / 10
    assert losses["contrast"].item() == pytest.approx(total, rel=1e-4)
    distance = (
        sum(
            1 - float(F.cosine_similarity(task.to_teacher(first[row]), batch["teacher"][row], dim=0))
            for row in range(5)
        )
        / 5
    )
    relations = (
        sum(
            5 * float(first[i] @ first[j] - batch["teacher"][i] @ batch["teacher"][j]) ** 2
            for i in range(5)
            for j in range(5)
        )
        / 25
    )
    assert losses["distance"].item() == pytest.approx(distance, rel=1e-3)
    assert losses["loss"].item() == pytest.approx(total + TEXT.teacher_weight * (distance + relations), rel=1e-3)


@pytest.mark.parametrize("which", ["stage", "taught"])
def test_training_lowers_the_loss_and_reaches_every_parameter(which, request):
    stage = request.getfixturevalue(which)
    task = stage.build()
    batch = stage.batch(8, torch.Generator().manual_seed(3))
    losses = losses_of_steps(task, batch, 12)
    assert losses[-1] < 0.8 * losses[0]
    assert [name for name, parameter in task.named_parameters() if parameter.grad is None] == []


def test_a_run_leaves_a_tower_and_its_tokenizer(stage, tmp_path):
    metrics = run_stage(stage, LOOP, tmp_path)
    assert metrics["score"] == -metrics["loss"]
    tower = CLIPTextModelWithProjection.from_pretrained(tmp_path / "best" / "text")
    tokenizer = CLIPTokenizer.from_pretrained(tmp_path / "best" / "tokenizer")
    assert tower.config.hidden_size == 32
    assert tokenizer.get_vocab() == stage.tokenizer.get_vocab()
