"""The classifier behind the coefficients, the table and the emotion space, against slow readings."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.neural_network import MLPClassifier
from torch.nn import functional as F

from kcdp.emotions import MIKELS_8
from kcdp.uniemo.emotion_space import EmotionSpace
from kcdp.uniemo.query_chain import ExpertQueryChain
from kcdp.vision import ConvStemCLIPVisionModel
from train.data.attributes import AttributeTable
from train.data.dataset import PictureDataset
from train.data.records import Coded
from train.stages.correlation import EmotionClassifier, build_correlation, build_space, without_correlation
from train.stages.joint import JointConfig


def test_the_classifier_learns_colours_from_the_training_pictures(joint_parts, thing_datasets):
    train, held_out = thing_datasets
    classifier = joint_parts.classifier
    assert classifier.score(train) == 1
    assert classifier.score(held_out) > 0.6
    found = classifier.pictures(held_out)
    torch.testing.assert_close(found.sum(1), torch.ones(len(held_out)))
    again = EmotionClassifier(joint_parts.clip, train).pictures(held_out)
    assert torch.equal(found, again)


def test_emotions_without_pictures_have_no_probability(joint_parts, thing_datasets):
    dataset = PictureDataset(thing_datasets[0].records, thing_datasets[0].cache_dir, MIKELS_8.labels, size=32)
    found = EmotionClassifier(joint_parts.clip, dataset).pictures(dataset)
    known = [MIKELS_8.index(name) for name in ("amusement", "anger", "sadness")]
    assert found.shape == (len(dataset), 8)
    torch.testing.assert_close(found[:, known].sum(1), torch.ones(len(dataset)))


def test_what_is_never_drawn_teaches_nothing(joint_parts, thing_datasets):
    """Weights of the dataset weigh: without the second emotion, nobody is said to feel it."""
    dataset = PictureDataset(
        thing_datasets[0].records, thing_datasets[0].cache_dir, thing_datasets[0].emotions, size=32
    )
    dataset.weights = dataset.weights * (dataset.labels != 1)
    assert (EmotionClassifier(joint_parts.clip, dataset).pictures(dataset).argmax(1) == 1).sum() == 0


def test_a_picture_counts_as_often_as_it_is_drawn_and_all_together_as_many_as_there_are(
    joint_parts, thing_datasets, monkeypatch
):
    given = []
    monkeypatch.setattr(MLPClassifier, "fit", lambda self, x, y, sample_weight: given.append(sample_weight) or self)
    monkeypatch.setattr(EmotionClassifier, "score", lambda self, dataset: 0.0)
    EmotionClassifier(joint_parts.clip, thing_datasets[0])
    known = (thing_datasets[0].labels >= 0).numpy()
    weights = thing_datasets[0].weights.numpy()[known]
    np.testing.assert_allclose(given[0], weights / weights.mean())


def test_one_emotion_is_no_choice(joint_parts, thing_datasets):
    train = thing_datasets[0]
    rows = (train.labels == 0).nonzero().flatten().tolist()
    with pytest.raises(ValueError, match="two emotions or more"):
        EmotionClassifier(
            joint_parts.clip, PictureDataset(train.records.select(rows), train.cache_dir, train.emotions, size=32)
        )


def test_coefficients_are_means_over_the_pictures_that_carry_the_attribute(joint_parts):
    table = joint_parts.correlation(JointConfig())
    pictures, said = joint_parts.pictures, joint_parts.classifier.pictures(joint_parts.pictures.train)
    assert table.config.attributes == ["beach", "fire", "rain", "cat", "robot"]
    assert table.config.num_scenes == 3
    for index, name in enumerate(table.config.attributes):
        captions = pictures.train.records["caption"]
        rows = [row for row, caption in enumerate(captions) if name in caption]
        assert len(rows) == (8 if name == "cat" else 4)
        torch.testing.assert_close(table.coefficients[index], said[rows].mean(0))
    # The names' vectors are those that the queries are taught.
    torch.testing.assert_close(table.embeds, F.normalize(torch.cat([*pictures.names.values()]), dim=-1))


@pytest.mark.parametrize("kind", ["scene", "object"])
def test_one_kind_alone_is_a_table_too(kind):
    none = AttributeTable.count([None, None, None])
    some = AttributeTable.count(["cat", None, "cat"])
    tables = {"scene": none, "object": none} | {kind: some}
    names = {name: torch.eye(1, 4) for name in tables}
    found = build_correlation(tables, names, torch.tensor([[1.0, 0], [0, 1], [0.5, 0.5]]))
    assert found.config.num_scenes is None
    assert found.coefficients.tolist() == [[0.75, 0.25]]


def test_no_attribute_is_one_sentence():
    none = AttributeTable.count([None])
    with pytest.raises(ValueError, match=r"lower uniemo_understanding\.min_count"):
        build_correlation({"scene": none, "object": none}, {}, torch.ones(1, 2))


@torch.no_grad()
def test_without_correlation_everything_counts_in_full(joint_parts):
    pictures = joint_parts.pictures
    task = pictures.build().eval()
    out = task.chain.forward_tokens(task.vision, torch.from_numpy(np.array(pictures.held_out)).float())
    weights = torch.rand(len(out.cls), 3).softmax(1)
    table = joint_parts.correlation(JointConfig())
    assert (table.alphas(out, weights) < 1).any()
    for plain in (without_correlation(table), joint_parts.correlation(JointConfig(correlation=False))):
        torch.testing.assert_close(plain.alphas(out, weights), torch.ones(len(out.cls), 2))


@torch.no_grad()
def test_the_space_is_what_the_chain_makes_of_each_emotions_pictures(joint_parts, monkeypatch):
    vision = ConvStemCLIPVisionModel.from_pretrained(joint_parts.start / "vision").eval()
    chain = ExpertQueryChain.from_pretrained(joint_parts.start / "chain").eval()
    pictures, table = joint_parts.pictures, joint_parts.correlation(JointConfig())
    dataset, tokens = pictures.train, pictures.data.views[0]
    space = build_space(dataset, tokens, vision, chain, table)
    for emotion in range(3):
        rows = (dataset.labels == emotion).nonzero().flatten()
        out = chain(vision, dataset.plain(rows))
        for place, features in enumerate((out.cls, out.scene.mean(1), out.object.mean(1))):
            torch.testing.assert_close(space.mean[emotion, place], features.mean(0), atol=2e-2, rtol=2e-2)
            torch.testing.assert_close(space.std[emotion, place], features.std(0, correction=0), atol=2e-2, rtol=5e-2)
        for place, (kind, embeds) in enumerate((("scene", out.scene_embeds), ("object", out.object_embeds))):
            nearest = table.nearest(embeds, kind=kind)[0]
            alphas = torch.where(nearest >= 0, table.coefficients[nearest.clamp(min=0), emotion], 0.0)
            assert space.alphas[emotion, place].item() == pytest.approx(alphas.mean().item(), abs=0.05)
    plain = chain(vision, dataset.plain(torch.arange(len(dataset)))).cls
    monkeypatch.setattr(chain, "forward_tokens", lambda *_, **__: pytest.fail("computed again"))
    again = build_space(dataset, tokens, vision, chain, table)
    assert torch.equal(space.mean, again.mean)
    # Every second picture is of another domain, which has no say.
    codes = np.arange(len(dataset), dtype=np.int32) % 2
    monkeypatch.setattr(dataset, "domains", Coded(("emoji", "things"), codes))
    some = build_space(dataset, tokens, vision, chain, table, ("emoji",))
    rows = torch.from_numpy((dataset.labels == 1).numpy() & (codes == 0))
    assert 0 < rows.sum() < (dataset.labels == 1).sum()
    assert torch.allclose(some.mean[1, 0], plain[rows].mean(0), atol=2e-2)
    with pytest.raises(ValueError, match="has no picture"):
        build_space(dataset, tokens, vision, chain, table, ("photos",))


def test_a_finished_stage_has_its_space_beside_it(joint_parts, tmp_path):
    stage = joint_parts.stage(JointConfig())
    stage.export(stage.build(), tmp_path)
    joint_parts.finish(tmp_path)
    assert EmotionSpace.from_pretrained(tmp_path / "space").mean.shape == (3, 3, 32)
