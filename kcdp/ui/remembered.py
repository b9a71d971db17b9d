"""Pictures that were read before are answered at once: a visitor looks again, and a pack is sent twice."""

from __future__ import annotations

import threading
from collections import OrderedDict
from hashlib import blake2b

from kcdp.decoded import DecodedPicture
from kcdp.results import VerdictOutput

#: Readings that are remembered; one with its heat maps is about a megabyte.
REMEMBERED = 16


def content_key(picture: DecodedPicture, attention: bool) -> str:
    """A name for a reading: of the pixels, the times at which they are shown and the way of reading, whatever the file."""
    said = blake2b(repr((attention, picture.times)).encode(), digest_size=16)
    for frame in picture.frames:
        said.update(repr(frame.size).encode())
        said.update(frame.tobytes())
    return said.hexdigest()


class RememberedReadings:
    """The last readings of one bundle, whose weights and settings stay as they are; safe to use from several threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, VerdictOutput] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> VerdictOutput | None:
        """The reading under a `content_key`; None where there is none, or no longer."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def keep(self, key: str, verdict: VerdictOutput) -> None:
        """Remember a reading, and forget the one that nobody has asked for for longest when there are too many."""
        with self._lock:
            self._kept[key] = verdict
            self._kept.move_to_end(key)
            if len(self._kept) > REMEMBERED:
                self._kept.popitem(last=False)
