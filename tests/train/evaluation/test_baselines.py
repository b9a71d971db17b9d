from __future__ import annotations

import copy
import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import CLIPConfig, CLIPModel, CLIPTextModel, CLIPTokenizer
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from kcdp.imaging import to_pictures
from tests.tiny_vlm import VISION
from train.core.clip import FrozenCLIP
from train.evaluation.baselines import linear_probe, zero_shot
from train.evaluation.domains import Domains


def test_pictures_are_embedded_once(clip: FrozenCLIP, domains: Domains, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = domains.test("emoji")
    embedded = clip.pictures(dataset)
    assert embedded.shape == (6, 32)
    np.testing.assert_allclose(np.linalg.norm(embedded, axis=1), 1, rtol=1e-5)
    monkeypatch.setattr(clip.model.vision_model, "forward", lambda **_: pytest.fail("embedded again"))
    np.testing.assert_array_equal(clip.pictures(dataset), embedded)
    # Other weights are another CLIP.
    other = dataclasses.replace(clip, model=copy.deepcopy(clip.model))
    torch.nn.init.zeros_(other.model.visual_projection.weight)
    with pytest.raises(pytest.fail.Exception, match="embedded again"):
        other.pictures(dataset)


def test_embeddings_are_clips_own(clip: FrozenCLIP, domains: Domains) -> None:
    dataset = domains.test("emoji")
    texts = ["a red face", "a blue face"]
    tokens = clip.tokenizer(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        output = clip.model(pixel_values=dataset.plain(torch.arange(len(dataset))), **tokens)
    np.testing.assert_allclose(clip.pictures(dataset), output.image_embeds.numpy(), atol=2e-2)
    torch.testing.assert_close(clip.texts(texts), output.text_embeds)


def test_both_layouts_are_read(clip: FrozenCLIP, domains: Domains, tmp_path: Path) -> None:
    """The stage's, a folder a part, and that of a published CLIP, everything in one."""
    clip.model.save_pretrained(tmp_path / "stage/clip")
    clip.tokenizer.save_pretrained(tmp_path / "stage/tokenizer")
    clip.processor.save_pretrained(tmp_path / "stage/image_processor")
    np.testing.assert_allclose(
        FrozenCLIP.load(tmp_path / "stage", "cpu").pictures(domains.test("emoji")), clip.pictures(domains.test("emoji"))
    )


def test_any_clip_will_do(tiny_tokenizer: CLIPTokenizer, domains: Domains, tmp_path: Path) -> None:
    text = {
        "vocab_size": len(tiny_tokenizer),
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "max_position_embeddings": 16,
        "bos_token_id": tiny_tokenizer.bos_token_id,
        "eos_token_id": tiny_tokenizer.eos_token_id,
    }
    config = CLIPConfig(text_config=text, vision_config={**VISION, "patch_size": 4}, projection_dim=12)
    processor = CLIPImageProcessorPil(size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16})
    for part in (CLIPModel(config), tiny_tokenizer, processor):
        part.save_pretrained(tmp_path)
    published, dataset = FrozenCLIP.load(tmp_path, "cpu"), domains.test("emoji")
    assert type(published.model) is CLIPModel
    assert published.pictures(dataset).shape == (len(dataset), 12)
    tokens = tiny_tokenizer(["a cat"], return_tensors="pt")
    pixels = published.processor(
        to_pictures(dataset.plain(torch.arange(len(dataset)))), return_tensors="pt"
    ).pixel_values
    with torch.no_grad():
        own = published.model(**tokens, pixel_values=pixels)
    np.testing.assert_allclose(published.pictures(dataset), own.image_embeds, atol=1e-5)
    torch.testing.assert_close(published.texts(["a cat"]), own.text_embeds)
    predictions = zero_shot(published, dataset)
    assert predictions.shape == (len(dataset),) and set(predictions) <= set(range(8))


def test_other_models_are_no_clip(tmp_path: Path, tiny_text_encoder: CLIPTextModel) -> None:
    tiny_text_encoder.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="is a CLIPTextModel where a CLIP is needed"):
        FrozenCLIP.load(tmp_path, "cpu")


def test_zero_shot_takes_the_nearest_prompt(
    clip: FrozenCLIP, domains: Domains, monkeypatch: pytest.MonkeyPatch
) -> None:
    test = domains.test("photos")
    prompts = torch.eye(8, 32)
    towards = np.eye(32, dtype=np.float32)[test.labels.numpy()]
    monkeypatch.setattr(FrozenCLIP, "texts", lambda self, texts: prompts)
    monkeypatch.setattr(FrozenCLIP, "pictures", lambda self, dataset: towards)
    assert zero_shot(clip, test).tolist() == test.labels.tolist()


def test_linear_probe_learns_from_the_source_alone(
    clip: FrozenCLIP, domains: Domains, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, test = domains.source("emoji"), domains.test("photos")
    # Only the emoji's embeddings tell the label; the other domains' would teach the opposite.
    others = torch.tensor([name != "emoji" for name in source.domains])
    shown = {
        id(source): np.eye(8)[torch.where(others, (source.labels + 1) % 8, source.labels).numpy()],
        id(test): np.eye(8)[test.labels.numpy()],
    }
    monkeypatch.setattr(FrozenCLIP, "pictures", lambda self, dataset: shown[id(dataset)])
    assert linear_probe(clip, source, test).tolist() == test.labels.tolist()
