"""Push a bundle to the Hub, or the app with its embedded bundle to a Space.

`python train/push.py BUNDLE owner/name` pushes a bundle and `python train/push.py --space FOLDER owner/name` a Space, which
is built in FOLDER first, exactly as it will be. Without a name, or with `--dry-run`, everything is checked and listed, and
nothing is pushed. A dry run of a Space also installs its requirements in a fresh environment, opens its page and reads a sticker,
which takes minutes and some gigabytes.
"""

from __future__ import annotations

import argparse
import ast
import importlib.metadata
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import HfApi

# Of a script Python looks in its own folder first, where `train` would be train.py instead of the package.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kcdp.bundle import BundleError, find_bundle
from kcdp.hub import first_line
from train.files import write_folder
from train.rehearsal import RehearsalError, rehearse

ROOT = Path(__file__).resolve().parents[1]
#: What a Space is made of.
SPACE = ("app.py", "requirements.txt", "README.md", "LICENSE", "NOTICE", "kcdp", "assets")
#: The Hub takes larger files only through LFS, which the Space's plain git does without.
LARGEST = 10 * 2**20
#: Files that run code when they are read.
PICKLES = (".pkl", ".pickle", ".pt", ".pth", ".ckpt")
#: Front matter that the Hub asks of a Space; its short description may have this many characters.
FRONT_MATTER = ("title", "sdk", "sdk_version", "app_file", "license")
DESCRIPTION = 60
#: Of a Space whose front matter names no version.
PYTHON = "3.10"
#: Packages that a Space has without being asked, or that the app does without.
PROVIDED = {"spaces", "mcp", "pylibjxl"}


class PushError(ValueError):
    """Something must not be pushed as it is; the message is one sentence that says why and what to do."""


@dataclass(frozen=True)
class Content:
    """What is pushed: the files in a folder, by their paths in it."""

    folder: Path
    files: tuple[Path, ...]

    @classmethod
    def of(cls, folder: Path) -> Content:
        """All files of `folder` but hidden ones; raises PushError for one that runs code when it is read."""
        files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
        files = [path for path in files if not any(part.startswith(".") for part in path.parts)]
        for path in files:
            if path.suffix in PICKLES or path.name.startswith("pytorch_model"):
                raise PushError(
                    f"'{folder / path}' is pickled, and would run code where it is loaded; save safetensors."
                )
        return cls(folder, tuple(files))

    def size(self, path: Path) -> int:
        """Of one file, in bytes."""
        return (self.folder / path).stat().st_size

    def report(self) -> str:
        """A line for each file with its size, and the sum."""
        sizes = [self.size(path) for path in self.files]
        lines = [f"{size:>13,}  {path}" for size, path in zip(sizes, self.files, strict=True)]
        return "\n".join([*lines, f"{sum(sizes):>13,}  in {len(sizes)} files"])


