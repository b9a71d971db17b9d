import copy

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score
from torch.nn import functional as F

from kcdp.emotions import MIKELS_8
from kcdp.knowledge.triplets import TripletParser
from kcdp.perception.latent_encoder import LatentEncoder
from kcdp.uniemo.query_chain import ExpertQueryChain
from kcdp.vision import ConvStemCLIPVisionModel
from tests.train.conftest import ENCODER_WIDTHS, SIZE, TEXT
from tests.two_processes import results_of_two
from train.core.foundation import PARSER
from train.core.trainer import LoopConfig, run_stage
from train.data.dataset import PictureDataset
from train.data.records import make_record, to_dataset
from train.losses.uniemo import PAPER, RELEASED, attribute_contrastive
from train.stages.language import LanguageConfig, build_clip
from train.stages.text import build_text_tower
from train.stages.understanding import (
    UnderstandingConfig,
    UnderstandingStage,
    build_query_chain,
    stem_tokens,
    understand,
)

TINY = UnderstandingConfig(num_queries=2, head_dim=16, dropout=0.0, min_count=2, views=1)
THINGS = (
    ("gold", "cat on a beach", "amusement"),
    ("red", "cat on fire", "anger"),
    ("blue", "robot in the rain", "sadness"),
)


@pytest.fixture(scope="module")
def datasets(picture, dataset_cache):
    """Six pictures of each thing, two of them held out; one has neither emotion, object nor scene."""
    rows = [
        make_record(
            picture(size=SIZE - number, mode="RGBA", color=colour),
            [f"a {phrase}" if emotion else "sorry"],
            domain="drawn",
            style="thing",
            group=f"{colour}-{number}",
            license="CC0-1.0",
            emotion=emotion,
            split="val" if number > 3 else "train",
        )
        for number in range(6)
        for colour, phrase, emotion in (*THINGS, ("green", "", None))
    ]
    return tuple(
        PictureDataset(
            to_dataset(row for row in rows if row["split"] == split), dataset_cache, MIKELS_8.labels, size=SIZE
        )
        for split in ("train", "val")
    )


@pytest.fixture(scope="module")
def given(datasets, foundation, tiny_tokenizer):
    """Everything that the stage is made of; the tower has three layers."""
    torch.manual_seed(0)
    text = build_text_tower(TEXT, tiny_tokenizer)
    clip = build_clip(LanguageConfig(vision_layers=3), text, foundation.vae, LatentEncoder(6, ENCODER_WIDTHS))
    return *datasets, clip, tiny_tokenizer, TripletParser.from_pretrained(PARSER)


def stage_of(given, **changes):
    return UnderstandingStage(UnderstandingConfig(**{**vars(TINY), **changes}), *given)


@pytest.fixture(scope="module")
def stage(given):
    return stage_of(given)


def drawn(stage, size=12):
    return stage.batch(size, torch.Generator().manual_seed(2))


def test_what_is_learned_comes_from_captions(stage):
    assert stage.tables["scene"].names == ("beach", "fire", "rain")
    assert stage.tables["object"].names == ("cat", "robot")
    batch = drawn(stage, 40)
    assert batch["tokens"].shape == (40, 1 + 4, 32) and batch["tokens"].dtype == torch.float32
    for label, scene, one in zip(batch["labels"], batch["scene"], batch["object"], strict=True):
        name = MIKELS_8.labels[label] if label >= 0 else None
        expected = {"amusement": (0, 0), "anger": (1, 0), "sadness": (2, 1), None: (-1, -1)}[name]
        assert (scene, one) == expected


def test_batches_are_decided_by_the_generator(stage):
    first, again = drawn(stage), drawn(stage)
    assert all(torch.equal(first[name], again[name]) for name in first)


@torch.no_grad()
def test_kept_tokens_are_those_of_the_tower(stage, datasets):
    chain, vision = stage.build().chain, stage.vision
    rows = torch.arange(len(datasets[0]))
    plain = chain.embed(vision, datasets[0].plain(rows))
    torch.testing.assert_close(torch.from_numpy(np.array(stage.views[0])).float(), plain, rtol=1e-2, atol=1e-2)
    other = datasets[0].augmented(rows, torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        torch.from_numpy(np.array(stage.views[1])).float(), chain.embed(vision, other), rtol=1e-2, atol=1e-2
    )


@torch.no_grad()
def test_tokens_of_a_part_come_from_the_whole_and_other_weights_have_others(given, tmp_path):
    # In a folder of its own: other tests' datasets have some of these pictures too.
    dataset = PictureDataset(given[0].records, tmp_path, given[0].emotions, size=SIZE)
    vision = given[2].vision_model
    whole = stem_tokens(dataset, vision, 1)
    part = PictureDataset(dataset.records.select([5, 2]), dataset.cache_dir, dataset.emotions, size=SIZE)
    assert part.decoded.source_key == dataset.decoded.key
    for view, expected in zip(stem_tokens(part, vision, 1), whole, strict=True):
        np.testing.assert_array_equal(view, expected[[5, 2]])
    changed = copy.deepcopy(vision)
    changed.pre_layrnorm.bias += 1
    np.testing.assert_allclose(stem_tokens(dataset, changed, 0)[0], whole[0] + 1, atol=1e-2)


