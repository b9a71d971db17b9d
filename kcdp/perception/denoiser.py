"""Features and cross-attention maps of the denoising UNet from one noise-free pass (section 4.1, figure 4)."""

from __future__ import annotations

import copy
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, get_args

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import Attention
from huggingface_hub import save_torch_state_dict
from peft import LoraConfig
from safetensors.torch import load_file
from torch import nn

Tuning = Literal["frozen", "kv", "lora", "full"]
Features = Literal["decoder", "encoder"]

#: With "kv" and "full": shards, small enough for plain git.
_WEIGHTS_FILES = "denoiser{suffix}.safetensors"
_SHARD_SIZE = "9MB"
_ADAPTER_FILE = "pytorch_lora_weights.safetensors"


@dataclass(frozen=True)
class Perception:
    """Features and attention maps of one pass of the denoiser; a position in both tuples is a level, high resolution first.

    `features[i]` is (B, C_i, H_i, W_i). `attention[i]` is (B, T, H_i, W_i): for each position the probabilities over
    the T tokens of the condition (they sum to 1 over T), averaged over the heads and the layers of that level; None at
    a level without cross-attention. `latents` (B, C, H_0, W_0) are those of the call.
    """

    features: tuple[torch.Tensor, ...]
    attention: tuple[torch.Tensor | None, ...]
    latents: torch.Tensor

    def attention_of(self, picture: int) -> tuple[torch.Tensor, ...]:
        """The maps (T, H_i, W_i) of one picture of the batch, from every level that has some; for `heat_map`."""
        return tuple(level[picture] for level in self.attention if level is not None)


@dataclass
class _Record:
    """What the hooks of one pass have left so far: level -> feature, level -> one (B, H*W, T) map for each layer."""

    features: dict[int, torch.Tensor] = field(default_factory=dict)
    attention: dict[int, list[torch.Tensor]] = field(default_factory=dict)


# A context variable, so that calls from several threads (or tasks) never see each other's record and none has to wait
# for another, as with a lock; a network run outside `Denoiser.forward` finds no record and keeps nothing.
_record: ContextVar[_Record | None] = ContextVar("denoiser_record", default=None)


def share_unet(unet: UNet2DConditionModel) -> UNet2DConditionModel:
    """A second UNet made of the very same Parameter objects and buffers as `unet`.

    Only the module tree is new: no weight is copied, `.to()` on either moves both, and what is injected into the copy
    (adapters, attention processors, hooks) never touches `unet`.
    """
    shared = (*unet.parameters(), *unet.buffers())
    return copy.deepcopy(unet, {id(tensor): tensor for tensor in shared})


def level_modules(unet: UNet2DConditionModel, features: Features = "decoder") -> list[nn.Module]:
    """The layers whose output is the feature F_i of each level, high resolution first.

    In the decoder that is the last layer of a block before upsampling, as in VPD; in the encoder the last layer
    before it downsamples, and the middle block.
    """
    if features == "decoder":
        return [(getattr(block, "attentions", None) or block.resnets)[-1] for block in reversed(unet.up_blocks)]
    return [
        *((getattr(block, "attentions", None) or block.resnets)[-1] for block in unet.down_blocks[:-1]),
        unet.mid_block,
    ]


def encode(unet: UNet2DConditionModel, latents: torch.Tensor, timestep: int, states: torch.Tensor) -> torch.Tensor:
    """The first half of a pass: latents (B, C, H, W), states (B, T, D) -> what the middle block says (B, C', H', W')."""
    embedding = unet.time_embedding(unet.get_time_embed(latents, timestep))
    pooled = unet.get_aug_embed(embedding, states, added_cond_kwargs={})
    if pooled is not None:
        embedding = embedding + pooled
    hidden = unet.conv_in(latents)
    for block in unet.down_blocks:
        condition = {"encoder_hidden_states": states} if getattr(block, "has_cross_attention", False) else {}
        hidden, _ = block(hidden_states=hidden, temb=embedding, **condition)
    return unet.mid_block(hidden, embedding, encoder_hidden_states=states)


