"""Fusion against the formula step by step, what each switch leaves out, and the size of what comes out."""

import json
import math

import pytest
import torch
from torch.nn import functional as F

from kcdp.uniemo.fusion import EmotionFusion, pooled_features
from kcdp.uniemo.query_chain import ChainOutput

WIDTH, TEXT, CLASSES, BATCH = 8, 6, 4, 5
SIZES = {"width": WIDTH, "text_dim": TEXT, "num_classes": CLASSES, "token_norm": 0.7}


@pytest.fixture
def inputs():
    return [torch.randn(BATCH, WIDTH) for _ in range(3)] + [torch.rand(BATCH), torch.rand(BATCH)]


def by_hand(mapper, features):
    return mapper[2].weight @ (mapper[0].weight @ features + mapper[0].bias).relu() + mapper[2].bias


@torch.no_grad()
def test_equals_the_formula_for_each_picture(inputs):
    fusion = EmotionFusion(**SIZES)
    found = fusion(*inputs)
    for row, (cls, scene, objects, alpha_scene, alpha_object) in enumerate(zip(*inputs, strict=True)):
        total = by_hand(fusion.map_cls, cls)
        total = total + alpha_scene * by_hand(fusion.map_scene, scene)
        total = total + alpha_object * by_hand(fusion.map_object, objects)
        torch.testing.assert_close(found[row], 0.7 * total / total.square().sum().sqrt())


def test_what_comes_out_is_as_long_as_a_token_and_the_length_learns(inputs):
    fusion = EmotionFusion(**SIZES)
    loud = [10 * features for features in inputs[:3]]
    for given in (inputs, [*loud, *inputs[3:]]):
        torch.testing.assert_close(fusion(*given).norm(dim=1), torch.full((BATCH,), 0.7))
    with torch.no_grad():
        fusion.log_norm.fill_(math.log(3))
    fused = fusion(*inputs)
    torch.testing.assert_close(fused.norm(dim=1), torch.full((BATCH,), 3.0))
    fused.norm(dim=1).sum().backward()
    assert fusion.log_norm.grad == pytest.approx(3 * BATCH, rel=1e-4)


@torch.no_grad()
def test_without_a_length_of_its_own_it_is_the_papers_sum(inputs, tmp_path):
    fusion = EmotionFusion(**SIZES, token_length=False)
    found = fusion(*inputs)
    for row, (cls, scene, objects, alpha_scene, alpha_object) in enumerate(zip(*inputs, strict=True)):
        total = by_hand(fusion.map_cls, cls) + alpha_scene * by_hand(fusion.map_scene, scene)
        torch.testing.assert_close(found[row], total + alpha_object * by_hand(fusion.map_object, objects))
    assert fusion.log_norm is None and "log_norm" not in fusion.state_dict()
    fusion.save_pretrained(tmp_path)
    torch.testing.assert_close(EmotionFusion.from_pretrained(tmp_path)(*inputs), found)


