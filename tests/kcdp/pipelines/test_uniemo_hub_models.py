"""UniEmo on the networks of the Hub, tiny and of random weights: Stable Diffusion, SDXL and a plain CLIP vision tower."""

import copy

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline
from transformers import CLIPVisionModel
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from kcdp.imaging import fit_square
from kcdp.painting.emotion_tokens import EmotionTokens
from kcdp.pipelines.uniemo import UniEmoPipeline
from tests.tiny_diffusion import SEEN, SIZE, stable_diffusion, stable_diffusion_xl, uniemo_on

STEPS, GUIDANCE, SEED = 3, 5.0, 11
KINDS = {"sd": stable_diffusion, "sdxl": stable_diffusion_xl}


@pytest.fixture(scope="module", params=KINDS)
def parts(request, tiny_tokenizer):
    torch.manual_seed(0)
    return KINDS[request.param](tiny_tokenizer)


@pytest.fixture(scope="module")
def pipeline(parts):
    torch.manual_seed(1)
    return uniemo_on(parts)


@pytest.fixture(scope="module")
def face(picture):
    return picture((48, 30), color="red")


def make(pipeline, emotion="awe", prompt="<emotion> on a sofa", **options):
    settings = {"seed": SEED, "num_inference_steps": STEPS, "guidance_scale": GUIDANCE, "output_type": "pt"} | options
    return torch.stack(pipeline(emotion, prompt, **settings).images)


def plain_pipeline(parts):
    """The library's own text to image of the same parts."""
    if "text_encoder_2" in parts:
        theirs = StableDiffusionXLPipeline(**parts, add_watermarker=False)
    else:
        extra = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
        theirs = StableDiffusionPipeline(**parts, **extra)
    theirs.set_progress_bar_config(disable=True)
    return theirs


@pytest.mark.parametrize("negative", [None, "a ghost"])
@pytest.mark.parametrize("prompt", ["{} sits on a red sofa", "a happy {}"])
def test_a_word_in_the_place_of_the_emotion_paints_what_the_library_paints(
    parts, pipeline, prompt, negative, monkeypatch
):
    """If F is the embedding of "cat", the picture is that of diffusers' own pipeline for a prompt with "cat" in it."""
    encoders = [parts[name] for name in ("text_encoder", "text_encoder_2") if name in parts]
    (cat,) = parts["tokenizer"]("cat", add_special_tokens=False).input_ids
    vectors = torch.cat([encoder.get_input_embeddings().weight[cat] for encoder in encoders]).detach()
    monkeypatch.setattr(EmotionTokens, "fuse", lambda self, features, alphas: vectors.expand(len(features), -1))
    found = make(pipeline, prompt=prompt.format("<emotion>"), num_images=2, negative_prompt=negative)
    shape = (1, 4, SIZE // 4, SIZE // 4)
    noise = [torch.randn(shape, generator=torch.Generator().manual_seed(SEED + row)) for row in range(2)]
    expected = plain_pipeline(parts | {"scheduler": copy.deepcopy(parts["scheduler"])})(
        [prompt.format("cat")] * 2,
        height=SIZE,
        width=SIZE,
        num_inference_steps=STEPS,
        guidance_scale=GUIDANCE,
        negative_prompt=None if negative is None else [negative] * 2,
        latents=torch.cat(noise),
        output_type="pt",
    ).images
    assert expected.std() > 0.01
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-3)


def test_every_text_encoder_hears_the_emotion(pipeline, monkeypatch):
    fuse, parts = EmotionTokens.fuse, pipeline.prompts.widths
    unchanged = make(pipeline)
    for silenced in range(len(parts)):

        def deaf(self, features, alphas, silenced=silenced):
            vectors = fuse(self, features, alphas).clone()
            vectors.split(parts, dim=1)[silenced].zero_()
            return vectors

        monkeypatch.setattr(EmotionTokens, "fuse", deaf)
        assert (make(pipeline) - unchanged).abs().max() > 1e-3


def test_a_pictures_emotion_is_carried_over_and_the_picture_refelt(pipeline, face):
    assert make(pipeline, emotion=face, image=face, strength=0.7, num_inference_steps=10).shape == (1, 3, SIZE, SIZE)
    both = make(pipeline, emotion={"awe": 1, "fear": 2}, seed=[3, SEED])
    torch.testing.assert_close(both[1:], make(pipeline, emotion={"awe": 1, "fear": 2}), atol=1e-4, rtol=1e-3)


@torch.no_grad()
def test_a_plain_clip_tower_sees_pictures_as_its_own_processor_prepares_them(pipeline, face):
    assert type(pipeline.vision) is CLIPVisionModel
    # Mean and deviation are the processor's own.
    processor = CLIPImageProcessorPil(size={"height": SEEN, "width": SEEN}, do_center_crop=False)
    pixels = processor(images=fit_square(face, SEEN), return_tensors="pt").pixel_values
    seen = pipeline.chain(pipeline.vision, pixels)
    found = pipeline.understand(face)
    assert list(found.probabilities.values()) == pytest.approx(seen.logits[0].softmax(0).tolist(), abs=1e-5)
    # The queries follow the tower's other tokens and change them; without them it is the tower as the library runs it.
    none = copy.deepcopy(pipeline.chain)
    none.register_to_config(strategy="none")
    torch.testing.assert_close(none(pipeline.vision, pixels).cls, pipeline.vision(pixels).pooler_output)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_saving_and_loading_keeps_pictures_and_understanding(pipeline, parts, face, tmp_path, dtype):
    pipeline.save_pretrained(tmp_path)
    assert {file.suffix for file in tmp_path.rglob("*") if file.is_file()} <= {".json", ".safetensors", ".txt"}
    loaded = UniEmoPipeline.from_pretrained(tmp_path, dtype=dtype)
    loaded.set_progress_bar_config(disable=True)
    assert {name for name, part in loaded.components.items() if part is not None} == {
        *parts,
        *("vision", "chain", "fusion", "correlation", "space"),
    }
    close = {"atol": 2e-4, "rtol": 1e-3} if dtype is torch.float32 else {"atol": 0.15, "rtol": 0.1}
    torch.testing.assert_close(make(loaded, guidance_scale=1.0).float(), make(pipeline, guidance_scale=1.0), **close)
    found, expected = (np.array(list(one.understand(face).probabilities.values())) for one in (loaded, pipeline))
    np.testing.assert_allclose(found, expected, atol=close["atol"])


def test_a_fusion_for_other_text_encoders_is_one_sentence(pipeline, tiny_tokenizer):
    one, two = stable_diffusion(tiny_tokenizer), stable_diffusion_xl(tiny_tokenizer)
    other = two if pipeline.text_encoder_2 is None else one | {"text_encoder_2": None, "tokenizer_2": None}
    with pytest.raises(ValueError, match=r"The fusion speaks to text encoders of widths .* give the fusion that was"):
        UniEmoPipeline(**pipeline.components | other)


def test_sdxls_autoencoder_is_never_run_in_halves(tiny_tokenizer):
    pipeline = uniemo_on(stable_diffusion_xl(tiny_tokenizer))
    pipeline.vae.register_to_config(force_upcast=True)
    pipeline.vae.half()
    assert make(pipeline).isfinite().all()
    assert pipeline.vae.dtype == torch.float32
