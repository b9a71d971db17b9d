"""Protocols: which records train, choose and test a model. They are data; `select` is the only code.

- `benchmark`: reported numbers. What is tested as new is never trained: the vendor `openmoji`, the cartoon styles
  `toon-head` and `big-smile`, and the kinds of characters `big-ears`, `croodles` and `icon-park`, whole. Everything else
  keeps to its split. Its tests: `test-emoji` (new symbols by a new vendor), `test-cartoons` and `test-kinds` (trained
  styles), `test-new-cartoons` and `test-new-kinds` (new styles, all rows), `test-photos` (new themes), `test-drawn`,
  `test-things`, `test-folder`, and `test-<name>` of every published set.
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

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from datasets import Dataset

from train.data.records import DRAWN, SPLITS, Coded
from train.data.sets import SETS

#: Styles that are the same drawings: a rule speaks of the family, so they are held out together or not at all.
FAMILIES = MappingProxyType({style: "fluent" for style in ("fluent_flat", "fluent_3d", "fluent_color")})


@dataclass(frozen=True)
class Rule:
    """Records of one domain: their splits, and either the only styles or the styles left out. Styles are families."""

    domain: str
    splits: tuple[str, ...] = SPLITS
    only: frozenset[str] | None = None
    without: frozenset[str] = frozenset()


Protocol = Mapping[str, tuple[Rule, ...]]

_OPENMOJI = frozenset({"openmoji"})
_TEST_CARTOONS = frozenset({"toon-head", "big-smile"})
_TEST_KINDS = frozenset({"big-ears", "croodles", "icon-park"})
_NEW_VENDORS = frozenset({"emojitwo"})
_NEW_CARTOONS = frozenset({"micah", "lorelei"})
_NEW_KINDS = frozenset({"streamline-emojis"})
#: What choosing settings may not train: two are the drawings of `lorelei` and `emojitwo` again.
_HELD_KINDS = _TEST_KINDS | _NEW_KINDS | {"lorelei-neutral", "emojione-monotone"}


def _everywhere(
    splits: tuple[str, ...],
    emoji: frozenset[str] = frozenset(),
    cartoons: frozenset[str] = frozenset(),
    kinds: frozenset[str] = frozenset(),
) -> tuple[Rule, ...]:
    """These splits of every domain, without the given vendors and styles."""
    return (
        *(Rule(name, splits) for name in DRAWN),
        Rule("emoji", splits, without=emoji),
        Rule("cartoons", splits, without=cartoons),
        Rule("kinds", splits, without=kinds),
        Rule("photos", splits),
        Rule("folder", splits),
        *(Rule(name, splits) for name in SETS),
    )


_BENCHMARK_TESTS: Protocol = {
    "test-emoji": (Rule("emoji", ("test",), only=_OPENMOJI),),
    "test-cartoons": (Rule("cartoons", ("test",), without=_TEST_CARTOONS),),
    "test-new-cartoons": (Rule("cartoons", only=_TEST_CARTOONS),),
    "test-kinds": (Rule("kinds", ("test",), without=_TEST_KINDS),),
    "test-new-kinds": (Rule("kinds", only=_TEST_KINDS),),
    "test-photos": (Rule("photos", ("test",)),),
    **{f"test-{name}": (Rule(name, ("test",)),) for name in DRAWN},
    "test-folder": (Rule("folder", ("test",)),),
    **{f"test-{name}": (Rule(name, ("test",)),) for name in SETS},
}

PROTOCOLS: Mapping[str, Protocol] = {
    "benchmark": {
        "train": _everywhere(("train",), _OPENMOJI, _TEST_CARTOONS, _TEST_KINDS),
        "val": _everywhere(("val",), _OPENMOJI, _TEST_CARTOONS, _TEST_KINDS),
        **_BENCHMARK_TESTS,
    },
    "selection": {
        "train": _everywhere(("train",), _OPENMOJI | _NEW_VENDORS, _TEST_CARTOONS | _NEW_CARTOONS, _HELD_KINDS),
        "val": _everywhere(("val",), _OPENMOJI | _NEW_VENDORS, _TEST_CARTOONS | _NEW_CARTOONS, _HELD_KINDS),
        "val-new-style": (
            Rule("emoji", ("train", "val"), only=_NEW_VENDORS),
            Rule("cartoons", ("train", "val"), only=_NEW_CARTOONS),
            Rule("kinds", ("train", "val"), only=_NEW_KINDS),
        ),
    },
    "shipped": {
        "train": _everywhere(("train", "test"), _OPENMOJI),
        "val": _everywhere(("val",), _OPENMOJI),
        "test-emoji": (Rule("emoji", ("test",), only=_OPENMOJI),),
    },
}


def parts(protocol: str) -> tuple[str, ...]:
    """Names of a protocol's parts. Raises ValueError for an unknown protocol."""
    if protocol not in PROTOCOLS:
        raise ValueError(f"'{protocol}' is no protocol; choose one of {', '.join(PROTOCOLS)}.")
    return tuple(PROTOCOLS[protocol])


def select(records: Dataset, protocol: str, part: str) -> np.ndarray:
    """Rows of `records` (one domain or several, concatenated) in a part of a protocol: int64, ascending, maybe empty.

    Rows without an emotion are included; `labels` tells which.
    Raises ValueError for an unknown protocol or a part that it has not.
    """
    if part not in parts(protocol):
        raise ValueError(f"Protocol '{protocol}' has no part '{part}'; it has {', '.join(parts(protocol))}.")
    domains, splits, styles = (Coded.of(records, name) for name in ("domain", "split", "style"))
    chosen = np.zeros(len(records), dtype=bool)
    for rule in PROTOCOLS[protocol][part]:
        rows = domains.within((rule.domain,)) & splits.within(rule.splits)
        if rule.only is not None:
            rows &= styles.within(_members(styles, rule.only))
        chosen |= rows & ~styles.within(_members(styles, rule.without))
    return np.flatnonzero(chosen)


def _members(styles: Coded, families: frozenset[str]) -> set[str]:
    """The styles that belong to one of these families."""
    return {style for style in styles.names if FAMILIES.get(style, style) in families}
