"""The app's flags and its start: page first, models after it."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.middleware import Middleware
from starlette.routing import Mount

from kcdp.decoded import DecodedPicture
from kcdp.imaging import DEFAULT_LIMITS
from kcdp.loading import add_bundle_flags, check_bundle_flags, load, quick_loading
from kcdp.paths import ASSETS
from kcdp.process import settle, share_memory, without_modules

# Gradio brings pandas, which keeps its strings in pyarrow where it finds that, and looks for an MCP server of its own: 48 MB that the
# page has no use for. Whoever writes Parquet, or starts our server, imports theirs later.
with without_modules("pyarrow", "mcp"):
    import gradio as gr
    from gradio.utils import is_zero_gpu_space

    from kcdp.ui.lanes import Backend
    from kcdp.ui.languages import head, translations
    from kcdp.ui.layout import build_app
    from kcdp.ui.page_head import PageHead
    from kcdp.ui.rates import RATE, RequestLimits
    from kcdp.ui.theme import css, theme

if TYPE_CHECKING:
    from mcp.server.fastmcp import FastMCP

#: Requests that may wait on ZeroGPU, where Gradio by itself lets but one.
WAITING = 20
#: Where MCP clients find the tools.
MCP_PATH = "/mcp"
#: Threads for requests, most of which wait for their turn.
MAX_THREADS = 96
#: Visitors, the latest ones, of whom the page knows what they have chosen and got: half a megabyte each, and 10,000 of them if
#: Gradio has its way.
MAX_VISITORS = 512
#: Variables that Gradio reads: it tells nobody of us, and keeps no list of the last 10,000 calls, of which it would make a table of
#: figures, which nobody asks for, at the end of each, in whatever thread is free, and each of them would keep that table's memory.
GRADIO_SETTINGS = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_ANALYTICS_MAX_EVENTS": "1",
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": str(sys.maxsize),
}


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Those of the app: where it listens, and which bundle it loads."""
    add_bundle_flags(parser)
    parser.add_argument("--host", help="address to listen on (default: GRADIO_SERVER_NAME, else 127.0.0.1)")
    parser.add_argument(
        "--port", type=int, help="port (default: GRADIO_SERVER_PORT, else the first free one from 7860)"
    )
    parser.add_argument(
        "--mcp", action="store_true", help=f"also offer tools to MCP clients under {MCP_PATH} (extra: mcp)"
    )
    parser.add_argument(
        "--rate",
        type=int,
        default=RATE,
        help="requests a minute from one address, 0 for any number; of this machine itself none is counted "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--max-upload",
        type=int,
        default=DEFAULT_LIMITS.max_bytes // 2**20,
        metavar="MB",
        help="of one file (default: %(default)s)",
    )
    parser.add_argument(
        "--no-live", action="store_true", help="paint at a click, not while somebody chooses, unless they switch it on"
    )
    parser.add_argument(
        "--corrections",
        type=Path,
        metavar="FOLDER",
        help="ask visitors what is wrong, and store there the pictures and what they say, for train.py --folder FOLDER "
        "(default: nothing is asked or stored)",
    )
    parser.add_argument("--share", action="store_true", help="also open a public Gradio link")


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Command line flags; `--help` lists them. A wrong value, in a variable too, ends the app with one sentence."""
    parser = argparse.ArgumentParser(description="See what a picture makes people feel, and why.")
    add_flags(parser)
    args = parser.parse_args(argv)
    check_bundle_flags(args)
    return args


def main(argv: Sequence[str] | None = None) -> None:
    """Start the app with flags from the command line."""
    serve(parse_args(argv))


# At its first call Gradio looks for it, for plots that the page has none of: 30 MB where the training's requirements are installed.
@without_modules("matplotlib")
def serve(args: argparse.Namespace) -> None:
    """Open the page at once, then load the models; a bundle that does not load ends the app with one sentence."""
    start = time.monotonic()
    share_memory()
    for name, value in GRADIO_SETTINGS.items():
        os.environ.setdefault(name, value)
    bundle: Future = Future()
    examples = sorted(path for path in ASSETS.glob("examples/*") if path.suffix in {".png", ".webp"})
    # On ZeroGPU each of these pictures would take a GPU for itself.
    backend = Backend(bundle, examples, args.corrections, live=not (args.no_live or is_zero_gpu_space()))
    app = build_app(backend)
    tools = mcp_tools(backend) if args.mcp else None
    if is_zero_gpu_space():
        # The other way round: ZeroGPU packs for its worker processes what this thread has loaded when the page opens.
        load_into(bundle, args)
        app.queue(max_size=WAITING)
        launch(app, args, tools)
    else:
        launch(app, args, tools)
        load_into(bundle, args)
        warm_up(backend)
    print(f"ready at {app.local_url} in {time.monotonic() - start:.1f} s", flush=True)
    app.block_thread()


def mcp_tools(backend: Backend) -> FastMCP:
    """The MCP server; without its package the app ends with one sentence."""
    try:
        from kcdp.mcp_server import build_mcp  # an extra
    except ImportError as error:
        sys.exit(f"The flag --mcp needs the package mcp; install it with `pip install '.[mcp]'` ({error}).")
    return build_mcp(backend)


def launch(app: gr.Blocks, args: argparse.Namespace, tools: FastMCP | None = None) -> None:
    """Open the page, and MCP's `tools` under `MCP_PATH`, and return."""
    max_upload = args.max_upload * 2**20
    limits = Middleware(RequestLimits, rate=args.rate, max_upload=max_upload)
    options: dict[str, Any] = {"middleware": [limits, Middleware(PageHead, html=head())]}
    if tools is not None:
        http = tools.streamable_http_app()
        options["lifespan"] = lambda _: tools.session_manager.run()
        # Before the page's own routes, which take any path.
        options["routes"] = [Mount(MCP_PATH, app=http)]
    app.launch(
        server_name=args.host,
        server_port=args.port,
        share=args.share,
        theme=theme(),
        css=css(),
        i18n=translations(),
        max_file_size=max_upload,
        max_threads=MAX_THREADS,
        state_session_capacity=MAX_VISITORS,
        allowed_paths=[str(ASSETS / "examples")],
        footer_links=["api", "settings"],
        ssr_mode=False,
        prevent_thread_lock=True,
        quiet=True,
        app_kwargs=options,
    )


def load_into(bundle: Future, args: argparse.Namespace) -> None:
    """Load the models for the page that waits for `bundle`; one that does not load ends the app with one sentence."""
    with quick_loading():
        # Imported here: the page answers while the model libraries are still on their way.
        from kcdp.bundle import BundleError

        try:
            loaded = load(args)
            # All that reading asks, before the page says that it is ready: what is damaged is told at once, the first visitor
            # waits no longer than others, and ZeroGPU's workers have it.
            if loaded.paints:
                _ = loaded.uniemo
        except BundleError as error:
            bundle.set_exception(error)
            sys.exit(str(error))
    bundle.set_result(loaded)


def warm_up(backend: Backend) -> None:
    """Read an example, so that what is loaded or made on first use is there, and the memory that this takes is taken."""
    for example in backend.examples[:1]:
        backend.readings.read(backend.readings.enter(DecodedPicture.load(example), attention=False))
    settle()
