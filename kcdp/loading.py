"""The flags that say which bundle is loaded and how; those of the app, and of every command."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kcdp.process import without_collections, without_modules
from kcdp.quiet import quiet_libraries

if TYPE_CHECKING:
    from kcdp.bundle import Bundle

DTYPES = ("float32", "bfloat16", "float16")
#: Those of `kcdp.offload`, which would bring torch along.
OFFLOADS = ("model", "sequential")


def add_bundle_flags(parser: argparse.ArgumentParser) -> None:
    """--bundle, --revision, --device, --dtype and --offload; all but the device can also be set by a variable."""
    parser.add_argument(
        "--bundle",
        default=os.environ.get("KCDP_BUNDLE") or None,
        help="folder or Hub id of a bundle (default: KCDP_BUNDLE, else the embedded one)",
    )
    parser.add_argument(
        "--revision",
        default=os.environ.get("KCDP_REVISION"),
        help="commit of a bundle on the Hub (default: KCDP_REVISION, else its latest)",
    )
    parser.add_argument("--device", help="for example cuda or cpu (default: cuda where there is one)")
    parser.add_argument(
        "--dtype",
        choices=DTYPES,
        default=os.environ.get("KCDP_DTYPE") or DTYPES[0],
        help=f"of the weights (default: KCDP_DTYPE, else {DTYPES[0]})",
    )
    parser.add_argument(
        "--offload",
        choices=OFFLOADS,
        default=os.environ.get("KCDP_OFFLOAD") or None,
        help="bring weights to the GPU one network, or one layer, at a time (default: KCDP_OFFLOAD, else none of it)",
    )


def check_bundle_flags(args: argparse.Namespace) -> None:
    """Exit with one sentence when a variable has a value that its flag does not take: argparse does not check defaults."""
    for variable, value, choices in (
        ("KCDP_DTYPE", args.dtype, DTYPES),
        ("KCDP_OFFLOAD", args.offload, (None, *OFFLOADS)),
    ):
        if value not in choices:
            sys.exit(f"The variable {variable} is '{value}'; set it to {' or '.join(filter(None, choices))}.")


def load(args: argparse.Namespace, device: str | None = None) -> Bundle:
    """The bundle that the flags name, on `device` where that is given; raises BundleError."""
    with quick_loading():
        # Imported here: the page, and --help, answer while the model libraries are still on their way.
        import torch

        from kcdp.bundle import EMBEDDED, load_bundle

        return load_bundle(
            args.bundle or EMBEDDED,
            revision=args.revision,
            device=device or args.device,
            dtype=getattr(torch, args.dtype),
            offload=args.offload,
        )


@contextmanager
def quick_loading() -> Iterator[None]:
    """Import the model libraries and load weights inside, without what these cost a program for nothing."""
    with without_collections():
        import torch

        # For losses of detectors, and for kernels of a GPU: none of our models asks for them, and a tenth of the app's memory is theirs.
        unused = ("scipy",) if torch.accelerator.is_available() else ("scipy", "triton")
        with without_modules(*unused):
            quiet_libraries()
            yield
