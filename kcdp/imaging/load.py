"""Any upload to RGB frames, or one sentence that says why not."""

from __future__ import annotations

import os
import re
import stat
import threading
import unicodedata
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from kcdp.imaging.limits import DEFAULT_LIMITS, ImageError, ImageLimits

if TYPE_CHECKING:
    import torch

#: What transparent pictures lie on: a light neutral grey, on which a white sticker still has an outline and black line
#: art stays legible, and which few pictures have as a colour of their own.
GROUND = (245, 245, 245)

#: Pillow's names of what may be uploaded. Nothing else is tried: some of its other readers start programs or are rarely
#: used, and what is rarely used is rarely safe.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "AVIF", "BMP", "TIFF")
_READABLE = "use PNG, JPEG, WebP, GIF, AVIF, BMP or TIFF"

#: Formats whose frames are an animation; the pages of a TIFF and the previews beside a JPEG are not.
_ANIMATED = ("PNG", "WEBP", "GIF", "AVIF")

#: First bytes of the formats above, for the sentence about one that is so damaged that Pillow does not know it.
_SIGNATURES = {
    "PNG": rb"\x89PNG",
    "JPEG": rb"\xff\xd8\xff",
    "WebP": rb"RIFF....WEBP",
    "GIF": rb"GIF8[79]a",
    "AVIF": rb"....ftyp.{0,56}avi[fs]",
    "BMP": rb"BM.{4}\x00{4}",
    "TIFF": rb"II[*+]\x00|MM\x00[*+]",
}

#: What people upload instead of a picture: how it starts, what it is, what to do.
_STRANGERS = (
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

#: How to turn a picture upright, by its EXIF orientation; 1 is upright.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def load_frames(source: Image.Image | str | Path | bytes, *, limits: ImageLimits = DEFAULT_LIMITS) -> list[Image.Image]:
    """The frames of a picture, upright, opaque on `GROUND`, in RGB and of their own size.

    A still gives one frame, an animated PNG, WebP, GIF or AVIF `limits.sampled_frames` or fewer: of n frames the ones
    at (i + 1/2) n / sampled, so neither the first nor the last, which are often blank. `source` is a PIL picture, a
    path, or the bytes of a file; a PIL picture is left at the frame where it stood.

    Raises ImageError, with one sentence, for everything that is not a usable picture.
    """
    if isinstance(source, Image.Image):
        with _pillow("The picture"):
            position = source.tell()
            try:
                return _decode(source, limits, "The picture")
            finally:
                with suppress(EOFError, ValueError):
                    source.seek(position)
    if isinstance(source, bytes):
        data, name = source, "The picture"
    else:
        path, name = _checked_path(source)
        data = _read(path, name, limits)
    if not data:
        raise ImageError(f"{name} is empty; choose a file that holds a picture.")
    if len(data) > limits.max_bytes:
        raise ImageError(
            f"{name} is too large, more than the {limits.max_bytes / 2**20:.3g} MB allowed; save it smaller."
        )
    with _pillow(name, data):
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            _check_size(image.size, limits, name)
            if image.format == "PNG":
                # Pillow skips the checksums of the pixels, and would show flipped bits as coloured noise.
                image.verify()
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            return _decode(image, limits, name)


def flatten(image: Image.Image, ground: tuple[int, int, int] = GROUND) -> Image.Image:
    """A picture of any mode in RGB, what is transparent laid on `ground` (0 to 255).

    Numbers of more than 8 bits are scaled: modes I and F by the smallest of 1 (F only), 255 and 65535 that holds them
    all, or from lowest to highest when none does. Raises ImageError for pixels that are not finite numbers.
    """
    if image.mode == "RGB" and not image.has_transparency_data:
        return image
    if image.mode == "F" or image.mode.startswith("I"):
        image = _to_8_bit(image)
    elif image.mode == "LAB":
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    if image.mode == "La":
        image = image.convert("LA")
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, (*ground, 255)), image).convert("RGB")