@torch.no_grad()
@pytest.mark.parametrize(("preset", "weights"), [("paper", PAPER), ("released", RELEASED)])
def test_the_losses_equal_slow_ones(given, preset, weights):
    stage = stage_of(given, preset=preset)
    task, batch = stage.build().eval(), drawn(stage)
    losses = task(**batch)
    out = task.chain.forward_tokens(task.vision, batch["tokens"])
    known = batch["labels"] >= 0
    emotion = F.cross_entropy(out.logits[known], batch["labels"][known])
    torch.testing.assert_close(losses["emotion"], emotion)
    parts = []
    for kind, embeds in (("scene", out.scene_embeds), ("object", out.object_embeds)):
        present = batch[kind] >= 0
        indices = batch[kind][present]
        texts = torch.stack([stage.names[kind][index] for index in indices])
        same = torch.tensor([[a == b for b in indices.tolist()] for a in indices.tolist()])
        everyone = torch.ones(len(indices)).bool()
        scale, both = task.chain.logit_scale, preset == "released"
        parts.append(attribute_contrastive(embeds[present], texts, everyone, scale, same, both))
        torch.testing.assert_close(losses[kind], parts[-1])
    expected = weights.scene_weight * parts[0] + weights.object_weight * parts[1] + weights.emotion_weight * emotion
    torch.testing.assert_close(losses["loss"], expected)


@pytest.mark.parametrize("strategy", ["multi-stage", "single-step", "none"])
@pytest.mark.parametrize("tune_tower", [False, True])
def test_training_lowers_the_loss_and_reaches_what_should_learn(given, strategy, tune_tower):
    stage = stage_of(given, strategy=strategy, tune_tower=tune_tower)
    torch.manual_seed(0)
    task, batch = stage.build(), drawn(stage, 16)
    before = copy.deepcopy(task.vision.state_dict())
    learning = {name for name, parameter in task.named_parameters() if parameter.requires_grad}
    tower = {name for name in learning if name.startswith("vision.")}
    assert all(name.startswith(("vision.encoder.", "vision.post_layernorm.")) for name in tower)
    assert bool(tower) == tune_tower and any(name.startswith("chain.head") for name in learning)
    # Of three seeds each, the lowest of the last five is 0.39 to 0.65 of the first; larger steps rise far before they fall.
    optimizer = torch.optim.Adam([p for p in task.parameters() if p.requires_grad], lr=1e-3)
    losses = []
    for _ in range(20):
        loss = task(**batch)["loss"]
        optimizer.zero_grad()
        loss.backward()
        assert [name for name, p in task.named_parameters() if p.requires_grad and p.grad is None] == []
        optimizer.step()
        losses.append(loss.item())
    assert min(losses[-5:]) < 0.9 * losses[0]
    moved = {name for name, value in task.vision.state_dict().items() if not torch.equal(value, before[name])}
    assert bool(moved) == tune_tower and not any("embeddings" in name or "pre_" in name for name in moved)


def test_without_captions_that_tell_only_emotions_teach(given):
    """No attribute is frequent enough: the losses of both kinds are 0, and no recall is measured."""
    stage = stage_of(given, min_count=100)
    task = stage.build().eval()
    assert stage.tables["scene"].names == stage.tables["object"].names == ()
    losses = task(**drawn(stage))
    assert losses["scene"] == losses["object"] == 0
    torch.testing.assert_close(losses["loss"], PAPER.emotion_weight * losses["emotion"])
    with torch.no_grad():
        assert not [name for name in stage.validate(task) if "recall" in name]


def test_a_batch_without_any_label_has_a_loss_still(stage):
    batch = drawn(stage)
    losses = stage.build()(**{**batch, "labels": torch.full_like(batch["labels"], -1)})
    assert losses["emotion"] == 0 and losses["loss"].isfinite()


