"""Runs the pipeline where the GPU is and tells, while it works, how far it is and what the picture looks like."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Any

from PIL import Image

from kcdp.ui import gpu
from kcdp.ui.pieces import Piece, pieces_of

if TYPE_CHECKING:
    from concurrent.futures import Future

    import torch

    from kcdp.bundle import Bundle
    from kcdp.pipelines.uniemo import UniEmoPipeline
    from kcdp.results import UniEmoImageOutput

#: Seconds between two previews at the least.
PREVIEW_SECONDS = 0.5
#: Previews wait this many times as long as the last one took to decode, so that they cost a fifth of the time at the most.
PREVIEW_PATIENCE = 4

#: On ZeroGPU, with room to spare: for each task, and for each step of a picture (Stable Diffusion 1.5 in float32).
_TASK_SECONDS, _STEP_SECONDS = 1, 0.1
#: Seconds until it is noticed, at the latest, that nobody wants the pictures any more.
_PATIENCE = 0.1
#: One picture after the other, also when a painting that was stopped is still at its last step.
_BRUSH = threading.Lock()


@dataclass(frozen=True)
class Task:
    """One call of the pipeline and what its pictures are called.

    `options` are arguments of `UniEmoPipeline.__call__`. Of an edit, `original` is the picture as it hangs beside; `target`
    and `before` are those of `Piece`, and known once the pictures have been read.
    """

    options: Mapping[str, Any]
    caption: str = ""
    original: Image.Image | None = None
    target: str | None = None
    before: Mapping[str, float] | None = None

    def read(self, uniemo: UniEmoPipeline) -> Task:
        """The same, with what the picture to edit evokes, and the one that gives the emotion where no name does."""
        if self.original is None:
            return self
        before = uniemo.understand(self.options["image"]).probabilities
        wanted = self.options["emotion"]
        # The pipeline knows which names there are, and asks before anything is painted.
        target = wanted if isinstance(wanted, str) else uniemo.understand(wanted).emotion
        return replace(self, target=target, before=before)

    def paint(self, uniemo: UniEmoPipeline, **options: Any) -> list[Piece]:
        """Call the pipeline and wait for the pictures."""
        return pieces_of(uniemo(**self.options, **options), self.caption, self.target, self.before)


@dataclass(frozen=True)
class Stage:
    """How far a list of tasks has come, and what is new: finished pieces, and previews of those at work.

    `previews` is None where the last ones still hold.
    """

    tasks: int
    task: int = 0
    step: int = 0
    steps: int = 1
    pieces: Sequence[Piece] = ()
    previews: Sequence[Image.Image] | None = None

    @property
    def share(self) -> float:
        """Of all the work, in [0, 1]."""
        return min(1.0, (self.task + self.step / self.steps) / self.tasks)


class _Stopped(Exception):
    """Nobody waits for the pictures any more."""


def paint(bundle: Future[Bundle], tasks: Sequence[Task], halt: threading.Event) -> Iterator[Stage]:
    """Do the tasks in turn; yields a `Stage` whenever there is something new.

    Once `halt` is set, the iterator ends at once, and the work after the step that it is at; closing the iterator ends the
    work as well. Raises what the pipeline raises, and what `on_gpu` does.
    """
    with closing(gpu.on_gpu(_seconds(tasks), bundle, _strokes, tasks)) as stages:
        for stage in stages:
            if halt.is_set():
                return
            if stage is not None:
                yield stage


def make(bundle: Future[Bundle], task: Task) -> tuple[Task, UniEmoImageOutput]:
    """Do one task without telling how far it is; the task comes back as it is once it has been read. Raises as `paint`."""
    ((task, made),) = gpu.on_gpu(_seconds([task]), bundle, _make, task)
    return task, made


def _make(bundle: Bundle, task: Task) -> Iterator[tuple[Task, UniEmoImageOutput]]:
    uniemo = _quiet(bundle)
    task = task.read(uniemo)
    yield task, uniemo(**task.options)


def _quiet(bundle: Bundle) -> UniEmoPipeline:
    """The pipeline without a progress bar in the server's log; the page has its own."""
    bundle.uniemo.set_progress_bar_config(disable=True)
    return bundle.uniemo


def _strokes(bundle: Bundle, tasks: Sequence[Task]) -> Iterator[Stage | None]:
    """The stages; None when for a while there is nothing new, so that whoever looks on can turn away."""
    events: SimpleQueue = SimpleQueue()
    stop = threading.Event()

    def work() -> None:
        try:
            with _BRUSH:
                uniemo = _quiet(bundle)
                for number, task in enumerate(tasks):
                    if stop.is_set():
                        raise _Stopped
                    task = task.read(uniemo)
                    stage = Stage(len(tasks), number, steps=_steps(task))
                    if task.original is not None:
                        events.put(replace(stage, pieces=[Piece(task.original, "before", task.before)]))
                    pieces = task.paint(uniemo, callback_on_step_end=_Watch(stage, events, stop))
                    events.put(replace(stage, task=number + 1, pieces=pieces, previews=[]))
        except _Stopped:
            pass
        except Exception as error:
            events.put(error)
        finally:
            events.put(None)

    threading.Thread(target=work, name="painter", daemon=True).start()
    unseen = None
    try:
        while True:
            try:
                event = events.get(timeout=_PATIENCE)
            except Empty:
                yield None
                continue
            if event is None:
                break
            if isinstance(event, Exception):
                raise event
            if event.previews is None:
                event = replace(event, previews=unseen)
            # Who looks on slowly sees the latest step and not all, but every picture.
            if event.pieces or events.empty():
                unseen = None
                yield event
            else:
                unseen = event.previews
    finally:
        stop.set()


def _seconds(tasks: Sequence[Task]) -> float:
    """How long the tasks take on ZeroGPU, about."""
    steps = sum(task.options["num_images"] * _steps(task) for task in tasks)
    return _TASK_SECONDS * len(tasks) + _STEP_SECONDS * steps


def _steps(task: Task) -> int:
    """How many steps the pipeline will take."""
    from kcdp.painting.sampling import steps_taken  # not with the page: it waits for the model libraries

    steps = task.options["num_inference_steps"]
    return steps if task.options.get("image") is None else steps_taken(steps, task.options["strength"])


class _Watch:
    """The pipeline's callback: reports each step of a task, with previews now and then, and stops the work when told to."""

    def __init__(self, stage: Stage, events: SimpleQueue, stop: threading.Event) -> None:
        self.stage, self.events, self.stop = stage, events, stop
        self.next_preview = 0.0

    def __call__(
        self, pipeline: UniEmoPipeline, step: int, _: torch.Tensor, tensors: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        if self.stop.is_set():
            raise _Stopped
        previews = None
        start = monotonic()
        if start >= self.next_preview and step + 1 < self.stage.steps:
            previews = pipeline.decode(tensors["latents"])
            end = monotonic()
            self.next_preview = end + max(PREVIEW_SECONDS, PREVIEW_PATIENCE * (end - start))
        # Some schedulers call the denoiser more than once for a step.
        steps = max(self.stage.steps, step + 1)
        self.events.put(replace(self.stage, step=step + 1, steps=steps, previews=previews))
        return {}
