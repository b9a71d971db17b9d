import importlib
import io
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from PIL import Image

from kcdp.emotions import KCDP_6, MIKELS_8
from kcdp.hub import BUNDLE_FILES, Source
from kcdp.imaging import ImageError, load_frames, to_tensor
from kcdp.knowledge.propositions import Proposition
from kcdp.pipelines.kcdp import KCDPPipeline
from kcdp.results import KCDPOutput, Triplet
from tests.tiny_pipeline import LENGTH, SIZE, WIDTH, tiny_pipeline

CAPTION = "a man hugs a woman under a big umbrella"


@pytest.fixture(scope="module")
def pipeline(tiny_tokenizer):
    return tiny_pipeline(tiny_tokenizer)


@pytest.fixture(scope="module")
def seen(pipeline, faces):
    return pipeline(faces[0], caption=CAPTION)


def as_file(*frames, format="PNG", **options):
    buffer = io.BytesIO()
    frames[0].save(buffer, format, save_all=len(frames) > 1, append_images=frames[1:], **options)
    return buffer.getvalue()


def assert_close(found, expected, atol=1e-5):
    """Two results that say the same: words exactly, numbers nearly."""
    first, second = found.to_dict(), expected.to_dict()
    for name in ("emotion", "caption", "triplets", "pseudo_label", "label_space"):
        assert first[name] == second[name], name
    for one, other in zip(first["frames"], second["frames"], strict=True):
        assert one["probabilities"] == pytest.approx(other["probabilities"], abs=atol)
        assert one | {"probabilities": None} == other | {"probabilities": None}
    for name in ("probabilities", "similarities", "effects"):
        assert first[name] == pytest.approx(second[name], abs=atol), name
    assert [expert["chosen"] for expert in first["experts"]] == [expert["chosen"] for expert in second["experts"]]
    assert [item["text"] for item in first["attention"]] == [item["text"] for item in second["attention"]]
    for one, other in zip(found.attention, expected.attention, strict=True):
        np.testing.assert_allclose(one.heat, other.heat, atol=1e-3)


def test_a_result_is_complete_and_consistent(seen):
    assert isinstance(seen, KCDPOutput)
    assert tuple(seen.probabilities) == tuple(seen.similarities) == tuple(seen.effects) == MIKELS_8.labels
    assert sum(seen.probabilities.values()) == pytest.approx(1, abs=1e-6)
    assert seen.emotion == max(seen.probabilities, key=seen.probabilities.get)
    assert seen.pseudo_label == max(seen.similarities, key=seen.similarities.get)
    assert ("man", "hugs", "woman") in seen.triplets
    assert [expert.expert for expert in seen.experts] == [0, 1, 2, 3]
    assert sum(expert.weight for expert in seen.experts) == pytest.approx(1, abs=1e-6)
    assert sum(expert.chosen for expert in seen.experts) == 2
    chosen, left = ([e.weight for e in seen.experts if e.chosen is chosen] for chosen in (True, False))
    assert min(chosen) >= max(left)
    values = np.array(list(seen.similarities.values()))
    assert np.abs(values).max() <= 1 + 1e-6
    expected = [value - np.delete(values, place).mean() for place, value in enumerate(values)]
    np.testing.assert_allclose(list(seen.effects.values()), expected, atol=1e-6)
    [frame] = seen.frames
    assert (frame.time, frame.duration, frame.emotion, frame.probabilities) == (0, 0, seen.emotion, seen.probabilities)
    assert seen.visual is seen.knowledge is None


def test_attention_has_a_map_for_every_content_word_and_for_triplets(seen):
    words = [item.text for item in seen.attention if item.kind == "word"]
    # What the text encoder does not read has no map, nor has "a".
    content = [word for word in CAPTION.split() if word not in ("a", "under")]
    assert words == content[: len(words)]
    assert len(words) >= 3
    triplets = [item.text for item in seen.attention if item.kind == "triplet"]
    assert "man hugs woman" in triplets
    for item in seen.attention:
        assert item.heat.shape == (SIZE, SIZE)
        assert item.heat.dtype == np.float32
        assert item.heat.min() >= 0
        assert item.heat.max() <= 1