def test_a_bundle_that_does_not_say_brings_f_to_a_tokens_length(tmp_path):
    """As all bundles did before there was a choice."""
    EmotionFusion(**SIZES).save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    del config["token_length"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert EmotionFusion.from_pretrained(tmp_path).log_norm.exp().item() == pytest.approx(0.7)


@torch.no_grad()
@pytest.mark.parametrize(
    ("use", "heard"),
    [("cls", ()), ("cls+scene", (1,)), ("cls+object", (2,)), ("all", (1, 2))],
)
def test_each_row_of_the_ablation_hears_what_it_names(inputs, use, heard):
    fusion = EmotionFusion(**SIZES, use=use)
    before = fusion(*inputs)
    for place in (1, 2):
        changed = list(inputs)
        changed[place] = torch.randn(BATCH, WIDTH)
        assert torch.equal(fusion(*changed), before) is (place not in heard)
    assert fusion(torch.randn(BATCH, WIDTH), *inputs[1:]).ne(before).any()


@torch.no_grad()
def test_an_attribute_without_correlation_is_not_heard(inputs):
    fusion = EmotionFusion(**SIZES)
    cls, scene, objects, *_ = inputs
    nothing = torch.zeros(BATCH)
    silent = fusion(cls, scene, objects, nothing, nothing)
    torch.testing.assert_close(
        silent, fusion(cls, torch.randn_like(scene), torch.randn_like(objects), nothing, nothing)
    )
    assert not torch.allclose(silent, fusion(*inputs))


@torch.no_grad()
def test_the_head_reads_a_direction(inputs):
    fusion = EmotionFusion(**SIZES)
    fused = fusion(*inputs)
    logits = fusion.head(fused)
    expected = [fusion.prototypes @ (vector / vector.norm() * math.sqrt(TEXT)) + fusion.head.bias for vector in fused]
    torch.testing.assert_close(logits, torch.stack(expected))
    torch.testing.assert_close(fusion.head(100 * fused), logits)
    assert fusion.prototypes.shape == (CLASSES, TEXT)


def test_two_text_encoders_have_a_part_each_of_its_own_length(inputs, tmp_path):
    fusion = EmotionFusion(**SIZES | {"text_dim": [6, 9], "token_norm": [0.7, 2.0]})
    assert fusion.text_dims == (6, 9) and fusion.prototypes.shape == (CLASSES, 15)
    first, second = fusion(*inputs).split((6, 9), dim=1)
    torch.testing.assert_close(first.norm(dim=1), torch.full((BATCH,), 0.7))
    torch.testing.assert_close(second.norm(dim=1), torch.full((BATCH,), 2.0))
    fusion.save_pretrained(tmp_path)
    loaded = EmotionFusion.from_pretrained(tmp_path)
    assert loaded.text_dims == (6, 9)
    torch.testing.assert_close(loaded(*inputs), fusion(*inputs))


def test_gradients_reach_all_inputs_and_weights(inputs):
    fusion = EmotionFusion(**SIZES)
    inputs = [value.requires_grad_() for value in inputs]
    F.cross_entropy(fusion.head(fusion(*inputs)), torch.arange(BATCH) % CLASSES).backward()
    assert all(value.grad.abs().sum() > 0 for value in inputs)
    # The head sees no length, so nothing tells it to change.
    learning = [parameter for parameter in fusion.parameters() if parameter is not fusion.log_norm]
    assert all(parameter.grad.abs().sum() > 0 for parameter in learning)


def test_features_are_the_class_token_and_the_mean_of_each_kind_of_query():
    cls, scene, objects = torch.randn(2, WIDTH), torch.randn(2, 3, WIDTH), torch.randn(2, 3, WIDTH)
    seen = ChainOutput(cls, scene, objects, None, None, torch.zeros(2, CLASSES))
    found = pooled_features(seen)
    for row in range(2):
        torch.testing.assert_close(found[row, 0], cls[row])
        torch.testing.assert_close(found[row, 1], sum(scene[row]) / 3)
        torch.testing.assert_close(found[row, 2], sum(objects[row]) / 3)
    blind = ChainOutput(cls, scene[:, :0], objects[:, :0], None, None, torch.zeros(2, CLASSES))
    assert (pooled_features(blind)[:, 1:] == 0).all()


def test_saving_and_loading_changes_nothing(inputs, tmp_path):
    fusion = EmotionFusion(**SIZES, use="cls+object")
    fusion.save_pretrained(tmp_path)
    loaded = EmotionFusion.from_pretrained(tmp_path)
    torch.testing.assert_close(loaded(*inputs), fusion(*inputs))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"use": "scene"}, "Unknown use 'scene'; choose one of cls, "),
        ({"token_norm": 0.0}, "must be above 0, not 0.0"),
        ({"token_norm": [0.4, -1.0], "text_dim": [6, 9]}, "must be above 0, not -1.0"),
        ({"token_norm": [0.4, 0.5]}, "There are 1 text encoders but 2 lengths .* give one for each"),
        ({"text_dim": [6, 9]}, "There are 2 text encoders but 1 lengths"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        EmotionFusion(**SIZES | options)
