"""The contrastive captioner on ImageNet's convolutions: what it starts from, what it is asked for, what it leaves."""

import copy
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from transformers import CLIPProcessor, CLIPVisionConfig, CLIPVisionModel, VisionEncoderDecoderModel

from kcdp.imaging import to_pictures
from kcdp.knowledge.captioner import Captioner
from kcdp.uniemo.query_chain import tower_pixels
from kcdp.vision import TrunkCLIPModel, TrunkVisionModel
from kcdp.vision.efficientnet import normalized
from tests.learning import losses_of_steps
from tests.recipes import make_recipe
from tests.train.conftest import TEXT
from train.core.efficientnet import class_names
from train.core.runs import load_clip
from train.core.trainer import LoopConfig, run_stage
from train.data.dataset import PictureDataset
from train.data.neutral import feelings_in
from train.data.records import make_record, to_dataset
from train.stages.registry import check
from train.stages.text import build_text_tower, cached_tokenizer
from train.stages.trunk_language import TrunkLanguageConfig, TrunkLanguageStage, build_vocabulary, caption_terms
from train.stages.understanding import LazyTokens, UnderstandingConfig, UnderstandingStage, understand
from train.stages.uniemo import understanding_stage

CONFIG = TrunkLanguageConfig(vision_layers=2, decoder_layers=1, bank=8, min_word_count=2, tuned_from=6)
SIZE = 64


