"""The command `kcdp`: read pictures, paint them, change what they make people feel, or serve the page."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

# Everything else is imported where it is used: `kcdp --help` must not wait for the model libraries.
from kcdp.loading import add_bundle_flags, check_bundle_flags, load

if TYPE_CHECKING:
    from PIL import Image

    from kcdp.bundle import Bundle
    from kcdp.decoded import DecodedPicture
    from kcdp.pipelines.uniemo import UniEmoPipeline
    from kcdp.results import UniEmoImageOutput, VerdictOutput

#: Exit codes: all is done; a fault, said in one sentence; done, but for pictures that could not be read. Of wrong usage it is
#: argparse's 2, of an interrupt the shell's 130.
DONE, FAILED, SOME_UNREADABLE, INTERRUPTED = 0, 1, 3, 130
#: How long processes wait for the slowest one before the results are brought together.
_LONGEST_WAIT = timedelta(days=30)

_EXAMPLES = """examples:
  kcdp understand sticker.png
  kcdp understand stickers/ more/*.webp --out results.jsonl     (run again: what is there is skipped)
  accelerate launch --num_processes 8 -m kcdp understand stickers/ --out results.jsonl
  kcdp paint awe --thing bench --number 4 --seed 7 --out pictures/
  kcdp paint amusement=0.7,sadness=0.3 --thing "a cat" --sticker webp
  kcdp refeel sticker.png fear --strength 0.6
  kcdp serve --port 7860
"""


def build_parser() -> argparse.ArgumentParser:
    """All commands with their flags."""
    parser = argparse.ArgumentParser(
        prog="kcdp",
        description="See what pictures make people feel, and paint pictures that do.",
        epilog=_EXAMPLES
        + "\nexit codes: 0 done, 1 failed, 2 wrong usage, 3 some pictures could not be read, 130 interrupted",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], int], text: str, usage: str) -> argparse.ArgumentParser:
        own = commands.add_parser(
            name,
            help=text,
            description=f"{text[0].upper()}{text[1:]}.",
            epilog=f"example:\n  {usage}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        own.set_defaults(run=run)
        return own

    reading = command(
        "understand", understand, "read the emotion of pictures", "kcdp understand stickers/ --out results.jsonl"
    )
    reading.add_argument("paths", nargs="+", metavar="PATH", help="picture, or folder of pictures")
    reading.add_argument(
        "--out", help="file for the results, a line of JSON a picture; those in it are skipped (default: the terminal)"
    )
    add_bundle_flags(reading)

    painting = command("paint", paint, "paint pictures of an emotion", "kcdp paint awe --thing bench --seed 7")
    painting.add_argument("emotion", type=parse_emotion, help="name, or names with weights: amusement=0.7,sadness=0.3")
    painting.add_argument("--thing", default="", metavar="WORDS", help="what to show (default: the emotion alone)")
    _add_painting_flags(painting)

    changing = command(
        "refeel", refeel, "paint a picture again with another emotion", "kcdp refeel sticker.png fear --strength 0.6"
    )
    changing.add_argument("picture", help="the picture to change")
    changing.add_argument("emotion", help="name of an emotion, or a picture that has it")
    changing.add_argument(
        "--strength", type=float, default=0.6, help="how much may change, above 0 to 1 (default: 0.6)"
    )
    changing.add_argument("--thing", default="", metavar="WORDS", help="what to show (default: nothing said)")
    _add_painting_flags(changing)

    serving = command("serve", serve, "open the page", "kcdp serve --port 7860")
    # Gradio takes seconds to import: its flags only where they are asked for.
    if any(argument == "serve" for argument in sys.argv[1:2]):
        from kcdp.serve import add_flags

        add_flags(serving)
    return parser


def _add_painting_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--number", type=int, default=1, help="of pictures (default: 1)")
    parser.add_argument("--seed", type=int, help="of the first picture (default: drawn)")
    parser.add_argument(
        "--quality", action="store_true", help="paint in many steps where the bundle also paints in few"
    )
    parser.add_argument("--steps", type=int, help="of denoising; by default as many as the bundle is made for")
    parser.add_argument("--guidance", type=float, help="how far to follow the prompt (default: the bundle's)")
    parser.add_argument("--negative", metavar="WORDS", help="what to lead away from")
    parser.add_argument(
        "--sticker",
        choices=("png", "webp"),
        help="write stickers for messengers: square, cut out, with a white rim (default: whole pictures as PNG)",
    )
    parser.add_argument("--out", default=".", metavar="FOLDER", help="for the files (default: here)")
    add_bundle_flags(parser)


def parse_emotion(text: str) -> str | dict[str, float]:
    """ "awe" as it is, "awe=0.7,fear=0.3" as names with weights; raises ArgumentTypeError for anything else."""
    if "=" not in text:
        return text.strip().lower()
    try:
        pairs = [part.rsplit("=", 1) for part in text.split(",")]
        return {name.strip().lower(): float(weight) for name, weight in pairs}
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no emotion; write awe, or awe=0.7,fear=0.3") from None


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit code."""
    args = build_parser().parse_args(argv)
    if args.command != "serve":
        check_bundle_flags(args)
    try:
        with _one_sentence():
            return args.run(args)
    except KeyboardInterrupt:
        print("Interrupted; run the same command again to go on.", file=sys.stderr)
        return INTERRUPTED
    except _Failed as failure:
        print(failure, file=sys.stderr)
        return FAILED


class _Failed(Exception):
    """What went wrong, in one sentence."""


@contextmanager
def _one_sentence() -> Iterator[None]:
    """Errors that say in one sentence what to do as `_Failed`; of a fault of the program the traceback stays."""
    try:
        yield
    except ValueError as error:
        raise _Failed(str(error)) from error
    except OSError as error:
        name = f" '{error.filename}'" if error.filename else ""
        raise _Failed(f"A file{name} cannot be read or written: {error.strerror or error}.") from error
    except RuntimeError as error:
        from kcdp.bundle import BundleError

        if isinstance(error, BundleError):
            raise _Failed(str(error)) from error
        raise


def understand(args: argparse.Namespace) -> int:
    """Read pictures in batches; shared out over the processes that RANK and WORLD_SIZE tell of, as accelerate sets them."""
    from tqdm import tqdm

    from kcdp.batch import PictureResult, ResultFile, find_pictures, understand_pictures
    from kcdp.process import keep_memory

    keep_memory()
    rank, world_size = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    if world_size > 1 and args.out is None:
        raise ValueError("Several processes need a file for their results; add --out FILE.")
    # A wrong path is told before models load, and the number of pictures is known.
    total = sum(picture.belongs_to(rank, world_size) for picture in find_pictures(args.paths))
    bundle = load(args, device=_device(args, world_size))

    def read(pictures: Sequence[DecodedPicture]) -> list[VerdictOutput]:
        return bundle.read(list(pictures), attention=False)

    unreadable = 0

    def pictures(known: Any = ()) -> Iterator[Any]:
        for picture in find_pictures(args.paths):
            if picture.belongs_to(rank, world_size):
                if picture.name in known:
                    bar.update()
                else:
                    yield picture

    def counted(results: list[PictureResult]) -> list[PictureResult]:
        nonlocal unreadable
        for result in results:
            if result.error is not None:
                unreadable += 1
                tqdm.write(f"{result.name}: {result.error}", file=sys.stderr)
        bar.update(len(results))
        return results

    with tqdm(total=total, unit="picture", disable=rank > 0 or total < 2, file=sys.stderr) as bar:
        if args.out is None:
            for results in understand_pictures(read, pictures()):
                for result in counted(results):
                    print(json.dumps(result.to_dict(), ensure_ascii=False))
        else:
            with ResultFile(args.out, rank, world_size) as file:
                for results in understand_pictures(read, pictures(known=file)):
                    file.write(counted(results))
            if world_size > 1:
                _merge_results(args.out, rank)
    return SOME_UNREADABLE if unreadable else DONE


def _device(args: argparse.Namespace, world_size: int) -> str | None:
    """Of several processes on one machine each has its own GPU."""
    import torch

    if args.device is None and world_size > 1 and torch.cuda.is_available():
        return f"cuda:{int(os.environ.get('LOCAL_RANK', 0)) % torch.cuda.device_count()}"
    return args.device


def _merge_results(out: str, rank: int) -> None:
    """One file of all processes' results, once the last process is done; without a launcher the next plain run does it."""
    if "MASTER_ADDR" not in os.environ:
        return
    from accelerate import PartialState

    from kcdp.batch import merge_parts

    PartialState(cpu=True, timeout=_LONGEST_WAIT).wait_for_everyone()
    if rank == 0:
        merge_parts(Path(out))


def paint(args: argparse.Namespace) -> int:
    """Paint pictures of an emotion, or of several."""
    bundle: Bundle = load(args)
    options = _options(args)
    painter = bundle.quality if args.quality else bundle.painter(**options)
    return _save(bundle, painter(args.emotion, args.thing, **options), args)


def refeel(args: argparse.Namespace) -> int:
    """Paint a picture again with another emotion."""
    from kcdp.decoded import DecodedPicture

    picture = DecodedPicture.load(args.picture)
    given = Path(args.emotion)
    emotion = DecodedPicture.load(given) if given.is_file() else args.emotion.lower()
    bundle: Bundle = load(args)
    options = _options(args)
    painter = bundle.quality if args.quality else bundle.painter(**options)
    return _save(bundle, painter(emotion, args.thing, image=picture, strength=args.strength, **options), args)


def _options(args: argparse.Namespace) -> dict[str, Any]:
    return {
        "num_images": args.number,
        "seed": args.seed,
        "num_inference_steps": args.steps,
        "guidance_scale": args.guidance,
        "negative_prompt": args.negative,
        # What is read from a picture is read on white, whether it is cut out or not.
        **({"transparent": True} if args.sticker else {}),
    }


def _save(bundle: Bundle, output: UniEmoImageOutput, args: argparse.Namespace) -> int:
    """Write the pictures, without taking the place of others, and say what is read from each."""
    from kcdp.files import write_whole
    from kcdp.ui.painted import painted_pictures, png

    folder = Path(args.out)
    folder.mkdir(parents=True, exist_ok=True)
    readings = bundle.read(cast("tuple[Image.Image, ...]", output.images), attention=False)
    for painted in painted_pictures(output, readings, target="picture"):
        path = _free_path((folder / painted.file_name).with_suffix(f".{args.sticker or 'png'}"))
        sticker = args.sticker and _sticker(bundle.uniemo, painted.image, args.sticker)
        write_whole(path, sticker or png(painted.image, painted.settings))
        print(f"{path}: {_read_as(painted.reading)}")
    return DONE


def _read_as(reading: VerdictOutput) -> str:
    if reading.leaning is None:
        return "nothing is read in it"
    return f"{'read as' if reading.emotion else 'nearest to'} {reading.leaning}, {reading.probabilities[reading.leaning]:.0%}"


def _sticker(uniemo: UniEmoPipeline, image: Image.Image, kind: Literal["png", "webp"]) -> bytes:
    """The file of a sticker of a cut-out picture, enlarged by the bundle's upscaler where it has one."""
    from kcdp.painting.sticker_file import EDGE, sticker_file, sticker_picture

    if uniemo.upscaler is not None:
        (image,) = uniemo.enlarge([image])
    return sticker_file(sticker_picture(image, edge=EDGE), kind)


def _free_path(path: Path) -> Path:
    """`path`, or where something is there already the next one that is free: name-2, name-3, ..."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_stem(f"{path.stem}-{number}")
    return free


def serve(args: argparse.Namespace) -> int:
    """Open the page; returns when it is closed."""
    from kcdp.serve import serve as run

    check_bundle_flags(args)
    run(args)
    return DONE
