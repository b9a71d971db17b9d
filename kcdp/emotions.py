"""Label spaces: which emotions a model, a data set or a table speaks of, in which order."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LabelSpace:
    """An ordered set of emotion labels.

    Scores measured in different label spaces are not comparable, so a result always names its space.
    """

    name: str
    labels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def index(self, label: str) -> int:
        """Position of `label`, in any case; raises ValueError with the known labels when it is not in this space."""
        try:
            return self.labels.index(str(label).strip().lower())
        except ValueError:
            raise ValueError(f"'{label}' is not one of the {self.name} labels: {', '.join(self.labels)}.") from None


#: Mikels et al. 2005: EmoSet, Emo8, ArtPhoto, Abstract, FI. The first four are positive.
MIKELS_8 = LabelSpace(
    "Mikels-8", ("amusement", "awe", "contentment", "excitement", "anger", "disgust", "fear", "sadness")
)
#: All of KCDP's tables are in this space.
KCDP_6 = LabelSpace("KCDP-6", ("surprise", "happy", "disgust", "fear", "sad", "anger"))
#: SER30K's `anno` 1 to 7.
SER_7 = LabelSpace("SER-7", ("surprise", "happy", "disgust", "fear", "sad", "anger", "neutral"))
EMOTION_ROI_6 = LabelSpace("EmotionROI-6", ("joy", "surprise", "anger", "disgust", "fear", "sadness"))
POLARITY = LabelSpace("Polarity", ("negative", "positive"))

LABEL_SPACES: dict[str, LabelSpace] = {
    space.name: space for space in (MIKELS_8, KCDP_6, SER_7, EMOTION_ROI_6, POLARITY)
}

_TO_KCDP_6 = {
    "excitement": "surprise",
    "awe": "surprise",
    "surprise": "surprise",
    "contentment": "happy",
    "amusement": "happy",
    "joy": "happy",
    "happy": "happy",
    "disgust": "disgust",
    "fear": "fear",
    "sad": "sad",
    "sadness": "sad",
    "anger": "anger",
}


def to_kcdp_6(label: str) -> str | None:
    """The KCDP-6 label of a label from any finer space; None for `neutral`, which KCDP drops.

    Raises ValueError for a label that no space knows.
    """
    if label == "neutral":
        return None
    if label not in _TO_KCDP_6:
        raise ValueError(f"'{label}' is in no known label space; known: {', '.join(sorted(_TO_KCDP_6))}.")
    return _TO_KCDP_6[label]