def test_attention_of_a_triplet_is_that_of_all_its_words_where_they_stand(pipeline, faces, monkeypatch):
    """The second "man" is not the first one; a triplet that is cut off has no map."""
    caption = "man man hugs " + "woman " * 40
    spans = {"second": ((4, 7), (8, 12)), "first": ((0, 3),), "none": ((200, 205),)}
    found = [Proposition(Triplet(name, "is", "here"), places) for name, places in spans.items()]
    monkeypatch.setattr(pipeline.parser, "propositions", lambda captions: [found for _ in captions])
    asked = []
    monkeypatch.setattr(
        "kcdp.pipelines.kcdp.heat_maps",
        lambda maps, groups, size: asked.extend(map(list, groups)) or [np.zeros(size, np.float32)] * len(groups),
    )
    seen = pipeline(faces[0], caption=caption)
    offsets = pipeline.tokenizer(caption, return_offsets_mapping=True).offset_mapping
    told = {
        item.text: "".join(caption[slice(*offsets[token])] for token in tokens)
        for item, tokens in zip(seen.attention, asked, strict=True)
        if item.kind == "triplet"
    }
    assert told == {"second is here": "manhugs", "first is here": "man"}
    first, second = (asked[row] for row in (-1, -2))
    assert max(first) < min(second)


@torch.no_grad()
def test_probabilities_equal_a_slow_reference(pipeline, faces, seen):
    """Equations 3 to 9 step by step, experts asked one by one with unnormalised gates."""
    tokenizer, text_encoder = pipeline.tokenizer, pipeline.text_encoder

    def states_of(text):
        padded = tokenizer(text, padding="max_length", truncation=True, max_length=LENGTH, return_tensors="pt")
        encoded = text_encoder(padded.input_ids)
        return encoded.last_hidden_state, encoded.pooler_output

    triplets = [states_of(" ".join(triplet)) for triplet in seen.triplets]
    caption = states_of(CAPTION)
    k = torch.cat([caption[0], sum(state for state, _ in triplets)], dim=1)
    pooled = torch.stack([caption[1], sum(end for _, end in triplets)], dim=1)
    prompts = torch.cat([states_of(f"A {label} photo of")[0] for label in MIKELS_8.labels])
    moe = pipeline.moe
    z = pipeline.vae.encode(to_tensor([faces[0]], SIZE)).latent_dist.mean * 0.7
    perception = pipeline.denoiser(z, k)
    v = pipeline.pyramid(perception.features, perception.attention)
    a = moe.aggregate(torch.cat([moe.norm_visual(v), moe.norm_knowledge(pooled.flatten(1))], dim=1))[0]
    gates = moe.router(a).softmax(0)
    logits = torch.zeros(8)
    for expert in gates.argsort(descending=True)[:2].tolist():
        hidden = (a @ moe.experts.weight_in[expert] + moe.experts.bias_in[expert]).relu()
        logits += gates[expert] * (hidden @ moe.experts.weight_out[expert] + moe.experts.bias_out[expert])
    probabilities, router = logits.softmax(0).tolist(), gates.tolist()
    similarities = pipeline.cliea(v, k, prompts)[0].tolist()
    assert list(seen.probabilities.values()) == pytest.approx(probabilities, abs=1e-5)
    assert [expert.weight for expert in seen.experts] == pytest.approx(router, abs=1e-5)
    assert list(seen.similarities.values()) == pytest.approx(similarities, abs=1e-5)


def test_a_list_gives_what_single_calls_give(pipeline, faces):
    captions = [CAPTION, "sorry", "a cat sits on a red sofa"]
    together = pipeline(faces, caption=captions)
    for picture, caption, found in zip(faces, captions, together, strict=True):
        assert_close(found, pipeline(picture, caption=caption))
    assert pipeline((faces[0],), caption=CAPTION)[0].to_dict() == pipeline(faces[0], caption=CAPTION).to_dict()
    assert pipeline([]) == []


def test_the_captioner_is_asked_for_a_list_as_for_one(pipeline, faces):
    together = pipeline(faces)
    for picture, found in zip(faces, together, strict=True):
        assert_close(found, pipeline(picture), atol=1e-4)
    assert together[0].caption == pipeline.knowledge.captions([faces[0]])[0]


def test_a_given_caption_skips_the_captioner(pipeline, faces, monkeypatch):
    monkeypatch.setattr(pipeline.captioner.encoder, "forward", lambda **_: pytest.fail("asked the captioner"))
    assert pipeline(faces[0], caption=CAPTION).caption == CAPTION
    with pytest.raises(pytest.fail.Exception):
        pipeline(faces[0])


def test_captions_and_pictures_have_to_be_as_many(pipeline, faces):
    for captions in ([CAPTION], CAPTION, [CAPTION] * 4, []):
        with pytest.raises(ValueError, match=r"3 pictures but [014] captions"):
            pipeline(faces, caption=captions)
    assert pipeline(faces[0], caption=[CAPTION]).caption == CAPTION


