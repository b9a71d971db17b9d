"""CLIEA against loops over pictures and prompts (eq. 8, 9 and 11), and the switches of table 3."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from kcdp.emotions import MIKELS_8
from kcdp.prediction.cliea import CLIEA, clip_similarities, emotion_prompts, pseudo_labels, tie

V, D, CLASSES, HEADS = 20, 16, 5, 4


def make_inputs(batch: int = 3) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """v, knowledge states and prompt states, of different lengths."""
    return torch.randn(batch, V), torch.randn(batch, 14, D), torch.randn(CLASSES, 7, D)


def build(**options: object) -> CLIEA:
    cliea = CLIEA(**{"visual_dim": V, "text_dim": D, "num_heads": HEADS, **options}).eval()
    for parameter in cliea.parameters():
        # Biases start at 0, where a mistake in them would not show.
        nn.init.normal_(parameter, std=0.3)
    return cliea


def library_attention(cliea: CLIEA) -> nn.MultiheadAttention:
    library = nn.MultiheadAttention(D, HEADS, batch_first=True)
    ours = cliea.attention
    library.in_proj_weight.data, library.in_proj_bias.data = ours.in_proj.weight, ours.in_proj.bias
    library.out_proj.weight.data, library.out_proj.bias.data = ours.out_proj.weight, ours.out_proj.bias
    return library


@pytest.mark.parametrize("use_mapping", [True, False])
@pytest.mark.parametrize("use_mha", [True, False])
def test_value_against_a_loop(use_mha: bool, use_mapping: bool) -> None:
    cliea = build(use_mha=use_mha, use_mapping=use_mapping)
    v, states, prompts = make_inputs()
    expected = torch.zeros(3, CLASSES)
    for b in range(3):
        visual = cliea.mapping(v[b]) if use_mapping else cliea.fixed_mapping @ v[b]
        for i in range(CLASSES):
            joined = torch.cat([prompts[i], states[b]])[None]
            if use_mha:
                joined = library_attention(cliea)(joined, joined, joined)[0]
            s = joined[0].mean(0)
            expected[b, i] = visual @ s / (visual.norm() * s.norm())
    torch.testing.assert_close(cliea(v, states, prompts), expected)


@pytest.mark.parametrize("use_mha", [True, False])
def test_views_of_a_picture_share_its_knowledge(use_mha: bool) -> None:
    cliea = build(use_mha=use_mha)
    v, states, prompts = make_inputs()
    owner = torch.tensor([1, 0, 1])
    torch.testing.assert_close(cliea(v, states[:2], prompts, owner), cliea(v, states[owner], prompts))


@torch.no_grad()
def test_prompts_are_projected_once_and_anew_when_they_or_the_weights_change() -> None:
    cliea = build()
    v, states, prompts = make_inputs()
    calls = []
    cliea.attention.in_proj.register_forward_hook(lambda layer, inputs, _: calls.append(inputs[0]))

    def projected() -> int:
        """How often prompts have been, of all calls."""
        return sum(len(tokens) == CLASSES for tokens in calls)

    first = cliea(v, states, prompts)
    assert torch.equal(cliea(v, states, prompts), first) and projected() == 1
    other = torch.randn_like(prompts)
    assert not torch.allclose(cliea(v, states, other), first) and projected() == 2
    prompts.mul_(2)
    torch.testing.assert_close(cliea(v, states, prompts), cliea(v, states, prompts.clone()))
    cliea.attention.in_proj.weight.mul_(-1)
    changed = copy.deepcopy(cliea)
    changed.attention._known = None
    torch.testing.assert_close(cliea(v, states, prompts), changed(v, states, prompts))


def test_scores_far_apart_are_no_overflow() -> None:
    cliea = build()
    _, states, prompts = make_inputs()
    for parameter in cliea.attention.in_proj.parameters():
        parameter.data.mul_(30)
    joined = torch.cat([prompts[2], states[1]])[None]
    expected = library_attention(cliea)(joined, joined, joined)[0].mean(1)[0]
    torch.testing.assert_close(cliea.attention(prompts, states)[1, 2], expected, atol=1e-4, rtol=1e-4)


def test_attention_and_mapping_are_on_unless_switched_off() -> None:
    assert build().config.use_mha and build().config.use_mapping
    assert build().attention is not None and build().mapping is not None


def test_gradients_reach_every_part_and_its_inputs() -> None:
    cliea = build().train()
    v, states, prompts = make_inputs()
    v.requires_grad_()
    F.cross_entropy(cliea(v, states, prompts) / 0.07, torch.tensor([0, 1, 2])).backward()
    for name, parameter in cliea.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name
    assert v.grad.abs().sum() > 0


def test_what_is_switched_off_does_not_learn() -> None:
    assert not list(build(use_mha=False, use_mapping=False).parameters())
    assert all(name.startswith("mapping") for name, _ in build(use_mha=False).named_parameters())
    assert all(name.startswith("attention") for name, _ in build(use_mapping=False).named_parameters())


def test_fixed_mapping_is_orthonormal_and_always_the_same() -> None:
    down, up, square = (build(use_mapping=False, visual_dim=width).fixed_mapping for width in (V, 10, D))
    torch.testing.assert_close(down @ down.T, torch.eye(D))
    torch.testing.assert_close(up.T @ up, torch.eye(10))
    assert torch.equal(square, torch.eye(D))
    torch.manual_seed(99)
    assert torch.equal(build(use_mapping=False).fixed_mapping, down)


def test_prompt_and_knowledge_both_matter() -> None:
    cliea, (v, states, prompts) = build(), make_inputs()
    similarities = cliea(v, states, prompts)
    assert not torch.allclose(cliea(v, states.flip(0), prompts), similarities)
    torch.testing.assert_close(cliea(v, states, prompts.flip(0)), similarities.flip(1))


def test_batch_says_the_same_as_single_pictures() -> None:
    cliea, (v, states, prompts) = build(), make_inputs()
    alone = torch.cat([cliea(v[i : i + 1], states[i : i + 1], prompts) for i in range(3)])
    torch.testing.assert_close(cliea(v, states, prompts), alone)


@pytest.mark.parametrize("options", [{}, {"use_mapping": False}, {"use_mha": False}])
def test_survives_saving(options: dict[str, bool], tmp_path: Path) -> None:
    cliea, inputs = build(**options), make_inputs()
    cliea.save_pretrained(tmp_path)
    loaded = CLIEA.from_pretrained(tmp_path)
    assert torch.equal(loaded(*inputs), cliea(*inputs))


def test_effect_is_factual_minus_mean_counterfactual() -> None:
    similarities = torch.rand(4, CLASSES) * 2 - 1
    effects = tie(similarities)
    for b in range(4):
        for i in range(CLASSES):
            others = [float(similarities[b, j]) for j in range(CLASSES) if j != i]
            assert effects[b, i] == pytest.approx(float(similarities[b, i]) - sum(others) / len(others), abs=1e-6)
    torch.testing.assert_close(effects.sum(1), torch.zeros(4), atol=1e-5, rtol=0)


def test_effect_needs_a_counterfactual() -> None:
    with pytest.raises(ValueError, match="at least two emotions"):
        tie(torch.rand(3, 1))


def test_pseudo_label_is_the_nearest_prompt_and_the_largest_effect() -> None:
    similarities = torch.tensor([[0.1, 0.9, -0.3], [-0.2, -0.5, -0.1]])
    assert pseudo_labels(similarities).tolist() == [1, 2]
    assert pseudo_labels(tie(similarities)).tolist() == [1, 2]


def test_vanilla_clip_compares_embeddings() -> None:
    images, prompts = torch.randn(3, 8), torch.randn(CLASSES, 8)
    expected = [[float(image @ p / image.norm() / p.norm()) for p in prompts] for image in images]
    torch.testing.assert_close(clip_similarities(images, prompts), torch.tensor(expected))


def test_one_prompt_an_emotion() -> None:
    prompts = emotion_prompts(MIKELS_8.labels)
    assert len(prompts) == 8 and prompts[1] == "A awe photo of"


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValueError, match="must divide the text width 16; 5 does not"):
        build(num_heads=5)
