"""From a data set's label space to the one that a model speaks."""

from __future__ import annotations

from kcdp.emotions import EMOTION_ROI_6, KCDP_6, LABEL_SPACES, MIKELS_8, POLARITY, SER_7, LabelSpace, to_kcdp_6
from train.data.sets.entry import SetError

#: Spaces that KCDP-6 merges.
_FINER = (MIKELS_8, SER_7, EMOTION_ROI_6)


def reaches(source: LabelSpace, target: LabelSpace) -> bool:
    """Whether every label of `source` has a place in `target`, or is dropped there by rule.

    KCDP-6 merges Mikels-8, SER-7 (dropping `neutral`) and EmotionROI-6; Mikels-8 has a polarity. A merge cannot be undone,
    and of `surprise` nobody has said whether it is pleasant.
    """
    return source == target or (target == KCDP_6 and source in _FINER) or (source, target) == (MIKELS_8, POLARITY)


def mapping(title: str, source: LabelSpace, target: LabelSpace) -> dict[str, str | None]:
    """Every label of `source` in `target`, None where a picture of that label is to be left out.

    Raises SetError when `target` cannot be reached; `title` is the data set's.
    """
    if not reaches(source, target):
        known = ", ".join(name for name, space in LABEL_SPACES.items() if reaches(source, space))
        raise SetError(
            f"{title} is labelled in {source.name}, which cannot be brought to {target.name}; "
            f"set label_space to one of {known}, or leave the set out."
        )
    if source == target:
        return {label: label for label in source.labels}
    if target == KCDP_6:
        return {label: to_kcdp_6(label) for label in source.labels}
    # The first four of Mikels-8 are positive.
    negative, positive = POLARITY.labels
    return {label: positive if place < 4 else negative for place, label in enumerate(source.labels)}
