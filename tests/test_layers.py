"""Which package may import which: data, then the training core, then stages and evaluation, then the commands."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
#: Networks and what they read and write; they know neither pipelines nor the page.
MODELS = tuple(
    f"kcdp.{name}"
    for name in (
        *("imaging", "knowledge", "perception", "prediction", "uniemo", "painting", "vision"),
        *("decoded", "emotions", "hub", "offload", "results"),
    )
)
BELOW_STAGES = ("kcdp", "train.english", "train.files", "train.data", "train.losses", "train.metrics", "train.core")
#: Package or module -> what of this repository it may import beside itself.
ALLOWED = {
    "kcdp": (),
    **dict.fromkeys(MODELS, MODELS),
    "kcdp.pipelines": MODELS,
    "train.english": (),
    "train.files": (),
    "train.drawn": ("kcdp.emotions", "train.english"),
    "train.metrics": ("kcdp", "train.data.cache", "train.english"),
    "train.losses": ("kcdp",),
    "train.data": ("kcdp", "train.drawn", "train.english", "train.files"),
    "train.core": ("kcdp", "train.data", "train.metrics", "train.files"),
    "train.stages": BELOW_STAGES,
    "train.evaluation": (*BELOW_STAGES, "train.stages"),
}


def imports(path: Path) -> set[str]:
    """Modules of this repository that a file imports, those for types alone and those inside functions too."""
    package = path.relative_to(ROOT).parent.parts
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = (
                ".".join([*package[: len(package) + 1 - node.level], node.module or ""]) if node.level else node.module
            )
            found.add(base.strip("."))
    return {name for name in found if name.split(".")[0] in ("kcdp", "train", "tests")}


def below(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


@pytest.mark.parametrize("package", ALLOWED)
def test_arrows_run_one_way(package: str) -> None:
    known = (package, *ALLOWED[package])
    place = ROOT / package.replace(".", "/")
    for path in [*place.rglob("*.py"), *place.parent.glob(f"{place.name}.py")]:
        wrong = [name for name in imports(path) if not any(below(name, allowed) for allowed in known)]
        assert not wrong, f"{path.relative_to(ROOT)} imports {wrong}"


def test_the_renderer_is_known_by_its_face_alone() -> None:
    """Only what makes records of drawings knows their type and the words for their parts."""
    records = [ROOT / f"train/data/{name}.py" for name in ("drawings", "visual_captions", "stickers")]
    for path in (ROOT / "train").rglob("*.py"):
        if (ROOT / "train/drawn") not in path.parents and path not in records:
            inside = [name for name in imports(path) if name.startswith("train.drawn.")]
            assert not inside, f"{path.relative_to(ROOT)} imports {inside}"


def test_modules_form_no_circle() -> None:
    files = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for folder in ("kcdp", "train")
        for path in (ROOT / folder).rglob("*.py")
    }
    packages = {name for name, path in files.items() if path.name == "__init__.py"}
    # A package's own modules are below it; that they are inside it is no arrow.
    graph = {
        name: {other for other in imports(path) if other in files and not (other in packages and below(name, other))}
        for name, path in files.items()
    }
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail[trail.index(name) :], name))
        if name not in done:
            for other in graph[name]:
                visit(other, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())
