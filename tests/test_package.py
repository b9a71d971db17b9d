"""The package as `pip` builds and installs it, outside the checkout."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

#: Loads the embedded bundle of the installed package and reads an example with it.
READ_AN_EXAMPLE = """
import json
from kcdp import load_bundle
from kcdp.paths import ASSETS
import kcdp
output = load_bundle().kcdp(ASSETS / "examples" / "fear.png")
print(json.dumps({"package": kcdp.__file__, "emotion": output.emotion, "sum": sum(output.probabilities.values())}))
"""


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", ROOT, "--no-deps", "--no-build-isolation", "-w", folder, cwd=folder)
    (built,) = folder.glob("kcdp-*.whl")
    return built


def test_requirements_of_a_space_are_those_of_the_package_and_the_app() -> None:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").split()
    assert sorted(lines) == sorted(PROJECT["dependencies"] + PROJECT["optional-dependencies"]["app"])


def test_every_requirement_is_pinned() -> None:
    extras = PROJECT["optional-dependencies"]
    requirements = PROJECT["dependencies"] + [line for lines in extras.values() for line in lines]
    assert [line for line in requirements if "==" not in line and not line.startswith("kcdp[")] == []


def test_the_wheel_holds_the_package_and_its_bundle_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.partition("/")[0] for name in names} == {"kcdp", wheel.name.split("-py3")[0] + ".dist-info"}
    shipped = {path.relative_to(ROOT).as_posix() for path in (ROOT / "assets/mini").rglob("*") if path.is_file()}
    assert {f"kcdp/{name}" for name in shipped} <= set(names)
    assert "kcdp/py.typed" in names
    assert "kcdp/ui/style.css" in names


def test_the_installed_package_reads_a_picture_with_its_own_bundle(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=False, symlinks=True)
    python = tmp_path / "venv" / "bin" / "python"
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip())
    run(sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", site, wheel, cwd=tmp_path)
    # The dependencies are those of the environment that runs the tests; a checkout that is installed there is not.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    told = json.loads(run(python, "-c", READ_AN_EXAMPLE, cwd=tmp_path).splitlines()[-1])
    assert Path(told["package"]).is_relative_to(site)
    assert told["emotion"] == "fear"
    assert told["sum"] == pytest.approx(1)
