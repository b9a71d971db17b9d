"""How the names of files end that are read."""

from __future__ import annotations

#: One picture a file.
PICTURE_SUFFIXES = (
    ".png",
    ".apng",
    ".jpg",
    ".jpeg",
    ".jpe",
    ".jfif",
    ".webp",
    ".gif",
    ".avif",
    ".avifs",
    ".bmp",
    ".dib",
    ".tif",
    ".tiff",
    ".tgs",
    ".json",
    ".lottie",
    ".webm",
    ".mkv",
    ".mp4",
    ".m4v",
    ".mov",
    ".heic",
    ".heif",
    ".hif",
    ".svg",
    ".svgz",
    ".ico",
    ".cur",
    ".jxl",
)
#: Many pictures a file.
PACK_SUFFIXES = (".zip", ".wastickers")
#: What a page should let a person choose where one picture is wanted: packs too, since what is said about them is more
#: helpful than a file dialog that does not show them.
ACCEPTED_SUFFIXES = PICTURE_SUFFIXES + PACK_SUFFIXES
