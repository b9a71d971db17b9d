"""Files that are no picture that can be read here: what they are, and what to do about it."""

from __future__ import annotations

#: What people upload instead of a picture: how it starts, what it is, what to do.
STRANGERS = (
    (rb"(?i)(\xef\xbb\xbf)?\s*(<\?xml|<!--|<!doctype svg).*<svg\b", "an SVG drawing", "export it as PNG"),
    (rb"(?i)(\xef\xbb\xbf)?\s*<svg\b", "an SVG drawing", "export it as PNG"),
    (rb"(?i)(\xef\xbb\xbf)?\s*<(!doctype html|html|head|body)\b", "a web page", "save the picture on it instead"),
    (rb'\s*\{.*"(tgs|layers|assets|ip|op|fr)"\s*:', "a Lottie animation", "export it as GIF, WebP or APNG"),
    (rb"....ftyp(hei[cmsx]|hev[cmsx]|mif1|msf1)", "a HEIC photo", "export it as JPEG or PNG"),
    (rb"....(ftyp|moov|mdat|wide)", "a video", "export a frame as PNG or a short part as GIF"),
    (
        rb"\x1a\x45\xdf\xa3|RIFF....AVI |\x00\x00\x01[\xb3\xba]|OggS|FLV\x01",
        "a video",
        "export a frame as PNG or a short part as GIF",
    ),
    (rb"%PDF", "a PDF document", "export the page as PNG"),
    (rb"%!PS|\xc5\xd0\xd3\xc6", "a PostScript drawing", "export it as PNG"),
    (rb"8BPS", "a Photoshop file", "export it as PNG"),
    (rb"\xff\x0a|\x00\x00\x00\x0cJXL ", "a JPEG XL picture", "export it as PNG or JPEG"),
    (rb"\x00\x00\x00\x0cjP  |\xff\x4f\xff\x51", "a JPEG 2000 picture", "export it as PNG or JPEG"),
    (rb"\x00\x00[\x01\x02]\x00[^\x00]\x00", "an icon or cursor file", "export it as PNG"),
    (rb"PK[\x03\x05]", "a ZIP archive", "unpack it and choose one picture, or export a .lottie animation as GIF"),
    (rb"Rar!|7z\xbc\xaf|\x1f\x8b|BZh|\xfd7zXZ", "an archive", "unpack it and choose one picture"),
)
