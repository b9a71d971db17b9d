"""Painting jobs: run the pipeline where the GPU is and report progress and previews while it works."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

from PIL import Image

from kcdp.ui import gpu
from kcdp.ui.askers import Gone, never
from kcdp.ui.lanes import MODEL_TURNS, Superseded, as_fault
from kcdp.ui.painted import PaintedPicture, painted_pictures

if TYPE_CHECKING:
    from concurrent.futures import Future

    import torch

    from kcdp.bundle import Bundle
    from kcdp.pipelines.uniemo import UniEmoPipeline
    from kcdp.results import UniEmoImageOutput, VerdictOutput

#: Seconds between two previews at the least.
PREVIEW_SECONDS = 0.5
#: The pause between previews is at least this many times what the last one took to decode: a fifth of the time at most.
PREVIEW_COST = 4

#: On ZeroGPU, with room to spare: for each job, and for each step of a picture (Stable Diffusion 1.5 in float32).
_JOB_SECONDS, _STEP_SECONDS = 1, 0.1
#: Seconds after which it is looked at whether anybody still waits for the pictures.
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class PaintingJob:
    """One call of the pipeline.

    Args:
        options: arguments of `UniEmoPipeline.__call__`.
        caption: of its pictures, see `PaintedPicture`.
        original: the picture that is edited, as the gallery shows it; None where nothing is edited.
        target, before: of an edit what it is to reach and the verdict on the original; `with_readings` fills them in.
        chosen: see `PaintedPicture`.
    """

    options: Mapping[str, Any]
    caption: str | Mapping[str, float] = ""
    original: Image.Image | None = None
    target: str | None = None
    before: VerdictOutput | None = None
    chosen: Mapping[str, Any] = field(default_factory=dict)

    def with_readings(self, bundle: Bundle) -> PaintingJob:
        """With `target` and `before` read from the pictures of an edit; anything else as it is."""
        if self.original is None:
            return self
        emotion = self.options["emotion"]
        named = isinstance(emotion, str)
        before, *others = bundle.read([self.options["image"], *([] if named else [emotion])], attention=False)
        # A name is checked by the pipeline, before anything is painted.
        return replace(self, target=emotion if named else _leaning(others[0]), before=before)

    def paint(self, bundle: Bundle, **options: Any) -> tuple[UniEmoImageOutput, list[VerdictOutput]]:
        """Call the pipeline with `options` added; its output, and both models' verdict on each picture."""
        output = bundle.painter(**self.options)(**self.options, **options)
        return output, bundle.read(list(cast("tuple[Image.Image, ...]", output.images)), attention=False)

    def run(self, bundle: Bundle, **options: Any) -> list[PaintedPicture]:
        """The pictures of `paint`."""
        before = None if self.before is None else self.before.probabilities
        painted = painted_pictures(*self.paint(bundle, **options), self.caption, self.target, before)
        return [replace(picture, chosen=self.chosen) for picture in painted]


def _leaning(verdict: VerdictOutput) -> str:
    """The emotion that an edit takes from a picture, if unsure; raises ValueError with a sentence where there is none."""
    if verdict.leaning is None:
        raise ValueError("There is nothing to be read in the second picture; choose another one.")
    return verdict.leaning


@dataclass(frozen=True)
class Progress:
    """How far a list of jobs is, and what is new since the last report.

    Args:
        jobs: how many there are.
        job: how many are finished.
        step, steps: how many of the current job's steps are taken, and of how many.
        pictures: finished since the last report.
        previews: of the pictures in work; None where the last ones still hold.
    """

    jobs: int
    job: int = 0
    step: int = 0
    steps: int = 1
    pictures: Sequence[PaintedPicture] = ()
    previews: Sequence[Image.Image] | None = None

    @property
    def share(self) -> float:
        """Finished share of all jobs, in [0, 1]."""
        return min(1.0, (self.job + self.step / self.steps) / self.jobs)


class _Stopped(Exception):
    """Raised in the pipeline's callback to end a painting that nobody waits for."""


def paint(bundle: Future[Bundle], jobs: Sequence[PaintingJob], stop_event: threading.Event) -> Iterator[Progress]:
    """Run the jobs in turn; yields a `Progress` whenever there is something new.

    Once `stop_event` is set, the iterator ends at once, and the work after its current step; closing the iterator ends the
    work as well. Raises what the pipeline and `on_gpu` raise.
    """
    with closing(gpu.on_gpu(_seconds(jobs, bundle), bundle, _painting_events, jobs)) as updates:
        for progress in updates:
            if stop_event.is_set():
                return
            if progress is not None:
                yield progress


#: A job `with_readings`, the pipeline's output, and the verdict on each picture.
Painted = tuple[PaintingJob, "UniEmoImageOutput", list["VerdictOutput"]]


def run_job(bundle: Future[Bundle], job: PaintingJob, gone: Gone = never) -> Painted:
    """Run one job without progress.

    Raises as `paint`, and Superseded once the asker is `gone`: then the work ends after its current step.
    """
    with closing(gpu.on_gpu(_seconds([job], bundle), bundle, _run_job, job)) as updates:
        for painted in updates:
            if painted is not None:
                return painted
            if gone():
                break
    raise Superseded


def _run_job(bundle: Bundle, job: PaintingJob) -> Iterator[Painted | None]:
    """What it has painted; before that None every `_POLL_SECONDS`, so that it can be stopped."""

    def work(events: SimpleQueue, stop: threading.Event) -> None:
        _without_progress_bar(bundle)
        ready = job.with_readings(bundle)
        events.put((ready, *ready.paint(bundle, callback_on_step_end=_StopCallback(stop))))

    yield from _events(work)