def front_matter(card: Path) -> dict[str, Any]:
    """The settings at the head of a README; raises PushError when there are none, or they cannot be read."""
    header = re.match(r"---\n(.*?)\n---\n", card.read_text(encoding="utf-8") if card.is_file() else "", re.DOTALL)
    try:
        settings = yaml.safe_load(header[1]) if header else None
    except yaml.YAMLError as error:
        raise PushError(f"The front matter of '{card}' is not YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(settings, dict):
        raise PushError(f"'{card}' has no front matter; begin it with settings between two lines of '---'.")
    return settings


def check_bundle(folder: Path) -> Content:
    """What is pushed of a bundle; raises PushError when it has no card with a licence, or has pickled weights."""
    if "license" not in front_matter(folder / "README.md"):
        raise PushError(f"The card '{folder / 'README.md'}' names no license; add one to its front matter.")
    return Content.of(folder)


def build_space(folder: Path, root: Path = ROOT) -> Content:
    """Copy what a Space is made of into `folder`, in place of what was there, and check it.

    Raises PushError when the Space could not start: a file that is missing or too large, front matter that does not fit
    requirements.txt, or an import of something that will not be there.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / "app.py").is_file():
        raise PushError(f"'{folder}' is not empty and holds no Space; choose another folder to build in.")
    missing = [name for name in SPACE if not (root / name).exists()]
    if missing:
        raise PushError(f"A Space needs '{missing[0]}', which is not in {root}.")

    def copy(target: Path) -> None:
        for name in SPACE:
            if (root / name).is_dir():
                shutil.copytree(root / name, target / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
            else:
                shutil.copyfile(root / name, target / name)

    write_folder(folder, copy)
    content = Content.of(folder)
    large = [path for path in content.files if content.size(path) > LARGEST]
    if large:
        raise PushError(
            f"'{large[0]}' has {content.size(large[0]):,} bytes, and a Space takes {LARGEST:,} a file; make it smaller, or "
            "push the bundle by itself and name it in the Space's variable KCDP_BUNDLE."
        )
    required = requirements(folder / "requirements.txt")
    _check_front_matter(front_matter(folder / "README.md"), folder, required)
    _check_imports(content, with_dependencies({*required, *PROVIDED}))
    return content


def requirements(path: Path) -> dict[str, str]:
    """Package to pinned version; raises PushError for a line that pins none."""
    pinned = {}
    for line in path.read_text(encoding="utf-8").split():
        name, pin, version = line.partition("==")
        if not pin:
            raise PushError(f"'{line}' in {path.name} is not pinned; write PACKAGE==VERSION.")
        pinned[_normal(name)] = version
    return pinned


def _check_front_matter(settings: dict[str, Any], folder: Path, required: dict[str, str]) -> None:
    missing = [name for name in FRONT_MATTER if name not in settings]
    if missing:
        raise PushError(f"The front matter of README.md has no '{missing[0]}', which a Space needs.")
    if settings["sdk"] != "gradio" or str(settings["sdk_version"]) != required.get("gradio"):
        raise PushError(
            f"The front matter of README.md says {settings['sdk']} {settings['sdk_version']} and requirements.txt gradio "
            f"{required.get('gradio')}; make them the same."
        )
    if not (folder / str(settings["app_file"])).is_file():
        raise PushError(f"The front matter's app_file '{settings['app_file']}' is not there.")
    if len(str(settings.get("short_description", ""))) > DESCRIPTION:
        raise PushError(f"The front matter's short_description is longer than {DESCRIPTION} characters; shorten it.")


def _check_imports(content: Content, required: set[str]) -> None:
    """Every import that the app can come to is of the standard library, the Space itself, or a required package."""
    providers = importlib.metadata.packages_distributions()
    queue, visited = [Path("app.py")], set()
    while queue:
        path = queue.pop()
        visited.add(path)
        for module in imported(content.folder / path):
            files = [file for file in module_files(module) if file in content.files]
            queue += [file for file in files if file not in visited]
            top = module.partition(".")[0]
            packages = {_normal(package) for package in providers.get(top, [top])}
            if files or top == "kcdp" or top in sys.stdlib_module_names or packages & required:
                continue
            raise PushError(f"'{path}' imports '{top}', which a Space has not; require it, or do without.")


def imported(path: Path) -> Iterator[str]:
    """The dotted names of what a module imports, wherever in it; what comes from a package may be a module or not."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def with_dependencies(packages: set[str]) -> set[str]:
    """`packages` and what installing them brings along, as far as they are installed here."""
    found: set[str] = set()
    waiting = list(packages)
    while waiting:
        package = _normal(waiting.pop())
        if package not in found:
            found.add(package)
            with suppress(importlib.metadata.PackageNotFoundError):
                lines = importlib.metadata.requires(package) or []
                waiting += [re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in lines if "extra ==" not in line]
    return found


def module_files(module: str) -> tuple[Path, ...]:
    """The files that run when a module of these sources is imported: its packages' and its own."""
    parts = module.split(".")
    packages = [Path(*parts[: end + 1], "__init__.py") for end in range(len(parts))]
    return (*packages, Path(*parts).with_suffix(".py"))


def _normal(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()


def push(content: Content, name: str, space: bool) -> str:
    """Upload to the model or Space `name`, made if need be; returns its address. Raises PushError when the Hub refuses."""
    api, kind = HfApi(), "space" if space else "model"
    try:
        url = api.create_repo(name, repo_type=kind, space_sdk="gradio" if space else None, exist_ok=True)
        api.upload_folder(
            folder_path=content.folder,
            repo_id=name,
            repo_type=kind,
            allow_patterns=[str(path) for path in content.files],
            commit_message=f"Push {content.folder.name}",
        )
    except Exception as error:  # the libraries between here and the Hub each have errors of their own
        raise PushError(
            f"Nothing was pushed to '{name}'; log in with `hf auth login` as someone who may write there, and check the "
            f"network: {first_line(error)}"
        ) from error
    return str(url)


def parse_args(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Command line flags; `--help` lists them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", help="the bundle (default: assets/mini); with --space, where to build")
    parser.add_argument("name", nargs="?", help="owner/name on the Hub; without it nothing is pushed")
    parser.add_argument("--space", action="store_true", help="the app with its embedded bundle, not a bundle alone")
    parser.add_argument(
        "--dry-run", action="store_true", help="push nothing; a Space is installed and tried on this machine"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Check, list and push; what must not be pushed ends it with one sentence."""
    args = parse_args(arguments)
    try:
        if args.space:
            content = build_space(Path(args.folder or ROOT / "runs" / "space"))
        else:
            content = check_bundle(find_bundle(args.folder or ROOT / "assets" / "mini"))
        print(content.report(), flush=True)
        if args.space and args.dry_run:
            settings = front_matter(content.folder / "README.md")
            python_version = str(settings.get("python_version", PYTHON))
            print(rehearse(content.folder, python_version, str(settings["sdk_version"])).report())
        if args.name and not args.dry_run:
            print(f"Pushed to {push(content, args.name, args.space)}")
        else:
            print("Nothing was pushed.")
    except (PushError, RehearsalError, BundleError) as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
