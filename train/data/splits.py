"""Protocols: which records train, choose and test a model. They are data; `select` is the only code.

- `benchmark`: reported numbers. What is tested as new is never trained: the vendor `openmoji`, the cartoon styles
  `toon-head` and `big-smile`, and the kinds of characters `big-ears`, `croodles` and `icon-park`, whole. Everything else
  keeps to its split. Its tests: `test-emoji` (new symbols by a new vendor), `test-cartoons` and `test-kinds` (trained
  styles), `test-new-cartoons` and `test-new-kinds` (new styles, all rows), `test-photos` (new themes), `test-drawn`,
  `test-things`, `test-folder`, and `test-<name>` of every published set. `croodles` is no test but `calibration`: confidences
  fitted on styles that have been trained are too high on new ones.
- `selection`: choosing settings. As `benchmark`, and `emojitwo`, `micah`, `lorelei` and `streamline-emojis` are held out
  as well, so that `val-new-style` measures what `benchmark` tests without touching a test row: new and known symbols by
  new vendors, and new cartoon styles. Settings chosen here are then trained under `benchmark`. (emojitwo is the smallest
  vendor, so holding it out costs least; micah and lorelei together show seven of the eight emotions, one in flat colour,
  one in line.)
- `shipped`: weights for use, not for numbers. Trains on the train and test rows of everything but `openmoji`, which is
  share-alike; the val rows choose the checkpoint. Its only test is `test-emoji`: the vendor is new to it, the symbols
  are not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from datasets import Dataset
from pydantic import PlainSerializer

from train.data.records import SPLITS, Coded, domains

#: In JSON they stand in order.
Styles = Annotated[frozenset[str], PlainSerializer(sorted)]


@dataclass(frozen=True)
class Rule:
    """Records of one domain: their splits, and either the only styles or the styles left out."""

    domain: str
    splits: tuple[str, ...] = SPLITS
    only: Styles | None = None
    without: Styles = frozenset()


Protocol = Mapping[str, tuple[Rule, ...]]

_OPENMOJI = frozenset({"openmoji"})
#: Styles that are tested as new ones, by domain.
_TEST_STYLES = {
    "cartoons": frozenset({"toon-head", "big-smile"}),
    "kinds": frozenset({"big-ears", "croodles", "icon-park"}),
}
#: Of these, what confidences are fitted on and nothing is tested with.
_CALIBRATION_STYLES = {"kinds": frozenset({"croodles"})}
#: What is new in `selection` beside them.
_SELECTION_STYLES = {
    "emoji": frozenset({"emojitwo"}),
    "cartoons": frozenset({"micah", "lorelei"}),
    "kinds": frozenset({"streamline-emojis"}),
}
#: The drawings of `lorelei` and `emojitwo` again.
_SELECTION_COPIES = frozenset({"lorelei-neutral", "emojione-monotone"})


def _everywhere(splits: tuple[str, ...], without: Mapping[str, frozenset[str]]) -> tuple[Rule, ...]:
    """These splits of every domain, without the given vendors and styles."""
    return tuple(Rule(name, splits, without=without.get(name, frozenset())) for name in domains())


def _benchmark() -> Protocol:
    held_out = {"emoji": _OPENMOJI, **_TEST_STYLES}
    tests = {f"test-{name}": (Rule(name, ("test",)),) for name in domains()}
    for name, styles in _TEST_STYLES.items():
        tests[f"test-{name}"] = (Rule(name, ("test",), without=styles),)
        tests[f"test-new-{name}"] = (Rule(name, only=styles - _CALIBRATION_STYLES.get(name, frozenset())),)
    tests["test-emoji"] = (Rule("emoji", ("test",), only=_OPENMOJI),)
    calibration = tuple(Rule(name, only=styles) for name, styles in _CALIBRATION_STYLES.items())
    trained = {"train": _everywhere(("train",), held_out), "val": _everywhere(("val",), held_out)}
    return {**trained, "calibration": calibration, **tests}


def _selection() -> Protocol:
    tested = {"emoji": _OPENMOJI, **_TEST_STYLES}
    held_out = {name: styles | tested[name] for name, styles in _SELECTION_STYLES.items()}
    held_out["kinds"] |= _SELECTION_COPIES
    return {
        "train": _everywhere(("train",), held_out),
        "val": _everywhere(("val",), held_out),
        "val-new-style": tuple(Rule(name, ("train", "val"), only=styles) for name, styles in _SELECTION_STYLES.items()),
    }


def _shipped() -> Protocol:
    held_out = {"emoji": _OPENMOJI}
    return {
        "train": _everywhere(("train", "test"), held_out),
        "val": _everywhere(("val",), held_out),
        "test-emoji": (Rule("emoji", ("test",), only=_OPENMOJI),),
    }


#: Made when they are asked for: every domain that there is has its rules.
PROTOCOLS: Mapping[str, Callable[[], Protocol]] = {
    "benchmark": _benchmark,
    "selection": _selection,
    "shipped": _shipped,
}


def parts(protocol: str) -> tuple[str, ...]:
    """Names of a protocol's parts. Raises ValueError for an unknown protocol."""
    if protocol not in PROTOCOLS:
        raise ValueError(f"'{protocol}' is no protocol; choose one of {', '.join(PROTOCOLS)}.")
    return tuple(PROTOCOLS[protocol]())


def select(records: Dataset, protocol: str, part: str) -> np.ndarray:
    """Rows of `records` (one domain or several, concatenated) in a part of a protocol: int64, ascending, maybe empty.

    Rows without an emotion are included; `labels` tells which.
    Raises ValueError for an unknown protocol or a part that it has not.
    """
    return np.flatnonzero(within(records, rules(protocol, part)))


def rules(protocol: str, part: str) -> tuple[Rule, ...]:
    """The rules of a part of a protocol. Raises ValueError for an unknown protocol or a part that it has not."""
    if part not in parts(protocol):
        raise ValueError(f"Protocol '{protocol}' has no part '{part}'; it has {', '.join(parts(protocol))}.")
    return PROTOCOLS[protocol]()[part]


def within(records: Dataset, rules: Iterable[Rule]) -> np.ndarray:
    """Which records (N,), bool, are in one of the rules."""
    of_domain, splits, styles = (Coded.of(records, name) for name in ("domain", "split", "style"))
    chosen = np.zeros(len(records), dtype=bool)
    for rule in rules:
        rows = of_domain.within((rule.domain,)) & splits.within(rule.splits)
        if rule.only is not None:
            rows &= styles.within(rule.only)
        chosen |= rows & ~styles.within(rule.without)
    return chosen