def paint_live(
    bundle: Bundle, job: PaintingJob, superseded: threading.Event, refine: bool
) -> tuple[Image.Image, VerdictOutput | None, bool] | None:
    """The picture of a job that somebody waits for with a hand on a slider, and whether it is withheld; None once it is `superseded`, at the next step.

    With `refine` it is painted by the bundle's most careful painter, and gets a verdict. Between the steps of other visitors' paintings it goes
    first, as a reading does, and it lets readings through itself. Raises what the pipeline raises.
    """
    _without_progress_bar(bundle)
    painter = bundle.quality if refine else bundle.painter(**job.options)

    def on_step(*_: Any) -> dict[str, torch.Tensor]:
        if superseded.is_set():
            raise _Stopped
        return _between_steps()

    try:
        with MODEL_TURNS.reading():
            if superseded.is_set():
                return None
            output = painter(**job.options, callback_on_step_end=on_step)
            (picture,) = cast("tuple[Image.Image]", output.images)
            reading = bundle.read([picture], attention=False)[0] if refine and not superseded.is_set() else None
    except _Stopped:
        return None
    return None if superseded.is_set() else (picture, reading, any(output.withheld))


def _between_steps(*_: Any) -> dict[str, torch.Tensor]:
    """A callback of the pipeline that lets readings go first."""
    MODEL_TURNS.between_steps()
    return {}


def _without_progress_bar(bundle: Bundle) -> None:
    """No progress bar in the server's log; the page has its own."""
    bundle.uniemo.set_progress_bar_config(disable=True)


def _painting_events(bundle: Bundle, jobs: Sequence[PaintingJob]) -> Iterator[Progress | None]:
    """The reports of all jobs; None where for `_POLL_SECONDS` there is nothing new, so that they can be stopped."""

    def work(events: SimpleQueue, stop: threading.Event) -> None:
        _without_progress_bar(bundle)
        for number, job in enumerate(jobs):
            if stop.is_set():
                raise _Stopped
            job = job.with_readings(bundle)
            progress = Progress(len(jobs), number, steps=_steps(job, bundle))
            if job.original is not None and job.before is not None:
                events.put(replace(progress, pictures=[PaintedPicture(job.original, "", job.before)]))
            pictures = job.run(bundle, callback_on_step_end=_StepCallback(progress, events, stop))
            events.put(replace(progress, job=number + 1, pictures=pictures, previews=[]))

    yield from _events(work)


def _events(work: Callable[[SimpleQueue, threading.Event], None]) -> Iterator[Any]:
    """What `work` puts into its queue, in a thread that has the models; None every `_POLL_SECONDS` without anything new.

    Of reports of steps a slow reader gets the latest and not all of them. Closing the iterator sets the work's stop event.
    Raises what the work raises.
    """
    events: SimpleQueue = SimpleQueue()
    stop = threading.Event()

    def run() -> None:
        try:
            with MODEL_TURNS.painting():
                work(events, stop)
        except _Stopped:
            pass
        except BaseException as error:  # whatever ends the thread: who waits has to know
            events.put(as_fault(error))
        finally:
            events.put(None)

    threading.Thread(target=run, name="painter", daemon=True).start()
    unseen = None
    try:
        while True:
            try:
                event = events.get(timeout=_POLL_SECONDS)
            except Empty:
                yield None
                continue
            if event is None:
                break
            if isinstance(event, Exception):
                raise event
            if isinstance(event, Progress):
                if event.previews is None:
                    event = replace(event, previews=unseen)
                if not event.pictures and not events.empty():
                    unseen = event.previews
                    continue
                unseen = None
            yield event
    finally:
        stop.set()


def _seconds(jobs: Sequence[PaintingJob], bundle: Future[Bundle]) -> float:
    """About how long the jobs take on ZeroGPU."""
    steps = sum(job.options["num_images"] * _steps(job, bundle.result()) for job in jobs)
    return _JOB_SECONDS * len(jobs) + _STEP_SECONDS * steps


def _steps(job: PaintingJob, bundle: Bundle) -> int:
    """How many steps the pipeline will take."""
    from kcdp.painting.sampling import steps_taken  # not with the page: it waits for the model libraries

    steps = job.options["num_inference_steps"] or bundle.painter(**job.options).config.num_inference_steps
    return steps if job.options.get("image") is None else steps_taken(steps, job.options["strength"])


class _StopCallback:
    """The pipeline's callback: lets readings go first, and ends the work once `stop` is set."""

    def __init__(self, stop: threading.Event) -> None:
        self.stop = stop

    def __call__(
        self, pipeline: UniEmoPipeline, step: int, timestep: torch.Tensor, tensors: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        if self.stop.is_set():
            raise _Stopped
        return _between_steps()


class _StepCallback(_StopCallback):
    """Reports each step of a job as well, with previews now and then."""

    def __init__(self, progress: Progress, events: SimpleQueue, stop: threading.Event) -> None:
        super().__init__(stop)
        self.progress, self.events = progress, events
        self.next_preview = 0.0

    def __call__(
        self, pipeline: UniEmoPipeline, step: int, timestep: torch.Tensor, tensors: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        super().__call__(pipeline, step, timestep, tensors)
        previews = None
        start = monotonic()
        if start >= self.next_preview and step + 1 < self.progress.steps:
            previews = pipeline.decode(tensors["latents"])
            end = monotonic()
            self.next_preview = end + max(PREVIEW_SECONDS, PREVIEW_COST * (end - start))
        # Some schedulers call the denoiser more than once for a step.
        steps = max(self.progress.steps, step + 1)
        self.events.put(replace(self.progress, step=step + 1, steps=steps, previews=previews))
        return {}
