"""The app: `python app.py`, then open http://127.0.0.1:7860."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

from kcdp.imaging import DEFAULT_LIMITS
from kcdp.ui.layout import build_app
from kcdp.ui.theme import css, theme

ASSETS = Path(__file__).parent / "assets"


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Command line flags; `--help` lists them."""
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
    parser.add_argument("--dtype", choices=["float32", "bfloat16", "float16"], default="float32", help="of the weights")
    parser.add_argument(
        "--offload",
        choices=["model", "sequential"],
        help="bring weights to the GPU one network, or one layer, at a time",
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Open the page at once, then load the models; a bundle that does not load ends the app with one sentence."""
    args = parse_args(argv)
    bundle: Future = Future()
    examples = sorted(path for path in ASSETS.glob("examples/*") if path.suffix in {".png", ".webp"})
    app = build_app(bundle, examples)
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
        bundle.set_result(loaded)
    except BundleError as error:
        bundle.set_exception(error)
        sys.exit(str(error))
    app.block_thread()


if __name__ == "__main__":
    main()