@pytest.fixture(scope="module")
def datasets(picture, tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    rows = [
        make_record(
            picture(size=SIZE - number, mode="RGBA", color=colour),
            [caption, f"an unheard {colour}"],
            domain=domain,
            style="face",
            group=f"{colour}-{number}",
            license="CC0-1.0",
            emotion="anger",
            split="val" if number == 3 else "train",
        )
        for number in range(4)
        for colour, caption, domain in (
            ("gold", "a gold face with a smile", "emoji"),
            ("red", "a photo of a red face", "photos"),
            ("blue", "a blue face with a smile", "emoji"),
            ("green", "a green cat", "emoji"),
        )
    ]
    return [
        PictureDataset(to_dataset(row for row in rows if row["split"] == split), cache, ("anger",), size=SIZE)
        for split in ("train", "val")
    ]


@pytest.fixture(scope="module")
def stage(datasets, tmp_path_factory):
    folder = tmp_path_factory.mktemp("text")
    torch.manual_seed(0)
    tokenizer = cached_tokenizer(datasets[0], TEXT)
    build_text_tower(TEXT, tokenizer).save_pretrained(folder / "text")
    tokenizer.save_pretrained(folder / "tokenizer")
    return TrunkLanguageStage(CONFIG, *datasets, folder)


@pytest.fixture(scope="module")
def task(stage):
    torch.manual_seed(0)
    return stage.build()


def fixed_batch(stage, size=6):
    return stage.batch(size, torch.Generator().manual_seed(3))


def test_words_and_pairs_of_them_are_what_a_caption_is_told_by():
    assert caption_terms("a cat with slanted brows") == {"cat", "slanted", "brows", "cat slanted", "slanted brows"}
    captions = [
        "a red cat",
        "a red dog",
        "a red fox",
        "a red owl",
        "a bee",
        "a bee",
        "a cow",
        "a pig",
        "a hen",
        "a rat",
    ]
    # "red" is in more than three of ten, "cat" in one alone.
    assert build_vocabulary(captions, 2) == ["bee"]


def test_what_is_learned_from_is_the_plainest_caption_and_no_feeling(stage):
    texts = stage.tokenizer.batch_decode(fixed_batch(stage, 32)["input_ids"])
    assert not any("unheard" in text or feelings_in(text) for text in texts)


def test_a_photo_comes_with_imagenets_classes_of_the_published_network(stage, task, datasets):
    trunk = task.clip.vision_model.embeddings.patch_embedding.trunk.eval()
    batch = fixed_batch(stage, 16)
    assert 0 < batch["photos"].sum() < 16
    assert batch["classes"][~batch["photos"]].abs().max() == 0
    rows = [index for index, caption in enumerate(datasets[0].records["caption"]) if caption.startswith("a photo")]
    with torch.no_grad():
        expected = task.classifier(trunk(normalized(datasets[0].plain(torch.tensor(rows))))[1].mean(dim=(2, 3)))
    torch.testing.assert_close(stage.classes, expected, rtol=2e-3, atol=2e-2)
    assert {row.tolist()[0] for row in batch["classes"][batch["photos"]]} <= {row.tolist()[0] for row in stage.classes}


def test_losses_equal_a_slow_reference(stage, task):
    task.eval()
    batch = fixed_batch(stage)
    with torch.no_grad():
        found = task(**batch)
        tower = task.clip.vision_model
        mean = tower.embeddings.patch_embedding.trunk(batch["pixel_values"])[1].mean(dim=(2, 3))
        images = F.normalize(task.clip.visual_projection(tower(batch["pixel_values"]).pooler_output), dim=-1)
        told, keep, names = 0.0, 0.0, 0.0
        for row in range(6):
            said = task.tags.words(mean[row]).log_softmax(0)[batch["words"][row]]
            told -= said.mean().item() / 6
            if batch["photos"][row]:
                wanted = (batch["classes"][row] / 2).softmax(0)
                now = (task.classifier(mean[row]) / 2).softmax(0)
                keep += 4 * (wanted * (wanted / now).log()).sum().item() / 6
                chances, places = batch["classes"][row].softmax(0).topk(10)
                vector = sum(chance * task.names[place] for chance, place in zip(chances, places, strict=True))
                names += (1 - F.cosine_similarity(vector, images[row], dim=0).item()) / 6
    assert found["words"].item() == pytest.approx(told, rel=1e-4)
    assert found["classes"].item() == pytest.approx(keep, rel=1e-3, abs=1e-5)
    assert found["names"].item() == pytest.approx(names, rel=1e-4)
    parts = {"caption": 1.0, "contrastive": 0.5, "words": 0.4, "classes": 0.4, "names": 0.3}
    assert found["loss"].item() == pytest.approx(
        sum(found[name].item() * part for name, part in parts.items()), rel=1e-4
    )


def test_a_word_begins_as_the_mean_of_its_tokens(stage, task):
    words = build_vocabulary(stage.train.records["caption"][:], CONFIG.min_word_count)
    table = task.clip.text_model.embeddings.token_embedding.weight
    for row, word in enumerate(words):
        tokens = stage.tokenizer(word, add_special_tokens=False).input_ids
        torch.testing.assert_close(task.tags.embedding.weight[row], sum(table[token] for token in tokens) / len(tokens))
    assert torch.equal(task.decoder.get_input_embeddings().weight, table)


def test_the_captioner_that_is_left_attends_to_what_the_decoder_was_trained_on(stage, task, tmp_path):
    stage.export(task.eval(), tmp_path)
    encoder = VisionEncoderDecoderModel.from_pretrained(tmp_path / "captioner").encoder
    pixels = fixed_batch(stage)["pixel_values"]
    with torch.no_grad():
        expected = task.states(*task.clip.vision_model.read(pixels)[:2])
        torch.testing.assert_close(encoder(pixel_values=pixels).last_hidden_state, expected)
    assert expected.shape[1] == 1 + (SIZE // 16) ** 2 + CONFIG.tags


def test_names_are_those_of_the_classes(stage, task):
    names = class_names()
    assert len(names) == 1000 and names[281].startswith("tabby") and names[207] == "golden retriever"
    torch.testing.assert_close(task.names[281], stage.sentences([f"a {names[281]}"])[0], rtol=1e-4, atol=1e-5)


def test_it_learns_and_what_is_frozen_stays(stage):
    torch.manual_seed(0)
    task = stage.build()
    trunk = task.clip.vision_model.embeddings.patch_embedding.trunk
    frozen = [*trunk.stem.parameters(), *trunk.stages[:6].parameters(), *task.clip.text_model.parameters()]
    before = [parameter.clone() for parameter in frozen]
    head = trunk.head[0].weight.clone()
    losses = losses_of_steps(task, fixed_batch(stage), 20)
    assert losses[-1] < 0.9 * losses[0] and math.isfinite(losses[-1])
    assert all(torch.equal(one, other) for one, other in zip(before, frozen, strict=True))
    assert not torch.equal(head, trunk.head[0].weight)
    statistics = [module for module in trunk.modules() if isinstance(module, nn.BatchNorm2d)]
    assert not any(module.training for module in statistics)


@pytest.fixture(scope="module")
def recipe(stage, tmp_path_factory):
    """A run of two steps, on which later stages are to stand."""
    recipe = make_recipe(
        output_dir=str(tmp_path_factory.mktemp("run")), words_from="trunk_language", drawn=0, size=SIZE
    )
    loop = LoopConfig(steps=2, batch_size=4, learning_rate=1e-3, warmup_steps=0, validate_every=2, ema_decay=0.9)
    metrics = run_stage(stage, loop, recipe.run_dir("trunk_language"))
    assert 0 < metrics["likelihood"] < 1 and 0 <= metrics["recall"] <= 1
    return recipe


def test_a_run_leaves_a_clip_and_a_captioner(stage, datasets, recipe):
    frozen = load_clip(recipe)
    assert type(frozen.model) is TrunkCLIPModel
    assert frozen.embed(datasets[1].plain(torch.arange(3))).shape == (3, TEXT.width)
    captioner = VisionEncoderDecoderModel.from_pretrained(recipe.run_dir("trunk_language") / "best" / "captioner")
    processor = CLIPProcessor(stage.image_processor, stage.tokenizer)
    faces = to_pictures(datasets[1].plain(torch.arange(3)))
    pixels = Captioner(captioner, processor).inputs(faces)["pixel_values"]
    torch.testing.assert_close(pixels, normalized(datasets[1].plain(torch.arange(3))), rtol=0, atol=0.02)
    assert len(Captioner(captioner, processor)(faces)) == 3


def test_expert_queries_stand_on_its_tower(datasets, recipe):
    settings = UnderstandingConfig(num_queries=2, min_count=1, views=1, tune_tower=True)
    queries = understanding_stage(recipe, settings, *datasets)
    task = queries.build()
    assert type(task.vision) is TrunkVisionModel
    task(**queries.batch(6, torch.Generator().manual_seed(0)))["loss"].backward()
    assert task.vision.encoder.layers[0].mlp.fc1.weight.grad.abs().max() > 0
    assert task.vision.embeddings.patch_embedding.coarse.weight.grad is None


def test_expert_queries_can_train_its_trunk(datasets, recipe):
    settings = UnderstandingConfig(num_queries=2, min_count=1, tune_tower=True, tune_trunk=6)
    queries = understanding_stage(recipe, settings, *datasets)
    task = queries.build().train()
    batch = queries.batch(6, torch.Generator().manual_seed(0))
    assert batch["tokens"].shape == (6, 3, SIZE, SIZE) and not queries.views
    task(**batch)["loss"].backward()
    trunk = task.vision.embeddings.patch_embedding.trunk
    assert trunk.stages[6][0].layers[0].weight.grad.abs().max() > 0
    assert all(parameter.grad is None for parameter in trunk.stages[5].parameters())
    assert not any(module.training for module in trunk.modules() if isinstance(module, nn.BatchNorm2d))
    # Validation looks through the trunk as it is now.
    before = queries.validate(task.eval())
    with torch.no_grad():
        trunk.head[0].weight.mul_(-1)
    assert {*before} == {*queries.validate(task)}
    pictures = datasets[1].plain(torch.arange(len(datasets[1])))
    expected = task.chain(task.vision, tower_pixels(task.vision, pictures), attention=False).logits
    found = understand(task.vision, task.chain, LazyTokens(datasets[1], task.vision, None)).logits
    torch.testing.assert_close(found, expected, rtol=1e-2, atol=1e-2)


def test_a_tower_without_a_trunk_cannot_train_one(datasets, recipe):
    queries = understanding_stage(recipe, UnderstandingConfig(min_count=1), *datasets)
    clip = copy.deepcopy(queries.clip)
    clip.vision_model = CLIPVisionModel(CLIPVisionConfig(hidden_size=32, num_attention_heads=2, num_hidden_layers=2))
    settings = UnderstandingConfig(min_count=1, tune_trunk=6)
    with pytest.raises(ValueError, match="this one is a CLIPVisionModel; leave it out"):
        UnderstandingStage(settings, *datasets, clip, load_clip(recipe).tokenizer, queries.parser)


def test_later_stages_ask_for_it(recipe, tmp_path):
    asked = {"stages": ["uniemo_understanding"], "output_dir": str(tmp_path)}
    for words in ("language", "trunk_language"):
        with pytest.raises(ValueError, match=f"The stage '{words}' has to be trained first"):
            check(make_recipe(words_from=words, **asked))
