"""A bundle: one folder of weights in diffusers' own layout, and the pipelines that share them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OfflineModeIsEnabled

from kcdp.knowledge.knowledge import Knowledge
from kcdp.pipelines.kcdp import KCDPPipeline
from kcdp.pipelines.uniemo import UniEmoPipeline

#: The bundle that ships with the code.
EMBEDDED = Path(__file__).resolve().parents[1] / "assets" / "mini"

#: Folder of a denoiser that has learned to paint emotions, where a bundle has one beside the one that KCDP sees with.
OWN_UNET = "uniemo_unet"


class BundleError(RuntimeError):
    """A bundle cannot be loaded; the message is one sentence that says why and what to do."""


@dataclass(frozen=True)
class Bundle:
    """The pipelines of one folder of weights."""

    folder: Path
    kcdp: KCDPPipeline

    @cached_property
    def knowledge(self) -> Knowledge:
        """Captioner, parser and text encoder: `bundle.knowledge.triplets("a man hugs a woman")`."""
        return self.kcdp.knowledge

    @cached_property
    def uniemo(self) -> UniEmoPipeline:
        """Understanding by expert queries, and generation; made of KCDP's own VAE, text encoder and tokenizer, and of its
        UNet unless the bundle has one that was tuned for emotions.

        Loaded on first use. Raises BundleError when the bundle has no such parts, or they cannot be read.
        """
        if not (self.folder / UniEmoPipeline.config_name).is_file():
            raise BundleError(
                f"The bundle in '{self.folder}' cannot make pictures: it has no {UniEmoPipeline.config_name}; "
                "train its UniEmo parts or load another bundle."
            )
        kcdp = self.kcdp
        shared = {name: getattr(kcdp, name) for name in ("vae", "unet", "text_encoder", "tokenizer")}
        try:
            if (self.folder / OWN_UNET).is_dir():
                own = UNet2DConditionModel.from_pretrained(self.folder / OWN_UNET, torch_dtype=kcdp.unet.dtype)
                shared["unet"] = own.eval()
            pipeline = UniEmoPipeline.from_pretrained(self.folder, torch_dtype=kcdp.unet.dtype, **shared)
        except Exception as error:  # as in `load_bundle`
            raise _unreadable(self.folder, error) from error
        return pipeline.to(kcdp.device)


def _unreadable(folder: Path, error: Exception) -> BundleError:
    """One sentence about a bundle that is damaged."""
    reason = str(error).strip().split("\n")[0] or type(error).__name__
    return BundleError(f"The bundle in '{folder}' cannot be read; copy or train it again: {reason}")


def find_bundle(name: str | Path, revision: str | None = None) -> Path:
    """The local folder of a bundle, fetched from the Hub when `name` is not a folder.

    Raises BundleError when there is no such bundle, or no way to reach it.
    """
    folder = Path(name)
    if not folder.is_dir():
        try:
            folder = Path(snapshot_download(str(name), revision=revision))
        except (HFValidationError, LocalEntryNotFoundError, OfflineModeIsEnabled, HfHubHTTPError, OSError) as error:
            raise BundleError(
                f"There is no bundle '{name}': it is neither a folder here nor a model of the Hub that can be reached now."
            ) from error
    if not (folder / "model_index.json").is_file():
        raise BundleError(
            f"The folder '{folder}' is not a bundle: it has no model_index.json; "
            "train one with train/train.py or point to another."
        )
    return folder


def load_bundle(
    name: str | Path = EMBEDDED,
    *,
    revision: str | None = None,
    device: str | torch.device | None = None,
    dtype: torch.dtype = torch.float32,
) -> Bundle:
    """Load the embedded bundle, a local folder, or a model of the Hub.

    Args:
        name: folder or Hub id.
        revision: of the Hub model; pin it in anything that runs unattended.
        device: where the weights go; default: the GPU when there is one.
        dtype: of the weights in memory, whatever they are on disk.

    Raises BundleError with one sentence when it cannot be loaded.
    """
    folder = find_bundle(name, revision)
    try:
        pipeline = KCDPPipeline.from_pretrained(folder, torch_dtype=dtype)
    except Exception as error:  # a damaged folder fails in as many ways as there are libraries that read from it
        raise _unreadable(folder, error) from error
    target = device or ("cuda" if torch.cuda.is_available() else "cpu")
    return Bundle(folder, pipeline.to(target))
