"""Lanes: reading and painting share the models, and neither waits for the other longer than a step.

`ModelTurns` says who computes: a painting gives its turn up after each step, and readings come first. `ReadingLane` brings
readings that wait together into batches; `PaintingLane` lets paintings in one after the other and knows their positions.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from kcdp.results import VerdictOutput
from kcdp.ui import gpu
from kcdp.ui.askers import Gone, never
from kcdp.ui.remembered import RememberedReadings, content_key

if TYPE_CHECKING:
    from kcdp.bundle import Bundle
    from kcdp.decoded import DecodedPicture

#: Seconds that a painting gives way to readings between two steps; then it takes the next turn.
PATIENCE = 1.0
#: Pictures that are read in one batch.
MAX_BATCH = 4
#: Readings, and paintings, that may wait; whoever comes then is told to come back later.
MAX_READINGS, MAX_PAINTINGS = 64, 20

#: What reading takes on ZeroGPU, with room to spare, for a batch and for each of its pictures; nearly all is captioning.
_BATCH_SECONDS, _PICTURE_SECONDS = 8, 2


class BusyError(RuntimeError):
    """Too many are waiting; the message is one sentence for the user."""


class Superseded(Exception):
    """Nobody waits for this reading or painting any more."""


def as_fault(error: BaseException) -> Exception:
    """What ended the work for a visitor, as something that ends their request and not the server, as SystemExit would."""
    return error if isinstance(error, Exception) else RuntimeError(f"The work was ended by {type(error).__name__}.")


class ModelTurns:
    """A lock with two kinds of holders: readings go before paintings, which hold it for one step at a time.

    Two threads that compute at the same time share the cores and slow each other down by far more than a half.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._taken = False
        self._readings = 0
        self._impatient = 0

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Hold the models for one batch."""
        with self._changed:
            self._readings += 1
            self._changed.wait_for(lambda: not self._taken and not self._impatient)
            self._readings -= 1
            self._taken = True
        try:
            yield
        finally:
            self._release()

    @contextmanager
    def painting(self) -> Iterator[None]:
        """Hold the models until the end of a painting, but for its calls of `between_steps`."""
        self._take_for_painting()
        try:
            yield
        finally:
            self._release()

    def between_steps(self) -> None:
        """Let the readings that wait go first, for at most `PATIENCE` seconds and the one that is then at work."""
        with self._changed:
            if not self._readings:
                return
        self._release()
        self._take_for_painting()

    def _take_for_painting(self) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: not self._taken and not self._readings, PATIENCE):
                self._impatient += 1
                self._changed.wait_for(lambda: not self._taken)
                self._impatient -= 1
            self._taken = True

    def _release(self) -> None:
        with self._changed:
            self._taken = False
            self._changed.notify_all()


#: Of this process; a worker process of ZeroGPU has one of its own.
MODEL_TURNS = ModelTurns()


class Reading:
    """One picture in the lane; `cancel` takes it out again, unless it is in work, and whoever waits gets Superseded."""

    def __init__(self, picture: DecodedPicture, attention: bool, gone: Gone = never) -> None:
        self.picture = picture
        self.attention = attention
        self.gone = gone
        self.key = content_key(picture, attention)
        self.result: Future[VerdictOutput] = Future()

    def cancel(self) -> None:
        """Give up this reading; without effect when there is a result already."""
        self.fail(Superseded())

    def fail(self, error: BaseException) -> None:
        """End with an error, unless there is a result already."""
        with suppress(InvalidStateError):
            self.result.set_exception(error)

    def succeed(self, verdict: VerdictOutput) -> None:
        """End with a result, unless it was cancelled."""
        with suppress(InvalidStateError):
            self.result.set_result(verdict)


class ReadingLane:
    """Reads pictures, those of all visitors that wait at the same time in one batch."""

    def __init__(self, bundle: Future[Bundle]) -> None:
        """`bundle` may still be loading."""
        self.bundle = bundle
        self._waiting: deque[Reading] = deque()
        self._lock = threading.Lock()
        self._batch_over = threading.Condition()
        self._in_batch = False
        # One thread for all batches: of each that has computed, the C library and OpenMP keep the memory of a whole batch.
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="reader")
        self._remembered = RememberedReadings()

    def enter(self, picture: DecodedPicture, attention: bool, gone: Gone = never) -> Reading:
        """Let a picture wait, with heat maps if `attention`; one that was read lately has its result at once.

        Who is `gone` when it would be their turn has the reading cancelled. Raises BusyError when too many wait.
        """
        reading = Reading(picture, attention, gone)
        known = self._remembered.get(reading.key)
        if known is not None:
            reading.succeed(known)
            return reading
        with self._lock:
            if len(self._waiting) >= MAX_READINGS:
                raise BusyError("Too many pictures are waiting to be read; please try again in a minute.")
            self._waiting.append(reading)
        return reading

    def read(self, reading: Reading) -> VerdictOutput:
        """Wait for the result of what `enter` gave, computing the next batches where nobody else does.

        Raises what the models and `on_gpu` raise, and Superseded when it was cancelled.
        """
        while self._is_needed_for(reading):
            try:
                self._compute(self._next_batch())
            finally:
                with self._batch_over:
                    self._in_batch = False
                    self._batch_over.notify_all()
        return reading.result.result()

    def _is_needed_for(self, reading: Reading) -> bool:
        """Wait for the result, or until nobody computes a batch; whether the caller is the one who has to, as it has no result.

        By a condition, not a lock: who has a result must not queue for one behind those who go on computing.
        """
        with self._batch_over:
            self._batch_over.wait_for(lambda: reading.result.done() or not self._in_batch)
            needed = not reading.result.done()
            self._in_batch = self._in_batch or needed
        return needed

    def _next_batch(self) -> list[Reading]:
        """Those that wait longest, all with or all without heat maps."""
        with self._lock:
            for reading in self._waiting:
                if reading.gone():
                    reading.cancel()
            waiting = [reading for reading in self._waiting if not reading.result.done()]
            same = [reading for reading in waiting if reading.attention == waiting[0].attention]
            batch = same[:MAX_BATCH]
            self._waiting = deque(reading for reading in waiting if reading not in batch)
        return batch

    def _compute(self, batch: Sequence[Reading]) -> None:
        """In the one thread, but with the caller's context, as ZeroGPU looks there for who asks."""
        context = copy_context()
        self._reader.submit(lambda: context.run(self._read_batch, batch)).result()

    def _read_batch(self, batch: Sequence[Reading]) -> None:
        if not batch:  # all have gone
            return
        seconds = _BATCH_SECONDS + _PICTURE_SECONDS * len(batch)
        pictures = [reading.picture for reading in batch]
        try:
            (found,) = gpu.on_gpu(seconds, self.bundle, read_batch, pictures, batch[0].attention)
            results = list(zip(batch, found, strict=True))
        except BaseException as error:  # of whatever kind: none of them may wait for ever
            for reading in batch:
                reading.fail(as_fault(error))
            return
        for reading, result in results:
            self._remembered.keep(reading.key, result)
            reading.succeed(result)


