"""The app: `python app.py`, then open http://127.0.0.1:7860."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress

import gradio as gr
from gradio.utils import is_zero_gpu_space

from kcdp.imaging import DEFAULT_LIMITS
from kcdp.paths import ASSETS
from kcdp.ui.layout import build_app
from kcdp.ui.theme import css, theme

DTYPES = ("float32", "bfloat16", "float16")
OFFLOADS = ("model", "sequential")
#: Requests that may wait on ZeroGPU, where Gradio by itself lets but one.
WAITING = 20


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Command line flags; `--help` lists them. A wrong value, in a variable too, ends the app with one sentence."""
    parser = argparse.ArgumentParser(description="See what a picture makes people feel, and why.")
    parser.add_argument(
        "--bundle",
        default=os.environ.get("KCDP_BUNDLE") or str(ASSETS / "mini"),
        help="folder or Hub id of a bundle (default: KCDP_BUNDLE, else assets/mini)",
    )
    parser.add_argument(
        "--revision",
        default=os.environ.get("KCDP_REVISION"),
        help="commit of a bundle on the Hub (default: KCDP_REVISION, else its latest)",
    )
    parser.add_argument("--host", help="address to listen on (default: GRADIO_SERVER_NAME, else 127.0.0.1)")
    parser.add_argument(
        "--port", type=int, help="port (default: GRADIO_SERVER_PORT, else the first free one from 7860)"
    )
    parser.add_argument("--share", action="store_true", help="also open a public Gradio link")
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
    args = parser.parse_args(argv)
    # Of defaults argparse does not ask whether they are among the choices.
    for variable, value, choices in (
        ("KCDP_DTYPE", args.dtype, DTYPES),
        ("KCDP_OFFLOAD", args.offload, (None, *OFFLOADS)),
    ):
        if value not in choices:
            sys.exit(f"The variable {variable} is '{value}'; set it to {' or '.join(filter(None, choices))}.")
    return args


def main(argv: Sequence[str] | None = None) -> None:
    """Open the page at once, then load the models; a bundle that does not load ends the app with one sentence."""
    args = parse_args(argv)
    bundle: Future = Future()
    examples = sorted(path for path in ASSETS.glob("examples/*") if path.suffix in {".png", ".webp"})
    app = build_app(bundle, examples)
    if is_zero_gpu_space():
        # The other way round: ZeroGPU packs for its worker processes what this thread has loaded when the page opens.
        load(bundle, args)
        app.queue(max_size=WAITING)
        launch(app, args)
    else:
        launch(app, args)
        load(bundle, args)
    app.block_thread()


def launch(app: gr.Blocks, args: argparse.Namespace) -> None:
    """Open the page and return."""
    app.launch(
        server_name=args.host,
        server_port=args.port,
        share=args.share,
        theme=theme(),
        css=css(),
        max_file_size=DEFAULT_LIMITS.max_bytes,
        allowed_paths=[str(ASSETS / "examples")],
        footer_links=["api", "settings"],
        ssr_mode=False,
        prevent_thread_lock=True,
    )


def load(bundle: Future, args: argparse.Namespace) -> None:
    """Load the models for the page that waits for `bundle`; one that does not load ends the app with one sentence."""
    # Imported here: the page answers while the model libraries are still on their way.
    import torch

    from kcdp.bundle import BundleError, load_bundle

    try:
        loaded = load_bundle(
            args.bundle,
            revision=args.revision,
            device=args.device,
            dtype=getattr(torch, args.dtype),
            offload=args.offload,
        )
    except BundleError as error:
        bundle.set_exception(error)
        sys.exit(str(error))
    if is_zero_gpu_space():
        with suppress(BundleError):  # not every bundle makes pictures
            _ = loaded.uniemo
    bundle.set_result(loaded)


if __name__ == "__main__":
    main()
