"""A Space rehearsed on this machine: its requirements in a fresh environment, its page opened, one sticker read.

`train/push.py --space FOLDER --dry-run` does it. What a Space installs beside requirements.txt is what its build logs show.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from shutil import which
from socket import socket
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any
from urllib.request import urlopen

#: Seconds that the installation and the start of the app may take.
INSTALL_SECONDS, START_SECONDS = 3600, 600
#: What a Space installs in the same call as requirements.txt; {version} is that of its front matter's Gradio.
BESIDE = ("gradio[oauth,mcp]=={version}", "uvicorn>=0.14.0", "websockets>=10.4", "spaces")
#: The line that the app prints once its models are there.
_READY = re.compile(r"ready at (http\S+) in")
#: Variables of whoever rehearses that a Space has not.
_OWN_VARIABLES = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "KCDP_", "GRADIO_", "HF_")


class RehearsalError(ValueError):
    """The Space would not run; the message is one sentence that says why."""


@dataclass(frozen=True)
class Rehearsal:
    """What was seen: seconds of installing and until the models were there, the sticker's name, and how it was read."""

    install_seconds: float
    start_seconds: float
    sticker: str
    emotion: str | None

    def report(self) -> str:
        """In two sentences."""
        read = "cannot be told" if self.emotion is None else f"was read as {self.emotion}"
        return (
            f"Installed in {self.install_seconds:.0f} s; the page was ready after {self.start_seconds:.1f} s. "
            f"The emotion of {self.sticker} {read}."
        )


def rehearse(folder: Path, python_version: str, gradio_version: str) -> Rehearsal:
    """Install and run a built Space as the Hub does, in an environment that is gone afterwards.

    Raises RehearsalError when there is no such Python, the requirements do not fit each other, or the app does not answer.
    """
    python = find_python(python_version)
    # No folder in memory: the environment is of several gigabytes.
    with TemporaryDirectory(prefix="space-", dir=os.environ.get("TMPDIR", "/var/tmp")) as aside:
        start = time.monotonic()
        own = install(python, Path(aside, "venv"), folder, [item.format(version=gradio_version) for item in BESIDE])
        install_seconds = time.monotonic() - start
        start_seconds, sticker, emotion = read_sticker(own, folder)
    return Rehearsal(install_seconds, start_seconds, sticker, emotion)


def find_python(version: str) -> Path:
    """The interpreter of a version such as 3.11; raises RehearsalError where there is none."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return Path(getattr(sys, "_base_executable", sys.executable))
    found = which(f"python{version}")
    if found is None:
        raise RehearsalError(
            f"The Space runs on Python {version}, which is not installed here; install it as python{version}."
        )
    return Path(found)


def install(python: Path, environment: Path, folder: Path, beside: Sequence[str] = ()) -> Path:
    """A fresh environment with a Space's requirements and those `beside` it; returns its interpreter.

    Raises RehearsalError with what pip said last.
    """
    own = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    _checked([python, "-m", "venv", environment], "The environment cannot be made")
    command = [own, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off"]
    _checked([*command, "-r", folder / "requirements.txt", *beside], "The requirements cannot be installed together")
    _checked([own, "-m", "pip", "check"], "What was installed does not fit together")
    return own


def _checked(command: Sequence[str | Path], sentence: str) -> None:
    try:
        done = subprocess.run(
            list(map(str, command)), env=space_variables(), capture_output=True, text=True, timeout=INSTALL_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise RehearsalError(f"{sentence}: it took more than {INSTALL_SECONDS} s.") from None
    if done.returncode:
        lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("ERROR")] or lines[-1:] or ["it said nothing"]
        raise RehearsalError(f"{sentence}: {errors[-1]}")


def read_sticker(python: Path, folder: Path) -> tuple[float, str, str | None]:
    """Start the app of a folder, open its page and read its first example; seconds until it was ready, the example's name, and the emotion.

    Raises RehearsalError when the page does not open or the reading is none.
    """
    start = time.monotonic()
    with running_app(python, folder) as url:
        start_seconds = time.monotonic() - start
        sticker = min((folder / "assets" / "examples").glob("*.png"), default=None)
        if sticker is None:
            raise RehearsalError("There is no assets/examples/*.png to try the Space with.")
        from gradio_client import Client, handle_file  # only this needs it

        try:
            with urlopen(url, timeout=60) as answer:
                page = answer.read().decode()
            result, _ = Client(url, verbose=False).predict(handle_file(sticker), api_name="/understand")
        except Exception as error:  # of the web, the client, or the app
            raise RehearsalError(f"The page does not answer: {' '.join(str(error).split())[:300]}") from error
    if "window.gradio_config" not in page:
        raise RehearsalError("What stands at the Space's address is no page of Gradio.")
    return start_seconds, sticker.name, _emotion(result)


def _emotion(result: Any) -> str | None:
    probabilities = result.get("probabilities") if isinstance(result, dict) else None
    if not probabilities or abs(sum(probabilities.values()) - 1) > 1e-3:
        raise RehearsalError(f"The answer to a sticker is no reading: {str(result)[:200]}")
    return result["emotion"]


@contextmanager
def running_app(python: Path, folder: Path) -> Iterator[str]:
    """The address of a folder's app.py while it runs as on a Space; raises RehearsalError when it ends or never gets ready."""
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    variables = space_variables() | {"GRADIO_SERVER_PORT": str(port), "GRADIO_SERVER_NAME": "127.0.0.1"}
    process = subprocess.Popen(
        [str(python), "app.py"],
        cwd=folder,
        env=variables | {"SYSTEM": "spaces", "SPACE_ID": "dry/run", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said: SimpleQueue[str | None] = SimpleQueue()

    def listen() -> None:
        for line in process.stdout or ():
            said.put(line.strip())
        said.put(None)

    Thread(target=listen, daemon=True).start()
    try:
        yield _address(said)
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.wait()


def _address(said: SimpleQueue[str | None]) -> str:
    last, deadline = "it said nothing", time.monotonic() + START_SECONDS
    while True:
        try:
            line = said.get(timeout=max(0.0, deadline - time.monotonic()))
        except Empty:
            raise RehearsalError(f"The app was not ready after {START_SECONDS} s; its last line: {last}") from None
        if line is None:
            raise RehearsalError(f"The app ended before it was ready: {last}")
        if found := _READY.search(line):
            return found[1]
        last = line or last


def space_variables() -> dict[str, str]:
    """The variables of this process but those that would change what the Space does."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_OWN_VARIABLES)}
