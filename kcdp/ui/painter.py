"""Runs the pipeline in a thread of its own and tells, while it works, how far it is and what the picture looks like."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Any

from PIL import Image

from kcdp.ui.pieces import Piece, pieces_of

if TYPE_CHECKING:
    import torch

    from kcdp.pipelines.uniemo import UniEmoPipeline

#: Seconds between two previews at the least.
PREVIEW_SECONDS = 0.5
#: Previews wait this many times as long as the last one took to decode, so that they cost a fifth of the time at the most.
PREVIEW_PATIENCE = 4

#: Seconds until it is noticed, at the latest, that nobody wants the pictures any more.
_PATIENCE = 0.1
#: One picture after the other, also when a painting that was stopped is still at its last step.
_BRUSH = threading.Lock()


@dataclass(frozen=True)
class Task:
    """One call of the pipeline and what its pictures are called.

    `options` are arguments of `UniEmoPipeline.__call__`; `target` and `before` are those of `Piece`.
    """

    options: Mapping[str, Any]
    caption: str = ""
    target: str | None = None
    before: Mapping[str, float] | None = None

    def paint(self, uniemo: UniEmoPipeline, **options: Any) -> list[Piece]:
        """Call the pipeline and wait for the pictures."""
        return pieces_of(uniemo(**self.options, **options), self.caption, self.target, self.before)


@dataclass
class Stage:
    """How far a list of tasks has come: the finished pieces, previews of those at work, and the steps."""

    tasks: int
    pieces: list[Piece] = field(default_factory=list)
    previews: list[Image.Image] = field(default_factory=list)
    task: int = 0
    step: int = 0
    steps: int = 1

    @property
    def share(self) -> float:
        """Of all the work, in [0, 1]."""
        return min(1.0, (self.task + self.step / self.steps) / self.tasks)


class _Stopped(Exception):
    """Nobody waits for the pictures any more."""


def paint(uniemo: UniEmoPipeline, tasks: Sequence[Task], halt: threading.Event) -> Iterator[Stage]:
    """Do the tasks in turn; yields the same `Stage`, brought up to date, whenever there is something new.

    Once `halt` is set, the iterator ends at once, and the work after the step that it is at; closing the iterator ends the
    work as well. What the pipeline raises is raised here.
    """
    stage = Stage(tasks=len(tasks))
    events: SimpleQueue = SimpleQueue()
    stop = threading.Event()

    def work() -> None:
        try:
            with _BRUSH:
                for number, task in enumerate(tasks):
                    if stop.is_set():
                        raise _Stopped
                    watch = _Watch(number, _steps(task), events, stop)
                    events.put(task.paint(uniemo, callback_on_step_end=watch))
        except _Stopped:
            pass
        except Exception as error:
            events.put(error)
        finally:
            events.put(None)

    threading.Thread(target=work, name="painter", daemon=True).start()
    try:
        while not halt.is_set():
            try:
                event = events.get(timeout=_PATIENCE)
            except Empty:
                continue
            if event is None:
                break
            if isinstance(event, Exception):
                raise event
            if isinstance(event, list):
                stage.pieces += event
                stage.previews, stage.task, stage.step = [], stage.task + 1, 0
            else:
                stage.task, stage.step, stage.steps, previews = event
                stage.previews = stage.previews if previews is None else previews
            # Who looks on slowly sees the latest step and not all, but every picture.
            if events.empty() or isinstance(event, list):
                yield stage
    finally:
        stop.set()


def _steps(task: Task) -> int:
    """How many steps the pipeline will take."""
    from kcdp.pipelines.sampling import steps_taken  # not with the page: it waits for the model libraries

    steps = task.options["num_inference_steps"]
    return steps if task.options.get("image") is None else steps_taken(steps, task.options["strength"])


class _Watch:
    """The pipeline's callback: reports each step of a task, with previews now and then, and stops the work when told to."""

    def __init__(self, task: int, steps: int, events: SimpleQueue, stop: threading.Event) -> None:
        self.task, self.steps, self.events, self.stop = task, steps, events, stop
        self.next_preview = 0.0

    def __call__(
        self, pipeline: UniEmoPipeline, step: int, _: torch.Tensor, tensors: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        if self.stop.is_set():
            raise _Stopped
        previews = None
        start = monotonic()
        if start >= self.next_preview and step + 1 < self.steps:
            previews = pipeline.decode(tensors["latents"])
            end = monotonic()
            self.next_preview = end + max(PREVIEW_SECONDS, PREVIEW_PATIENCE * (end - start))
        # Some schedulers call the denoiser more than once for a step.
        self.events.put((self.task, step + 1, max(self.steps, step + 1), previews))
        return {}