def read_batch(bundle: Bundle, pictures: Sequence[DecodedPicture], attention: bool) -> Iterator[list[VerdictOutput]]:
    """Yields once: a verdict for every picture, computed when it is a reading's turn."""
    with MODEL_TURNS.reading():
        verdicts = bundle.read(list(pictures), attention=attention)
    yield verdicts


class Ticket:
    """A place in the painting lane; leave it by `close`."""

    def __init__(self, lane: PaintingLane) -> None:
        self._lane = lane

    @property
    def ahead(self) -> int:
        """How many paintings come before this one; 0 when it is its turn."""
        return self._lane.ahead_of(self)

    def wait(self, seconds: float) -> bool:
        """Wait for the turn, at most so long; returns whether it has come."""
        return self._lane.wait_for(self, seconds)

    def close(self) -> None:
        """Leave the lane, at the head of it or not."""
        self._lane.leave(self)


class PaintingLane:
    """First come, first served: one painting at a time."""

    def __init__(self) -> None:
        self._tickets: list[Ticket] = []
        self._changed = threading.Condition()

    def enter(self) -> Ticket:
        """Take a place at the end; raises BusyError when too many wait."""
        with self._changed:
            if len(self._tickets) >= MAX_PAINTINGS:
                raise BusyError("Too many paintings are waiting; please try again in a few minutes.")
            ticket = Ticket(self)
            self._tickets.append(ticket)
        return ticket

    def ahead_of(self, ticket: Ticket) -> int:
        """See `Ticket.ahead`."""
        with self._changed:
            return self._tickets.index(ticket)

    def wait_for(self, ticket: Ticket, seconds: float) -> bool:
        """See `Ticket.wait`."""
        end = monotonic() + seconds
        with self._changed:
            return self._changed.wait_for(lambda: self._tickets[0] is ticket, max(0.0, end - monotonic()))

    def leave(self, ticket: Ticket) -> None:
        """See `Ticket.close`."""
        with self._changed:
            self._tickets.remove(ticket)
            self._changed.notify_all()


@dataclass(frozen=True)
class Backend:
    """What every tab works with: the bundle, which may still be loading, the lanes to it, and picture files to offer.

    Visitors' corrections go to the folder `corrections`; without one they are not asked for any. Whether
    pictures follow the settings is `live`, until a visitor says otherwise.
    """

    bundle: Future[Bundle]
    examples: Sequence[Path] = ()
    corrections: Path | None = None
    live: bool = True
    readings: ReadingLane = field(init=False)
    paintings: PaintingLane = field(init=False, default_factory=PaintingLane)

    def __post_init__(self) -> None:
        object.__setattr__(self, "readings", ReadingLane(self.bundle))