def test_paths_bytes_and_pictures_are_one(pipeline, faces, tmp_path):
    data = as_file(faces[0])
    (tmp_path / "face.png").write_bytes(data)
    expected = pipeline(faces[0], caption=CAPTION).to_dict()
    for source in (data, tmp_path / "face.png", str(tmp_path / "face.png")):
        assert pipeline(source, caption=CAPTION).to_dict() == expected
    with pytest.raises(ImageError):
        pipeline(b"no picture", caption=CAPTION)
    with pytest.raises(ImageError):
        pipeline(None, caption=CAPTION)


def test_an_animation_is_the_mean_of_its_frames(pipeline, picture):
    colours = ("gold", "red", "blue")
    data = as_file(*(picture(40, color=colour) for colour in colours), format="GIF", duration=100, loop=0)
    frames = load_frames(data)
    assert len(frames) == 3
    found = pipeline(data, caption=CAPTION)
    apart = pipeline(frames, caption=[CAPTION] * 3)
    assert [(frame.time, frame.duration) for frame in found.frames] == [(0.0, 0.1), (0.1, 0.1), (0.2, 0.1)]
    for frame, one in zip(found.frames, apart, strict=True):
        assert frame.probabilities == pytest.approx(one.probabilities, abs=1e-5)
        assert frame.emotion == max(frame.probabilities, key=frame.probabilities.get)
    for name in ("probabilities", "similarities", "effects"):
        expected = np.mean([list(getattr(one, name).values()) for one in apart], axis=0)
        np.testing.assert_allclose(list(getattr(found, name).values()), expected, atol=1e-5)
    weights = np.mean([[expert.weight for expert in one.experts] for one in apart], axis=0)
    np.testing.assert_allclose([expert.weight for expert in found.experts], weights, atol=1e-5)
    for mine, middle in zip(found.attention, apart[1].attention, strict=True):
        np.testing.assert_allclose(mine.heat, middle.heat, atol=1e-3)
    # Beside a still picture, each keeps its own.
    still, moving = pipeline([frames[0], data], caption=[CAPTION] * 2)
    assert_close(still, apart[0])
    assert_close(moving, found)
    assert sum(found.probabilities.values()) == pytest.approx(1, abs=1e-6)


def test_the_middle_frame_is_captioned(pipeline, picture):
    data = as_file(*(picture(40, color=colour) for colour in ("gold", "red", "blue")), format="GIF", duration=100)
    assert pipeline(data).caption == pipeline.knowledge.captions([load_frames(data)[1]])[0]


def test_a_result_is_clean_json(pipeline, faces):
    found = pipeline(faces[0], caption=CAPTION, return_features=True)
    read = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert read["triplets"] == [list(triplet) for triplet in found.triplets]
    assert read["probabilities"] == found.probabilities
    assert np.array(read["visual"]).shape == found.visual.shape == (32,)
    assert np.array(read["knowledge"]).shape == found.knowledge.shape == (2 * LENGTH, WIDTH)
    assert "visual" not in pipeline(faces[0], caption=CAPTION).to_dict()
    assert read["attention"][0] == {"text": "man", "kind": "word"}
    assert np.array(found.to_dict(heat=True)["attention"][0]["heat"]).shape == (SIZE, SIZE)


def test_top_k_chooses_how_many_experts_are_asked(pipeline, faces, seen):
    for top_k in (1, 4):
        found = pipeline(faces[0], caption=CAPTION, top_k=top_k)
        assert sum(expert.chosen for expert in found.experts) == top_k
        assert found.probabilities != seen.probabilities
    with pytest.raises(ValueError, match="top_k"):
        pipeline(faces[0], caption=CAPTION, top_k=5)


def test_generation_with_the_base_unet_is_untouched_by_perception(pipeline, faces):
    unet = pipeline.unet
    latents, states = torch.randn(2, 6, 4, 4), torch.randn(2, LENGTH, WIDTH)
    with torch.no_grad():
        before = unet(latents, 7, states).sample
        pipeline(faces[0], caption=CAPTION)
        assert torch.equal(unet(latents, 7, states).sample, before)
        adapted = pipeline.denoiser.unet(latents, 7, states).sample
    assert not torch.allclose(adapted, before, atol=1e-3)


def test_threads_do_not_mix_their_pictures(pipeline, faces):
    captions = [CAPTION, "a cat sits on a red sofa", "sorry"]
    work = [(picture, caption) for picture, caption in zip(faces, captions, strict=True)] * 3
    expected = [pipeline(picture, caption=caption).to_dict() for picture, caption in work[:3]] * 3
    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(lambda pair: pipeline(pair[0], caption=pair[1]).to_dict(), work))
    assert found == expected


