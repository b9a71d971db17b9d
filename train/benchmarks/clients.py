"""Many clients of the page at once: how many answers they get, how long each waits, what fails, and what memory it takes.

The page is started for it as `python app.py` starts it, with all of its limits, and asked over plain HTTP: upload, call, answer.
No picture comes again before the page has forgotten it, so that nothing is answered out of its memory.
"""

from __future__ import annotations

import itertools
import json
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
from gradio_client import Client
from gradio_client.exceptions import AppError

from kcdp.ui.inputs import RANDOM_SEEDS
from kcdp.ui.painted import png
from kcdp.ui.remembered import REMEMBERED
from train.benchmarks.builds import ROOT, App
from train.drawn import draw

#: Drawn pictures at the least; many times what the page remembers, and more than clients can have under way.
PICTURES = 8 * REMEMBERED
#: Seconds between two looks at the memory, and those that a client waits for an answer before it counts as lost.
MEMORY_SECONDS, LOST_SECONDS = 5.0, 300.0
#: Status of what `RequestLimits` refuses for its number.
TOO_MANY = 429


class WatchedApp(App):
    """A page whose process can be looked at, with its models loaded; see `App`. Of this tree: an older one may not say that they are."""

    def __init__(self, tree: Path, threads: int = 0) -> None:
        super().__init__(tree, threads)
        assert self._process.stdout is not None
        if not any(line.startswith("ready") for line in self._process.stdout):
            raise RuntimeError(f"The page of '{tree}' ended before it was ready; run `python app.py` there to see why.")

    @property
    def url(self) -> str:
        """Its address, without a slash at its end."""
        return self._client.src.rstrip("/")

    @property
    def processes(self) -> list[psutil.Process]:
        """Its own, and those that it has started."""
        own = psutil.Process(self._process.pid)
        return [own, *own.children(recursive=True)]

    def memory(self) -> float:
        """What its processes have in memory now, in MB."""
        return sum(process.memory_info().rss for process in self.processes) / 1e6

    def computed(self) -> float:
        """Seconds that its process has computed since it began, on all cores together."""
        used = self.processes[0].cpu_times()
        return used.user + used.system


@dataclass
class Load:
    """What came of it.

    Args:
        clients, painters, seconds: how many read, and painted, and for how long.
        waited: seconds of every reading that was answered, from the upload's beginning.
        painted: seconds of every painting.
        busy: readings and paintings that were told to come again later.
        errors: all others that were not answered, by their sentences.
        computed: seconds that the page's process computed meanwhile, on all cores together.
        memory: of the page in MB: when it was ready, after every client's first answer, and then every `MEMORY_SECONDS`.
    """

    clients: int
    painters: int
    seconds: float = 0.0
    waited: list[float] = field(default_factory=list)
    painted: list[float] = field(default_factory=list)
    busy: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    computed: float = 0.0
    memory: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        """As a table in Markdown."""
        start, warm, *_, end = self.memory
        rows = {
            "clients that read, that paint": f"{self.clients}, {self.painters}",
            "seconds": f"{self.seconds:.0f}",
            "answers": f"{len(self.waited)}, {len(self.waited) / self.seconds:.2f} a second",
            "waited, median and 95 of 100": f"{percentile(self.waited, 50)}, {percentile(self.waited, 95)}",
            "pictures painted": f"{len(self.painted)}, median {percentile(self.painted, 50)}",
            "told that it is busy": f"{self.busy}",
            "errors": f"{self.errors.total()}" + "".join(f"; {number}: {text}" for text, number in self.errors.items()),
            "computed by the page": f"{self.computed:.0f} s on all cores together"
            + (f", {1000 * self.computed / len(self.waited):.0f} ms an answer" if self.waited else ""),
            "memory when ready, warm, at the end": f"{start:.0f}, {warm:.0f}, {end:.0f} MB ({end / warm - 1:+.1%} since warm)",
        }
        return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())])

    def to_dict(self) -> dict[str, Any]:
        """JSON-clean: every time and every look at the memory."""
        return asdict(self)


def percentile(times: Sequence[float], share: int) -> str:
    """The time that `share` of 100 take at the most, as text."""
    if len(times) < 2:
        return f"{times[0]:.2f} s" if times else "-"
    return f"{statistics.quantiles(times, n=100, method='inclusive')[share - 1]:.2f} s"


