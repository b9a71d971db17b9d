"""Mutation testing, outside CI: change a module in one place, and see whether the tests of its own file notice.

    python tests/mutation.py train/losses train/metrics kcdp/verdict.py --sample 20

cosmic-ray makes the mutants; a sample of each module's, always the same one, is tested. Every mutant runs in a fork of this
process, which has the heavy libraries imported, and no file of the tree is touched. Survivors are printed as differences, and
kept with all other results in `--out`, a line of JSON a mutant; what stands there is not tested again.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import importlib.machinery
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import cosmic_ray.plugins
import pytest
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code

#: Arguments that say nothing of what is computed: mutants of lines with these and of nothing but True and False are left out.
SAY_NOTHING = ("strict=", "frozen=")
#: Types are written `int | None`: mutants of these say nothing.
LEFT_OUT = "BitOr"
ROOT = Path(__file__).resolve().parents[1]


def mirrored(module: Path) -> list[str]:
    """The test files of a module: of its name, else those of its folder that speak of it."""
    folder = ROOT / "tests" / module.parent
    named = [path for path in (folder / f"test_{module.stem}.py", *folder.glob(f"test_{module.stem}_*.py"))]
    dotted = ".".join(module.with_suffix("").parts)
    own = [path for path in named if path.is_file()]
    own = own or [path for path in folder.glob("test_*.py") if dotted in path.read_text(encoding="utf-8")]
    return sorted({str(path) for path in own})


def mutants(code: str, number: int, seed: str) -> list[tuple[str, str]]:
    """Names and codes of at most `number` mutants, each in another place."""
    places: dict[tuple, list[tuple[str, int]]] = {}
    tree, lines = get_ast(code), code.splitlines()
    for name in cosmic_ray.plugins.operator_names():
        operator = cosmic_ray.plugins.get_operator(name)
        if LEFT_OUT in name or operator.arguments():
            continue
        found = (place for node in ast_nodes(tree) for place in operator().mutation_positions(node))
        for occurrence, place in enumerate(found):
            line = lines[place[0][0] - 1]
            if not ("True" in name and any(word in line for word in SAY_NOTHING)):
                places.setdefault(place, []).append((name, occurrence))
    chance = random.Random(seed)
    chosen = chance.sample(sorted(places), min(number, len(places)))
    picked = [chance.choice(places[place]) for place in chosen]
    return [
        (f"{name} {turn}", mutate_code(code, cosmic_ray.plugins.get_operator(name)(), turn)) for name, turn in picked
    ]


def tests_pass(files: list[str], path: Path, code: str, seconds: float) -> bool:
    """Whether the tests pass, in a fork, with `code` in the place of what is in the file `path`."""
    child = os.fork()
    if child == 0:
        os.setsid()
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        plain = importlib.machinery.SourceFileLoader.get_code

        def get_code(loader: importlib.machinery.SourceFileLoader, name: str) -> object:
            same = Path(loader.get_filename(name)) == path
            return compile(code, str(path), "exec") if same else plain(loader, name)

        importlib.machinery.SourceFileLoader.get_code = get_code  # type: ignore[method-assign]
        os._exit(int(pytest.main([*files, "-x", "-q", "-p", "no:cacheprovider"])))
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def preload() -> None:
    """Import the libraries, so that each fork has them already; none of our modules, which the mutants are."""
    asked = "import sys, train.evaluation.measures, train.stages.registry; print(*sys.modules)"
    for name in subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True
    ).stdout.split():
        if name.partition(".")[0] not in ("kcdp", "train", "__main__"):
            with suppress(Exception):
                importlib.import_module(name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", type=Path, help="modules, or folders of them, from the root of the tree")
    parser.add_argument("--sample", type=int, default=20, help="mutants of a module at most (default: 20)")
    parser.add_argument(
        "--slowest", type=float, default=60, help="seconds that a module's tests may take (default: 60)"
    )
    parser.add_argument("--out", type=Path, default=Path("mutants.jsonl"), help="file of the results")
    options = parser.parse_args()
    os.chdir(ROOT)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    preload()
    known = {}
    if options.out.is_file():
        known = {(one["module"], one["mutant"]): one for one in map(json.loads, options.out.read_text().splitlines())}
    modules = [
        path for given in options.paths for path in ([given] if given.is_file() else sorted(given.rglob("*.py")))
    ]
    score: dict[str, Counter[bool]] = {}
    for module in modules:
        path, files = ROOT / module, mirrored(module)
        code = path.read_text(encoding="utf-8")
        chosen = mutants(code, options.sample, str(module))
        if not chosen or not files:
            continue
        started = time.monotonic()
        if any((str(module), name) not in known for name, _ in chosen):
            plain = tests_pass(files, path, code, options.slowest)
            if not plain:
                print(f"{module}: its tests fail, or take longer than {options.slowest:g} s; left out.", flush=True)
                continue
        limit = 10 + 3 * (time.monotonic() - started)
        survivors = []
        for name, changed in chosen:
            result = known.get((str(module), name))
            if result is None:
                result = {"module": str(module), "mutant": name, "noticed": not tests_pass(files, path, changed, limit)}
                with options.out.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(result) + "\n")
            score.setdefault(str(module.parent), Counter())[result["noticed"]] += 1
            if not result["noticed"]:
                survivors.append(
                    difflib.unified_diff(code.splitlines(), changed.splitlines(), str(module), name, "", "", 2)
                )
        print(f"{module}: {len(chosen) - len(survivors)} of {len(chosen)} noticed", flush=True)
        for difference in survivors:
            print("\n".join(difference), flush=True)
    for package, counts in score.items():
        print(f"{package}: {counts[True]} of {counts.total()} mutants noticed ({counts[True] / counts.total():.0%})")


if __name__ == "__main__":
    sys.exit(main())