def fit_square(image: Image.Image, size: int, ground: tuple[int, int, int] = GROUND) -> Image.Image:
    """The whole picture inside a square of `size` pixels, RGB; stickers lose their point when their rim is cropped.

    The longer side is resized to `size` (Lanczos), the rest is `ground`. What is transparent is laid on `ground` before
    the resize, so that colours hidden under it cannot bleed into the rim.
    """
    image = flatten(image, ground)
    scale = size / max(image.size)
    inner = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    if image.size != inner:
        image = image.resize(inner, Image.Resampling.LANCZOS, reducing_gap=3.0)
    if inner == (size, size):
        return image
    square = Image.new("RGB", (size, size), ground)
    square.paste(image, ((size - inner[0]) // 2, (size - inner[1]) // 2))
    return square


def to_tensor(images: Sequence[Image.Image], size: int) -> torch.Tensor:
    """Pictures as a float tensor (B, 3, size, size) in [-1, 1], each fitted into its square on `GROUND`.

    Raises ValueError when there is none.
    """
    import torch  # here, so that the app's page does not wait for it

    if not images:
        raise ValueError("There is no picture to turn into a tensor; give at least one.")
    pixels = torch.from_numpy(np.stack([np.asarray(fit_square(image, size)) for image in images]))
    return pixels.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format).div_(127.5).sub_(1)


def to_pictures(pixels: torch.Tensor) -> list[Image.Image]:
    """RGB pictures from a tensor (B, 3, H, W); its values in [-1, 1], those outside clipped. Inverse of `to_tensor`."""
    levels = pixels.detach().float().clamp(-1, 1).add(1).mul(127.5).round().byte()
    return [Image.fromarray(picture) for picture in levels.permute(0, 2, 3, 1).cpu().numpy()]


# One at a time: Python's warning filters belong to the whole process, and two threads would restore each other's.
_pillow_lock = threading.Lock()


@contextmanager
def _pillow(name: str, data: bytes = b"") -> Iterator[None]:
    """Pillow without warnings, and whatever it raises about the picture `name` with content `data` as ImageError."""
    with _pillow_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except ImageError:
            raise
        except UnidentifiedImageError:
            raise ImageError(f"{name} {_why_unknown(data)}.") from None
        except Image.DecompressionBombError:
            raise ImageError(f"{name} has far too many pixels; scale it down first.") from None
        except Exception as error:
            # Decoders answer hostile bytes with anything, from SyntaxError to struct.error and OverflowError.
            if "closed" in str(error):
                raise ImageError(f"{name} was closed before it was read; give its path instead.") from error
            raise ImageError(f"{name} is damaged or cut short; save or download it again.") from error


def _decode(image: Image.Image, limits: ImageLimits, name: str) -> list[Image.Image]:
    """`load_frames` of an opened picture."""
    _check_size(image.size, limits, name)
    count = image.n_frames if image.format in _ANIMATED else 1
    if count == 1:
        return [_frame(image)]
    if count > limits.max_frames:
        raise ImageError(
            f"{name} has {count} frames, more than the {limits.max_frames} allowed; shorten the animation."
        )
    if count * image.width * image.height > limits.max_animation_pixels:
        raise ImageError(
            f"{name} has {count} frames of {image.width} x {image.height} pixels, too much to decode; "
            "scale the animation down or shorten it."
        )
    # An animated PNG may start with a picture for programs that show no animations, which is not part of it.
    first = 1 if getattr(image, "default_image", False) else 0
    sampled = min(count - first, limits.sampled_frames)
    frames = []
    for number in range(sampled):
        image.seek(first + (2 * number + 1) * (count - first) // (2 * sampled))
        # A later frame of a GIF may reach over the size in its header.
        _check_size(image.size, limits, name)
        frames.append(_frame(image))
    return frames


def _check_size(size: tuple[int, int], limits: ImageLimits, name: str) -> None:
    width, height = size
    if width * height == 0:
        raise ImageError(f"{name} has no pixels ({width} x {height}); choose another one.")
    if width * height > limits.max_pixels:
        raise ImageError(
            f"{name} has too many pixels, {width} x {height} where {limits.max_pixels / 1e6:.3g} million are allowed; "
            "scale it down first."
        )
    if min(size) < limits.min_side:
        raise ImageError(
            f"{name} is too small, {width} x {height} pixels; each side needs at least {limits.min_side} pixels."
        )
    if max(size) > limits.max_aspect * min(size):
        raise ImageError(
            f"{name} is too narrow a strip, {width} x {height} pixels; crop it to at most {limits.max_aspect:g} : 1."
        )


def _frame(image: Image.Image) -> Image.Image:
    """The frame at which `image` stands, upright, opaque, RGB, a copy of its own."""
    image.load()
    orientation = None
    with suppress(Exception):  # broken EXIF is common, and no reason to refuse a picture
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    upright = _UPRIGHT.get(orientation)
    frame = flatten(image)
    if upright is not None:
        frame = frame.transpose(upright)
    # A bare copy: metadata that stayed would turn the frame again, or keep the whole file in memory.
    copy = Image.new("RGB", frame.size)
    copy.paste(frame)
    return copy


def _to_8_bit(image: Image.Image) -> Image.Image:
    """Greys of 16-bit, 32-bit or float modes as L, or as LA where one grey is declared transparent."""
    values = np.asarray(image).astype(np.float64)
    if not np.isfinite(values).all():
        raise ImageError("The picture has pixels that are not finite numbers (NaN or infinity); save it as 8-bit PNG.")
    low, high = float(values.min()), float(values.max())
    fulls = (
        (65535.0,)
        if image.mode.startswith("I;16")
        else (1.0, 255.0, 65535.0)
        if image.mode == "F"
        else (255.0, 65535.0)
    )
    full = next((full for full in fulls if low >= 0 and high <= full), None)
    if full is None:
        levels = (values - low) * (255 / max(high - low, np.finfo(np.float64).tiny))
    else:
        levels = values * (255 / full)
    grey = Image.fromarray(levels.round().astype(np.uint8))
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        grey.putalpha(Image.fromarray(np.where(values == clear, 0, 255).astype(np.uint8)))
    return grey


def _checked_path(source: object) -> tuple[Path, str]:
    """The path that `source` is, and the name of its file for messages."""
    if source is None:
        raise ImageError("There is no picture; choose one first.")
    if not isinstance(source, (str, os.PathLike)):
        kind = type(source).__name__
        raise ImageError(f"A picture cannot be of type {kind}; give a PIL picture, a path, or the bytes of a file.")
    text = os.fspath(source)
    if not isinstance(text, str):
        raise ImageError("A path of bytes cannot be told from the bytes of a picture; give the path as text.")
    if not text.strip():
        raise ImageError("The path is empty; choose a picture first.")
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://|data:", text):
        raise ImageError("The picture is a link, and nothing is downloaded here; download it first and give the file.")
    return Path(text), _quoted(Path(text).name or text)


def _quoted(text: str) -> str:
    """A file's name fit for one line of a message."""
    shown = "".join(
        "?" if unicodedata.category(letter).startswith(("C", "Z")) and letter != " " else letter for letter in text
    )
    return f"“{shown if len(shown) <= 60 else shown[:40] + '…' + shown[-19:]}”"


def _read(path: Path, name: str, limits: ImageLimits) -> bytes:
    """The content of a file, at most one byte more than is allowed."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise ImageError(f"{name} is a folder; choose one picture in it.")
        if not stat.S_ISREG(mode):
            raise ImageError(f"{name} is not a file but a device or pipe; choose a picture file.")
        with path.open("rb") as file:
            return file.read(limits.max_bytes + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise ImageError(f"{name} was not found; check the path.") from None
    except PermissionError:
        raise ImageError(f"{name} may not be read; change its permissions or copy it elsewhere.") from None
    except OSError as error:
        raise ImageError(f"{name} could not be read ({error.strerror}); check the path and the disk.") from error
    except ImageError:
        raise
    except ValueError:
        raise ImageError(f"{name} is not a possible path; check its characters.") from None


def _why_unknown(data: bytes) -> str:
    """What a file is that no allowed reader knows, and what to do about it, to follow the name in a sentence."""
    head = data[:4096]
    if head.startswith(b"\x1f\x8b"):
        with suppress(zlib.error):
            unpacked = zlib.decompressobj(wbits=31).decompress(data, 4096)
            if _matches(rb"\s*[{<]", unpacked):
                head = unpacked
    for format_name, signature in _SIGNATURES.items():
        if _matches(signature, head):
            return f"is a {format_name} file, but damaged or cut short; save or download it again"
    for signature, what, remedy in _STRANGERS:
        if _matches(signature, head):
            return f"is {what}, which cannot be read here; {remedy}"
    if not head.strip(b"\0"):
        return "holds nothing but zeros; save or download it again"
    if _matches(rb"[\t\n\f\r\x20-\x7e\x80-\xff]+\Z", head):
        return f"is a text file and not a picture; {_READABLE}"
    return f"is not in a picture format that can be read here; {_READABLE}"


def _matches(pattern: bytes, head: bytes) -> bool:
    return re.match(pattern, head, re.DOTALL) is not None
