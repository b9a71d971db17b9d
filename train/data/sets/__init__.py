"""The published data sets, each read as its users have it on disk."""

from __future__ import annotations

from kcdp.emotions import EMOTION_ROI_6, MIKELS_8, POLARITY, SER_7
from train.data.sets.emoset import read_emoset
from train.data.sets.entry import Entry, PictureSet, SetError
from train.data.sets.folders import read_artphoto, read_split_folders, read_twitter
from train.data.sets.lists import read_abstract, read_emotion_roi, read_fi
from train.data.sets.ser30k import read_ser30k

__all__ = ["SETS", "Entry", "PictureSet", "SetError", "named"]

#: By name, which is also the domain of the set's records. A new one is a reader in a file of its own and a line here.
SETS: dict[str, PictureSet] = {
    "emoset": PictureSet("EmoSet", MIKELS_8, read_emoset),
    "ser30k": PictureSet("SER30K", SER_7, read_ser30k),
    "fi": PictureSet("FI", MIKELS_8, read_fi),
    "emotion_roi": PictureSet("EmotionROI", EMOTION_ROI_6, read_emotion_roi),
    "emo8": PictureSet("Emo8", MIKELS_8, read_split_folders),
    "abstract": PictureSet("Abstract", MIKELS_8, read_abstract),
    "artphoto": PictureSet("ArtPhoto", MIKELS_8, read_artphoto),
    "twitter1": PictureSet("Twitter I", POLARITY, read_twitter),
    "twitter2": PictureSet("Twitter II", POLARITY, read_twitter),
}


def named(name: str) -> PictureSet:
    """The set of that name; raises SetError when there is none."""
    if name not in SETS:
        raise SetError(f"'{name}' is no data set that can be read; known: {', '.join(SETS)}.")
    return SETS[name]