def test_tokenizers_are_called_by_one_thread_at_a_time(pipeline, faces, unlocked_calls):
    pipeline(faces[0])
    assert not unlocked_calls


def test_saving_and_loading_changes_nothing(pipeline, faces, tmp_path):
    expected = pipeline(faces[0])
    pipeline.save_pretrained(tmp_path)
    kinds = {file.suffix for file in tmp_path.rglob("*") if file.is_file() and "parser" not in file.parts}
    assert kinds <= {".json", ".safetensors", ".txt", ".jinja"}
    loaded = KCDPPipeline.from_pretrained(tmp_path)
    assert loaded.config.lora_rank == 2
    # Loaded weights lie elsewhere in memory, and the order of a sum depends on that.
    assert_close(loaded(faces[0]), expected, atol=1e-6)
    smaller = KCDPPipeline.from_pretrained(tmp_path, dtype=torch.bfloat16)
    assert {parameter.dtype for parameter in smaller.denoiser.parameters()} == {torch.bfloat16}
    found = smaller(faces[0], caption=CAPTION)
    assert sum(found.probabilities.values()) == pytest.approx(1, abs=1e-5)
    near = pipeline(faces[0], caption=CAPTION)
    assert list(found.probabilities.values()) == pytest.approx(list(near.probabilities.values()), abs=0.05)


@pytest.mark.parametrize("condition", ["caption", "triplets"])
def test_half_of_the_knowledge_is_enough(tiny_tokenizer, faces, condition):
    found = tiny_pipeline(tiny_tokenizer, condition)(faces[0], caption=CAPTION, return_features=True)
    assert found.knowledge.shape == (LENGTH, WIDTH)
    assert bool(found.attention) == (condition == "caption")


def test_another_label_space_speaks_its_own_words(tiny_tokenizer, faces):
    found = tiny_pipeline(tiny_tokenizer, label_space="KCDP-6")(faces[0], caption=CAPTION)
    assert found.label_space == "KCDP-6"
    assert tuple(found.probabilities) == KCDP_6.labels


def test_without_a_parser_a_sentence_says_so(tiny_tokenizer, faces):
    pipeline = tiny_pipeline(tiny_tokenizer)
    pipeline.parser = None
    with pytest.raises(ValueError, match="has no parser"):
        pipeline(faces[0], caption=CAPTION)


def test_without_attention_everything_else_stays(pipeline, faces, seen, monkeypatch):
    monkeypatch.setattr("kcdp.pipelines.kcdp.heat_maps", lambda *_: pytest.fail("a heat map was computed"))
    output = pipeline(faces[0], caption=CAPTION, attention=False)
    assert output.attention == ()
    assert output.to_dict() | {"attention": []} == seen.to_dict() | {"attention": []}


def test_prompts_are_encoded_once_and_anew_for_changed_weights(tiny_tokenizer, monkeypatch):
    pipeline = tiny_pipeline(tiny_tokenizer)
    first = pipeline.emotion_prompts()
    with monkeypatch.context() as patch:
        patch.setattr(type(pipeline.encoder), "encode_prompts", lambda *_: pytest.fail("encoded again"))
        assert pipeline.emotion_prompts() is first
    with torch.no_grad():
        next(pipeline.text_encoder.parameters()).mul_(1.5)
    changed = pipeline.emotion_prompts()
    assert not torch.equal(changed, first)
    assert pipeline.to(dtype=torch.float64).emotion_prompts().dtype == torch.float64


def test_a_model_of_the_hub_is_fetched_with_the_files_of_a_bundle_alone(monkeypatch, tmp_path):
    monkeypatch.setattr("kcdp.pipelines.kcdp.fetch", lambda source, files: asked.append((source, files)) or tmp_path)
    asked = []
    with pytest.raises(OSError):
        KCDPPipeline.from_pretrained("owner/name", revision="0a" * 20)
    assert asked == [(Source("owner/name", "0a" * 20), BUNDLE_FILES)]


def test_a_captioner_of_ones_own_is_a_function_in_a_file(pipeline, monkeypatch, tmp_path):
    (tmp_path / "size_captioner.py").write_text(
        "def describe(images):\n"
        "    return [f'a man hugs a woman in a picture of {image.width} pixels' for image in images]\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(pipeline, "own_captioner", importlib.import_module("size_captioner").describe)
    picture = Image.new("RGB", (40, 30), "red")
    output = pipeline(picture)
    assert output.caption == "a man hugs a woman in a picture of 40 pixels"
    assert_close(output, pipeline(picture, caption=output.caption))