class RecordingAttnProcessor:
    """Cross-attention that computes its probabilities explicitly and leaves their mean over the heads in the record."""

    def __init__(self, level: int) -> None:
        self.level = level

    def __call__(
        self,
        attn: Attention,
        hidden_states: torch.Tensor,
        encoder_hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Attend from (B, H*W, C) to the condition (B, T, D); returns (B, H*W, C)."""
        query = attn.head_to_batch_dim(attn.to_q(hidden_states))
        key = attn.head_to_batch_dim(attn.to_k(encoder_hidden_states))
        value = attn.head_to_batch_dim(attn.to_v(encoder_hidden_states))
        probabilities = attn.get_attention_scores(query, key, attention_mask)
        record = _record.get()
        if record is not None:
            heads_mean = probabilities.unflatten(0, (-1, attn.heads)).mean(dim=1)
            record.attention.setdefault(self.level, []).append(heads_mean)
        attended = attn.batch_to_head_dim(torch.bmm(probabilities, value))
        for layer in attn.to_out:
            attended = layer(attended)
        return attended / attn.rescale_output_factor


def _record_feature(
    module: nn.Module, inputs: tuple, output: torch.Tensor | tuple[torch.Tensor, ...], *, level: int
) -> None:
    record = _record.get()
    if record is not None:
        record.features[level] = output[0] if isinstance(output, tuple) else output


@contextmanager
def _same_gradient_flags(unet: nn.Module) -> Iterator[None]:
    """Undo what peft does to `requires_grad` of existing weights: they are the base UNet's weights too."""
    flags = [(parameter, parameter.requires_grad) for parameter in unet.parameters()]
    try:
        yield
    finally:
        for parameter, flag in flags:
            parameter.requires_grad_(flag)


class Denoiser(nn.Module):
    """A perception view on a base UNet: (latents, condition) -> features and attention maps of every level.

    The view is a copy in structure only (`share_unet`), so perception with its adapter and generation with the base
    UNet can run at once: nothing is ever switched on or off.

    `tuning` says what belongs to the view alone and may train (figure 4):

    - "frozen": nothing;
    - "kv": copies of the cross-attentions' W_K and W_V (eq. 3);
    - "lora": KGCA, a low-rank update of the same matrices (eq. 4), as a peft adapter; starts as the identity;
    - "full": a whole copy of the UNet, no memory shared.

    All other weights are the base UNet's, `requires_grad` included: a trainer freezes the base (or pays for gradients
    nobody uses) and optimises `trainable_parameters()`.

    Args:
        unet: the base; a conditional UNet that needs nothing but latents, timestep and text states.
        timestep: where in the diffusion the noise-free latents claim to be; 1, as 0 is known to serve this badly.
        tuning: see above.
        lora_rank, lora_alpha: size of KGCA's update and its scale (alpha / rank). The paper gives neither.
        attention_levels: the levels, 0 being the highest resolution, whose attention maps the pyramid takes; (1, 2) is
            32 and 16 for Stable Diffusion at 512 px.
        features: whose features: those of the "decoder" (section 4.1), or those of the "encoder", for which half a pass is
            enough. A decoder that has yet to learn to paint adds nothing to what its encoder saw.
        input_scale: what latents are multiplied by before the UNet is given them; the inverse of the autoencoder's scaling
            factor gives it them unscaled, as the released code does.

    Raises ValueError for an unknown `tuning` or `features`, or an attention level that has no cross-attention.
    """

    def __init__(
        self,
        unet: UNet2DConditionModel,
        timestep: int = 1,
        tuning: Tuning = "lora",
        lora_rank: int = 8,
        lora_alpha: float = 8.0,
        attention_levels: Sequence[int] = (1, 2),
        features: Features = "decoder",
        input_scale: float = 1.0,
    ) -> None:
        super().__init__()
        for name, value, known in (("tuning", tuning, get_args(Tuning)), ("features", features, get_args(Features))):
            if value not in known:
                raise ValueError(f"Unknown {name} '{value}'; choose one of {', '.join(known)}.")
        self.features = features
        self.timestep = timestep
        self.input_scale = input_scale
        self.tuning = tuning
        self.attention_levels = tuple(attention_levels)
        self.unet = copy.deepcopy(unet) if tuning == "full" else share_unet(unet)
        # In a tuple, so that the base is no submodule: its weights are in this module already.
        self._base = (unet,)
        # `trainable_parameters`, found once: going through both networks takes as long as a layer.
        self._own: list[nn.Parameter] | None = None
        self._watch()
        missing = [level for level in self.attention_levels if level not in self._levels_with_attention]
        if missing:
            raise ValueError(
                f"Level {missing[0]} of this UNet has no cross-attention; "
                f"choose attention_levels from {sorted(self._levels_with_attention)}."
            )
        if tuning == "lora":
            # peft types alpha as a whole number and divides by the rank as it is.
            config = LoraConfig(
                r=lora_rank,
                lora_alpha=lora_alpha,  # type: ignore[arg-type]
                target_modules=self._key_and_value_names(),
            )
            with _same_gradient_flags(self.unet):
                self.unet.add_adapter(config)
        elif tuning == "kv":
            for name in self._key_and_value_names():
                layer = self.unet.get_submodule(name)
                for part, parameter in list(layer.named_parameters()):
                    setattr(layer, part, nn.Parameter(parameter.detach().clone()))
        elif tuning == "full":
            self.unet.requires_grad_(True)
            # What comes after the features gets no gradient, and processes that train together wait for one of each parameter.
            for name in ("conv_norm_out", "conv_out", *(["up_blocks"] if features == "encoder" else [])):
                if (unread := getattr(self.unet, name)) is not None:
                    unread.requires_grad_(False)
        self.train(unet.training)

    def _watch(self) -> None:
        """Put recording processors and feature hooks into the copy."""
        levels = len(self.unet.up_blocks)
        blocks = {f"down_blocks.{i}.": i for i in range(levels)}
        blocks |= {"mid_block.": levels - 1}
        if self.features == "decoder":
            blocks |= {f"up_blocks.{i}.": levels - 1 - i for i in range(levels)}
        self._levels_with_attention: set[int] = set()
        for name, module in self.unet.named_modules():
            level = next((level for prefix, level in blocks.items() if name.startswith(prefix)), None)
            if level is not None and name.endswith("attn2") and isinstance(module, Attention):
                module.set_processor(RecordingAttnProcessor(level))
                self._levels_with_attention.add(level)
        for level, module in enumerate(level_modules(self.unet, self.features)):
            module.register_forward_hook(partial(_record_feature, level=level))

    def _key_and_value_names(self) -> list[str]:
        """Names in the UNet of W_K and W_V of every cross-attention that the pass goes through."""
        names = [name for name, _ in self.unet.named_modules() if name.endswith(("attn2.to_k", "attn2.to_v"))]
        return [name for name in names if self.features == "decoder" or not name.startswith("up_blocks.")]

    @property
    def feature_channels(self) -> tuple[int, ...]:
        """Channels of each level's features, high resolution first; (320, 640, 1280, 1280) for SD 1.5."""
        return tuple(self.unet.config.block_out_channels)

    def attention_channels(self, tokens: int) -> tuple[int, ...]:
        """Channels each level's attention maps add in the pyramid for a condition of `tokens` tokens; 0 where none."""
        return tuple(tokens if level in self.attention_levels else 0 for level in range(len(self.feature_channels)))

    def trainable_parameters(self) -> list[nn.Parameter]:
        """The parameters that belong to this view alone; training them leaves the base UNet as it is."""
        return [parameter for _, parameter in self._tuned_parameters()]

    def _tuned_parameters(self) -> list[tuple[str, nn.Parameter]]:
        base = {id(parameter) for parameter in self._base[0].parameters()}
        return [(name, parameter) for name, parameter in self.unet.named_parameters() if id(parameter) not in base]

    def _follow_base(self) -> None:
        """Bring the view's own weights to where the base's weights are now, as a pipeline's `.to()` moves only those.

        Under training and autocast the dtype stays: 32-bit adapter weights on a 16-bit base are how one trains them, and
        validates in between.
        """
        base = self._base[0]
        offload = getattr(base, "_hf_hook", None)
        if offload is not None:
            offload.pre_forward(base)
        target = base.conv_in.weight
        if target.device.type == "meta":
            # Offloaded layer by layer: accelerate's hooks bring the view's own weights as well.
            return
        stays = self.training or torch.is_autocast_enabled(target.device.type)
        if self._own is None:
            self._own = self.trainable_parameters()
        for parameter in self._own:
            dtype = parameter.dtype if stays else target.dtype
            if (parameter.device, parameter.dtype) != (target.device, dtype):
                parameter.data = parameter.data.to(target.device, dtype)

    def forward(self, latents: torch.Tensor, states: torch.Tensor) -> Perception:
        """One pass (or its first half), no noise added, at the configured timestep (eq. 3 to 5 without the pyramid).

        Args:
            latents: (B, C, H, W), what the VAE says of the pictures.
            states: (B, T, D), the knowledge k that guides the pass; T = 2L for caption and triplets.

        Raises ValueError when the shapes fit neither each other nor the UNet. Safe to call from several threads.
        """
        self._check_inputs(latents, states)
        self._follow_base()
        inputs, record = latents * self.input_scale, _Record()
        token = _record.set(record)
        try:
            if self.features == "encoder":
                encode(self.unet, inputs, self.timestep, states)
            else:
                self.unet(inputs, self.timestep, encoder_hidden_states=states, return_dict=False)
        finally:
            _record.reset(token)
        features = tuple(record.features[level] for level in range(len(self.feature_channels)))
        attention = tuple(
            _average_layers(record.attention[level], feature.shape[-2:]) if level in record.attention else None
            for level, feature in enumerate(features)
        )
        return Perception(features, attention, latents)

    def _check_inputs(self, latents: torch.Tensor, states: torch.Tensor) -> None:
        channels, width = self.unet.config.in_channels, self.unet.config.cross_attention_dim
        if latents.ndim != 4 or latents.shape[1] != channels:
            raise ValueError(f"Latents must be (B, {channels}, H, W) for this UNet, not {tuple(latents.shape)}.")
        if states.ndim != 3 or states.shape[2] != width:
            raise ValueError(f"States must be (B, T, {width}) for this UNet, not {tuple(states.shape)}.")
        if len(latents) != len(states):
            raise ValueError(f"There are {len(latents)} latents but {len(states)} states; give one of each a picture.")

    def save_adapter(self, folder: str | Path) -> None:
        """Write what tuning has changed to `folder` as safetensors; nothing for "frozen".

        "lora" is a peft adapter that any diffusers UNet of this shape can load, rank and alpha in its metadata.
        """
        if self.tuning == "frozen":
            return
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".saving-", dir=folder) as aside:
            if self.tuning == "lora":
                self.unet.save_lora_adapter(aside, weight_name=_ADAPTER_FILE)
            else:
                weights = {key: parameter.detach().contiguous() for key, parameter in self._tuned_parameters()}
                save_torch_state_dict(weights, aside, filename_pattern=_WEIGHTS_FILES, max_shard_size=_SHARD_SIZE)
            for old in self._weight_files(folder):
                old.unlink()
            for file in Path(aside).iterdir():
                os.replace(file, folder / file.name)

    def _weight_files(self, folder: str | Path) -> list[Path]:
        """What `save_adapter` left in `folder` for this kind of tuning, in the order of the shards."""
        pattern = _ADAPTER_FILE if self.tuning == "lora" else _WEIGHTS_FILES.format(suffix="*")
        return sorted(Path(folder).glob(pattern))

    def load_adapter(self, folder: str | Path) -> None:
        """Take over what `save_adapter` wrote; with "lora", rank and alpha are then those of the file.

        Raises FileNotFoundError when `folder` holds nothing for this `tuning`, ValueError when its weights belong to
        another UNet.
        """
        if self.tuning == "frozen":
            return
        files = self._weight_files(folder)
        if not files:
            raise FileNotFoundError(
                f"'{folder}' has no weights for tuning '{self.tuning}'; save some with `save_adapter` from a denoiser "
                "tuned like this one."
            )
        weights = {key: tensor for file in files for key, tensor in load_file(file).items()}
        # The rank, the one axis in which a LoRA may differ, is the short side of both factors: leave it out.
        found = {key: self._shape_to_match(key, tensor) for key, tensor in weights.items()}
        own = {key.replace(".default.", "."): parameter for key, parameter in self._tuned_parameters()}
        if found != {key: self._shape_to_match(key, parameter) for key, parameter in own.items()}:
            raise ValueError(f"The weights in '{folder}' belong to a UNet of another shape; load them where they fit.")
        if self.tuning == "lora":
            self._own = None
            with _same_gradient_flags(self.unet):
                self.unet.unload_lora()
                self.unet.load_lora_adapter(
                    Path(folder), prefix=None, weight_name=_ADAPTER_FILE, adapter_name="default"
                )
        else:
            with torch.no_grad():
                for key, parameter in own.items():
                    parameter.copy_(weights[key])

    @staticmethod
    def _shape_to_match(key: str, tensor: torch.Tensor) -> tuple[int, ...]:
        if ".lora_A." in key:
            return (tensor.shape[1],)
        return (tensor.shape[0],) if ".lora_B." in key else tuple(tensor.shape)


def _average_layers(maps: list[torch.Tensor], size: torch.Size) -> torch.Tensor:
    """Mean over one level's layers: each (B, H*W, T) -> (B, T, H, W)."""
    return torch.stack(maps).mean(dim=0).transpose(1, 2).unflatten(2, size)
