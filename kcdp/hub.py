"""Models of the Hub: which files of them are fetched, and one sentence when they cannot be had."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from huggingface_hub import constants, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    HTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

#: What a model is made of: weights as safetensors alone, and the files of settings and words beside them.
FILES = ("*.json", "*.txt", "*.model", "*.jinja", "*.md", "*.safetensors")
#: A whole bundle: these, and its spaCy parser.
BUNDLE_FILES = (*FILES, "parser/*")
#: The same weights at another precision, or before averaging.
VARIANTS = ("*.fp16.*", "*.bf16.*", "*.non_ema.*")

_COMMIT = re.compile(r"[0-9a-f]{40}")
#: How PyTorch and the operating system say that there is no memory left, on the CPU.
_NO_MEMORY = ("can't allocate memory", "cannot allocate memory", "not enough memory")


class HubError(ValueError):
    """A model cannot be had; the message is one sentence that says why and what to do."""


@dataclass(frozen=True)
class Source:
    """Where a model is: a folder here, or an id of the Hub with the commit that is meant."""

    name: str
    revision: str | None = None

    @property
    def local(self) -> bool:
        """Whether it is a folder here, which needs no revision."""
        return Path(self.name).is_dir()


def check_pinned(source: Source, option: str) -> None:
    """Refuse a model of the Hub that may change from one day to the next.

    A folder cannot, nor can what is in the cache while HF_HUB_OFFLINE is set. `option` is the setting that names the
    source, such as "foundation.diffusion". Raises HubError when the revision is not a commit.
    """
    if source.local or constants.is_offline_mode():
        return
    if not _COMMIT.fullmatch(source.revision or ""):
        raise HubError(
            f"'{source.name}' is no folder here, and as a model of the Hub it needs a commit: choose one on "
            f"{constants.ENDPOINT}/{source.name}/commits/main and add `--{option}.revision COMMIT`."
        )


def fetch(source: Source, parts: Sequence[str] = (), files: Sequence[str] = FILES) -> Path:
    """The local folder of a model; of one of the Hub only `files` (patterns) and, if there are `parts`, in those folders.

    Raises HubError when there is no such model, or no way to reach it.
    """
    if source.local:
        return Path(source.name)
    wanted = [f"{part}/{kind}" for part in parts for kind in files] or list(files)
    try:
        return Path(
            snapshot_download(
                source.name, revision=source.revision, allow_patterns=wanted, ignore_patterns=list(VARIANTS)
            )
        )
    except Exception as error:  # the libraries between here and the Hub each have errors of their own
        raise HubError(why_not_fetched(error, source)) from error


def why_not_fetched(error: BaseException, source: Source) -> str:
    """One sentence about a model that could not be fetched."""
    name, page = source.name, f"{constants.ENDPOINT}/{source.name}"
    # Of a rejected request the library tells the last of several causes: the first that is known says most.
    for one in _causes(error):
        match one:
            case HFValidationError():
                return f"'{name}' is neither a folder here nor the id of a model of the Hub, such as 'owner/name'."
            case GatedRepoError():
                return f"The model '{name}' is gated: accept its terms on {page}, then log in with `hf auth login`."
            case RepositoryNotFoundError():
                return (
                    f"There is no model '{name}': it is neither a folder here nor on the Hub, or it is private; check "
                    "the name, or log in with `hf auth login`."
                )
            case RevisionNotFoundError():
                return (
                    f"The model '{name}' has no revision '{source.revision}'; choose a commit on {page}/commits/main."
                )
            case OfflineModeIsEnabled():
                return (
                    f"The model '{name}' is neither a folder here nor, whole, in the cache {constants.HF_HUB_CACHE}, and "
                    "HF_HUB_OFFLINE is set; unset it, or fetch the model where there is a network."
                )
            case HfHubHTTPError() if one.response.status_code in (401, 403):
                return f"The Hub does not let you read the model '{name}'; log in with `hf auth login`."
            case HfHubHTTPError():
                return f"The Hub answers {one.response.status_code} for the model '{name}'; try again later."
    if (reason := why_no_room(error)) is not None:
        return f"The model '{name}' cannot be fetched: {reason}"
    for one in _causes(error):
        if isinstance(one, (LocalEntryNotFoundError, HTTPError, ConnectionError, TimeoutError)):
            return (
                f"The model '{name}' is neither a folder here nor in the cache, and the Hub cannot be reached; check "
                "the network and try again."
            )
    return f"The model '{name}' cannot be fetched; try again: {first_line(error)}"


def why_no_room(error: BaseException) -> str | None:
    """What to do when it is disk or memory that is missing; None when it is neither."""
    for one in _causes(error):
        if isinstance(one, OSError) and one.errno in (errno.ENOSPC, errno.EDQUOT):
            return f"the disk is full; free some space, or set HF_HOME to a folder on another disk than {constants.HF_HOME}."
        if isinstance(one, torch.OutOfMemoryError):
            return "the GPU has too little memory; take a smaller dtype such as float16, or offload to the CPU."
        if isinstance(one, MemoryError) or (isinstance(one, OSError) and one.errno == errno.ENOMEM):
            return "there is too little memory; take a smaller dtype such as bfloat16, or a machine with more."
        if isinstance(one, RuntimeError) and any(words in str(one).lower() for words in _NO_MEMORY):
            return "there is too little memory; take a smaller dtype such as bfloat16, or a machine with more."
    return None


def first_line(error: BaseException) -> str:
    """The first line of what an error says, or its name when it says nothing."""
    return str(error).strip().split("\n")[0] or type(error).__name__


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it came from, the last first."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