class BusyPageError(Exception):
    """The page says that it is too busy."""


def read(http: httpx.Client, picture: bytes) -> dict[str, Any]:
    """What the page reads in a PNG, by three requests. Raises BusyPageError, RuntimeError with the page's sentence, httpx's errors."""
    path = _sent(http, "upload", files={"files": ("sticker.png", picture, "image/png")})[0]
    event = _sent(http, "call/understand", json={"data": [{"path": path}, False]})["event_id"]
    answer = http.get(f"/gradio_api/call/understand/{event}").text
    kind, data = "", ""
    for line in answer.splitlines():
        name, _, value = line.partition(": ")
        if name == "event":
            kind = value
        elif name == "data":
            data = value
    if kind == "complete":
        return json.loads(data)[0]
    said = json.loads(data or "null") or {}
    if said.get("title") == "busy":
        raise BusyPageError(said["error"])
    raise RuntimeError(said.get("error") or f"The answer ended with '{kind}'.")


def _sent(http: httpx.Client, path: str, **content: Any) -> Any:
    response = http.post(f"/gradio_api/{path}", **content)
    if response.status_code == TOO_MANY:
        raise BusyPageError(response.text)
    response.raise_for_status()
    return response.json()


def measure_clients(clients: int, seconds: float, painters: int = 0, threads: int = 0) -> Load:
    """Start this tree's page and let `clients` read stickers one after the other for some `seconds`, while `painters` paint.

    Raises RuntimeError when the page does not start.
    """
    pictures = [png(draw(seed, 384, kind="sticker").image) for seed in range(max(PICTURES, 2 * clients))]
    with WatchedApp(ROOT, threads) as app:
        return run_load(app, itertools.cycle(pictures), clients, seconds, painters)


def run_load(app: WatchedApp, pictures: Iterator[bytes], clients: int, seconds: float, painters: int) -> Load:
    """The load of one run; see `measure_clients`."""
    load = Load(clients, painters, memory=[app.memory()])
    lock, over = threading.Lock(), threading.Event()
    warm = threading.Barrier(clients + 1)

    def timed(work: Callable[[], object], times: list[float]) -> None:
        start = time.perf_counter()
        try:
            work()
        except BusyPageError:
            with lock:
                load.busy += 1
        except (RuntimeError, AppError, httpx.HTTPError, ValueError, KeyError) as error:
            with lock:
                load.errors[f"{type(error).__name__}: {error}"[:200]] += 1
        else:
            times.append(time.perf_counter() - start)

    def until_over(work: Callable[[], object], times: list[float]) -> None:
        while True:
            timed(work, times)
            if over.is_set():
                return

    def reader() -> None:
        with httpx.Client(base_url=app.url, timeout=LOST_SECONDS, trust_env=False) as http:

            def one() -> None:
                with lock:
                    picture = next(pictures)
                read(http, picture)

            timed(one, [])
            warm.wait()
            until_over(one, load.waited)

    def painter() -> None:
        client = Client(app.url, verbose=False)
        seeds = itertools.count()
        until_over(lambda: _paint(client, next(seeds) % RANDOM_SEEDS), load.painted)

    def started(work: Callable[[], None], number: int) -> list[threading.Thread]:
        threads = [threading.Thread(target=work, daemon=True) for _ in range(number)]
        for thread in threads:
            thread.start()
        return threads

    working = started(reader, clients)
    warm.wait()
    working += started(painter, painters)
    load.memory.append(app.memory())
    start, before = time.perf_counter(), app.computed()
    while (left := start + seconds - time.perf_counter()) > 0:
        over.wait(min(MEMORY_SECONDS, left))
        load.memory.append(app.memory())
    over.set()
    for thread in working:
        thread.join()
    load.memory.append(app.memory())
    load.seconds, load.computed = time.perf_counter() - start, app.computed() - before
    return load


def _paint(client: Client, seed: int) -> None:
    """One picture over the API. Raises as `read`."""
    try:
        client.predict("awe", "a bench", number=1, seed=seed, api_name="/transfer")
    except AppError as error:
        if error.title == "busy":
            raise BusyPageError(str(error)) from error
        raise
