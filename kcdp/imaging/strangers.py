"""Files that are no picture that can be read here: what they are, and what to do about it."""

from __future__ import annotations

#: What people upload instead of a picture: how it starts, what it is, what to do.
STRANGERS = (
    (rb"(?i)(\xef\xbb\xbf)?\s*<(!doctype html|html|head|body)\b", "a web page", "save the picture on it instead"),
    (
        rb"RIFF....AVI |\x00\x00\x01[\xb3\xba]|OggS|FLV\x01",
        "a video",
        "convert it to MP4 or WebM",
    ),
    (rb"%PDF", "a PDF document", "export the page as PNG"),
    (rb"%!PS|\xc5\xd0\xd3\xc6", "a PostScript drawing", "export it as PNG"),
    (rb"8BPS", "a Photoshop file", "export it as PNG"),
    (rb"\x00\x00\x00\x0cjP  |\xff\x4f\xff\x51", "a JPEG 2000 picture", "export it as PNG or JPEG"),
    (rb"Rar!|7z\xbc\xaf|\x1f\x8b|BZh|\xfd7zXZ", "an archive", "unpack it and choose one picture"),
)
