"""Tiny models and drawn pictures that the tests share; everything is made here, in memory, in a second or two.

The models are shared by the whole session: a test that trains or changes one works on `copy.deepcopy(it)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from PIL import Image, ImageDraw
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer, PreTrainedTokenizerFast
from transformers.utils import PaddingStrategy

from kcdp.knowledge.tokens import tokenizing

torch.set_num_threads(1)

WIDTH = 32
TEXT_LENGTH = 16
LATENT_CHANNELS = 8

SENTENCES = (
    "a cat sits on a red sofa and looks happy",
    "a dog runs after a blue ball in the park",
    "a round yellow face laughs with closed eyes",
    "a man hugs a woman under a big umbrella",
    "a sad girl holds a broken heart",
    "an angry face shouts at a small bird",
    "a ghost flies over a dark house and scares a boy",
    "a mountain stands above a quiet lake",
    "two friends dance at a party with balloons",
    "a green face is sick and sticks out its tongue",
    "a picture of amusement awe contentment excitement",
    "a photo of anger disgust fear sadness",
)


@pytest.fixture(autouse=True)
def fixed_seed() -> Iterator[None]:
    """Every test starts from the same random state and leaves none behind."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


@pytest.fixture(scope="session", autouse=True)
def own_uploads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Uploads of this process in a folder of its own: a page that closes removes its own, and those of another process had their names."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("uploads")))
        yield


@pytest.fixture(scope="session")
def tiny_unet() -> UNet2DConditionModel:
    """A denoiser of 8x8 latents (B, 8, 8, 8) with two levels, 8x8 and 4x4, both with cross-attention of width 32."""
    torch.manual_seed(0)
    return UNet2DConditionModel(
        sample_size=8,
        in_channels=LATENT_CHANNELS,
        out_channels=LATENT_CHANNELS,
        block_out_channels=(16, 32),
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        layers_per_block=1,
        cross_attention_dim=WIDTH,
        attention_head_dim=2,
        norm_num_groups=4,
    ).eval()


@pytest.fixture(scope="session")
def tiny_vae() -> AutoencoderKL:
    """An autoencoder of f = 8: pictures (B, 3, H, W) to latents (B, 8, H / 8, W / 8), so 64 px for `tiny_unet`."""
    torch.manual_seed(0)
    return AutoencoderKL(
        block_out_channels=(8, 8, 8, 16),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        latent_channels=LATENT_CHANNELS,
        norm_num_groups=4,
        sample_size=64,
    ).eval()


@pytest.fixture(scope="session")
def tiny_tokenizer() -> CLIPTokenizer:
    """CLIP's own kind of tokenizer, its merges learned from SENTENCES; 16 tokens at most."""
    blank = CLIPTokenizer(vocab={"<|startoftext|>": 0, "<|endoftext|>": 1}, merges=[])
    tokenizer = blank.train_new_from_iterator(SENTENCES, vocab_size=600, show_progress=False)
    tokenizer.model_max_length = TEXT_LENGTH
    return tokenizer


@pytest.fixture
def unlocked_calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collects the calls of tokenizers, by their padding, that another thread's call could disturb: those without the lock."""
    calls: list[str] = []
    set_state = PreTrainedTokenizerFast.set_truncation_and_padding

    def watched(
        tokenizer: PreTrainedTokenizerFast, padding_strategy: PaddingStrategy, *rest: Any, **named: Any
    ) -> None:
        if not tokenizing.locked():
            calls.append(padding_strategy.value)
        set_state(tokenizer, padding_strategy, *rest, **named)

    monkeypatch.setattr(PreTrainedTokenizerFast, "set_truncation_and_padding", watched)
    return calls


@pytest.fixture(scope="session")
def tiny_text_encoder(tiny_tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """A CLIP text model of width 32 over `tiny_tokenizer`: tokens (B, 16) to states (B, 16, 32)."""
    torch.manual_seed(0)
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tiny_tokenizer),
            hidden_size=WIDTH,
            intermediate_size=2 * WIDTH,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=TEXT_LENGTH,
            projection_dim=WIDTH,
            bos_token_id=tiny_tokenizer.bos_token_id,
            eos_token_id=tiny_tokenizer.eos_token_id,
            pad_token_id=tiny_tokenizer.pad_token_id,
        )
    ).eval()


@pytest.fixture(scope="session")
def picture() -> Callable[..., Image.Image]:
    """Draw a face: `picture(size=64, mode="RGB", color="gold", smile=True)`; RGBA has a transparent ground."""

    def draw(
        size: int | tuple[int, int] = 64, mode: str = "RGB", color: str = "gold", smile: bool = True
    ) -> Image.Image:
        width, height = (size, size) if isinstance(size, int) else size
        image = Image.new(mode, (width, height), (0, 0, 0, 0) if mode == "RGBA" else "skyblue")
        pen = ImageDraw.Draw(image)

        def box(left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
            return left * (width - 1), top * (height - 1), right * (width - 1), bottom * (height - 1)

        pen.ellipse(box(0.1, 0.1, 0.9, 0.9), fill=color)
        for left in (0.3, 0.6):
            pen.ellipse(box(left, 0.3, left + 0.1, 0.45), fill="black")
        pen.arc(
            box(0.3, 0.45 if smile else 0.6, 0.7, 0.75 if smile else 0.9),
            *((20, 160) if smile else (200, 340)),
            "black",
        )
        return image

    return draw