@torch.no_grad()
def test_metrics_equal_slow_ones(stage):
    task, dataset = stage.build().eval(), stage.validation
    metrics = stage.validate(task)
    guesses, found = [], {"scene": [], "object": []}
    for row in range(len(dataset)):
        out = task.chain(task.vision, dataset.plain(torch.tensor([row])))
        guesses.append(int(out.logits.argmax()))
        for kind, embeds in (("scene", out.scene_embeds[0]), ("object", out.object_embeds[0])):
            if stage.held_out_attributes[kind][row] >= 0:
                cosines = [float(embeds @ name) for name in stage.names[kind]]
                found[kind].append(int(np.argmax(cosines)) == stage.held_out_attributes[kind][row])
    labelled = [row for row in range(len(dataset)) if dataset.labels[row] >= 0]
    labels = [int(dataset.labels[row]) for row in labelled]
    chosen = [guesses[row] for row in labelled]
    assert len(found["scene"]) == len(found["object"]) == len(labelled) == 6
    assert metrics["accuracy-drawn"] == pytest.approx(np.mean([a == b for a, b in zip(chosen, labels, strict=True)]))
    assert metrics["macro_f1"] == pytest.approx(f1_score(labels, chosen, average="macro"))
    assert metrics["scene_recall"] == pytest.approx(np.mean(found["scene"]))
    assert metrics["object_recall"] == pytest.approx(np.mean(found["object"]))


def test_the_labelled_latent_encoder_takes_the_place_of_the_stems(given):
    encoder = LatentEncoder(6, ENCODER_WIDTHS)
    stage = UnderstandingStage(TINY, *given, latent_encoder=encoder)
    own = stage.vision.embeddings.patch_embedding.path.state_dict()
    assert all(torch.equal(value, own[name]) for name, value in encoder.state_dict().items())
    clips = given[2].vision_model.embeddings.patch_embedding.path.state_dict()
    assert any(not torch.equal(value, clips[name]) for name, value in own.items())


@pytest.mark.parametrize(
    ("layers", "expected"), [(2, (1, 2)), (3, (1, 2)), (4, (1, 2)), (6, (2, 4)), (12, (4, 8)), (24, (8, 16))]
)
def test_thirds_of_the_tower(given, layers, expected):
    vision = copy.copy(given[2].vision_model)
    vision.config = copy.copy(vision.config)
    vision.config.num_hidden_layers = layers
    chain = build_query_chain(TINY, vision, 32, 8)
    assert (chain.config.scene_layer, chain.config.object_layer) == expected
    released = UnderstandingConfig(**{**vars(TINY), "preset": "released", "scene_layer": 1, "object_layer": layers})
    chain = build_query_chain(released, vision, 32, 8)
    assert (chain.config.scene_layer, chain.config.object_layer) == (1, layers)
    assert (chain.config.block_layers, chain.config.block_keys, chain.config.beta) == (1, "all", None)


def test_a_tower_of_one_layer_is_too_short(given):
    vision = copy.copy(given[2].vision_model)
    vision.config = copy.copy(vision.config)
    vision.config.num_hidden_layers = 1
    with pytest.raises(ValueError, match="scene's layer must come before"):
        build_query_chain(TINY, vision, 32, 8)


def test_a_run_leaves_tower_and_chain(stage, tmp_path):
    loop = LoopConfig(steps=2, batch_size=4, warmup_steps=0, validate_every=2)
    metrics = run_stage(stage, loop, tmp_path)
    assert 0 <= metrics["macro_f1"] <= 1 and {"scene_recall", "object_recall", "accuracy-drawn"} <= set(metrics)
    vision = ConvStemCLIPVisionModel.from_pretrained(tmp_path / "best" / "vision").eval()
    chain = ExpertQueryChain.from_pretrained(tmp_path / "best" / "chain").eval()
    dataset = stage.validation
    with torch.no_grad():
        out = chain(vision, dataset.plain(torch.arange(len(dataset))))
    known = dataset.labels >= 0
    right = (out.logits.argmax(1) == dataset.labels)[known].float().mean().item()
    assert metrics["accuracy-drawn"] == pytest.approx(right)
    assert out.scene_attention.shape == (len(dataset), 2, 2)


def test_two_processes_see_half_of_the_pictures_each_and_know_all(stage, tmp_path, monkeypatch):
    task = stage.build().eval()
    whole = understand(task.vision, task.chain, stage.held_out)

    def work():
        seen, follow = [], ExpertQueryChain.forward_tokens

        def counted(chain, vision, tokens, attention):
            seen.append(len(tokens))
            return follow(chain, vision, tokens, attention)

        monkeypatch.setattr(ExpertQueryChain, "forward_tokens", counted)
        found = understand(task.vision, task.chain, stage.held_out, batch_size=2)
        return seen, found.logits.tolist(), found.scene_embeds.tolist()

    results = results_of_two(work, tmp_path)
    for seen, logits, scenes in results:
        assert seen == [2, 2]
        torch.testing.assert_close(torch.tensor(logits), whole.logits)
        torch.testing.assert_close(torch.tensor(scenes), whole.scene_embeds)


def test_without_queries_nothing_is_embedded(given):
    stage = stage_of(given, strategy="none")
    task = stage.build().eval()
    seen = understand(task.vision, task.chain, stage.held_out)
    assert seen.scene_embeds is None and seen.object_embeds is None and len(seen.logits) == len(stage.held_out)
