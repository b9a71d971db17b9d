"""From a data set's label space to the model's."""

from __future__ import annotations

from collections.abc import Mapping

from kcdp.emotions import EMOTION_ROI_6, KCDP_6, LABEL_SPACES, MIKELS_8, POLARITY, SER_7, LabelSpace, to_kcdp_6
from train.data.sets.entry import SetError

_NEGATIVE, _POSITIVE = POLARITY.labels

#: (source space, target space) -> every label of the source in the target, None where it is dropped by rule.
#: A merge cannot be undone, and of `surprise` nobody has said whether it is pleasant. The first four of Mikels-8 are positive.
MERGES: dict[tuple[str, str], Mapping[str, str | None]] = {
    **{
        (space.name, KCDP_6.name): {label: to_kcdp_6(label) for label in space.labels}
        for space in (MIKELS_8, SER_7, EMOTION_ROI_6)
    },
    (MIKELS_8.name, POLARITY.name): {
        label: _POSITIVE if place < 4 else _NEGATIVE for place, label in enumerate(MIKELS_8.labels)
    },
}


def reaches(source: LabelSpace, target: LabelSpace) -> bool:
    """Whether every label of `source` has a place in `target`, or is dropped there by rule."""
    return source == target or (source.name, target.name) in MERGES


def mapping(title: str, source: LabelSpace, target: LabelSpace) -> dict[str, str | None]:
    """Every label of `source` in `target`, None where a picture of that label is to be left out.

    Raises SetError when `target` cannot be reached; `title` is the data set's.
    """
    if source == target:
        return {label: label for label in source.labels}
    if not reaches(source, target):
        known = ", ".join(name for name, space in LABEL_SPACES.items() if reaches(source, space))
        raise SetError(
            f"{title} is labelled in {source.name}, which cannot be brought to {target.name}; "
            f"set label_space to one of {known}, or leave the set out."
        )
    return dict(MERGES[source.name, target.name])
