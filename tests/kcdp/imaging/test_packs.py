"""Packs of stickers as WhatsApp, LINE and people make them, and what is refused in them."""

from __future__ import annotations

import io
import json
import stat
import struct
import zipfile
import zlib

import pytest
from PIL import Image

from kcdp.imaging import ImageError, ImageLimits, load_frames
from kcdp.imaging.packs import PackLimits, open_pack
from tests.image_files import encoded
from tests.sticker_files import layer, lottie, square, zipped

PNG = encoded(Image.new("RGB", (16, 16), (220, 30, 40)), "PNG")
WEBP = encoded(Image.new("RGBA", (16, 16), (20, 160, 60, 90)), "WEBP", lossless=True)


def names(content, **options) -> list[str]:
    return [name for name, _ in open_pack(content, **options)]


def test_a_plain_archive_gives_every_picture_in_natural_order():
    files = {
        "pack/10.png": PNG,
        "pack/2.webp": WEBP,
        "pack/1.tgs": b"damaged, and given all the same",
        "pack/wave.json": lottie(layer(square((1, 0, 0)))),
        "pack/pack.json": json.dumps({"name": "cats"}).encode(),
        "pack/no suffix": PNG,
        "pack/readme.txt": b"cats",
        "pack/sound.m4a": b"\0\0\0\x1c",
        "__MACOSX/pack/._2.webp": b"\0\5\x16\7",
        "pack/.hidden.png": PNG,
    }
    found = dict(open_pack(zipped(files)))
    assert list(found) == ["pack/1.tgs", "pack/2.webp", "pack/10.png", "pack/no suffix", "pack/wave.json"]
    assert all(files[name] == content for name, content in found.items())
    assert load_frames(found["pack/10.png"])[0].getpixel((3, 3)) == (220, 30, 40)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_archives_are_read_however_they_are_compressed(method, tmp_path):
    path = tmp_path / "pack.zip"
    path.write_bytes(zipped({"b.png": PNG, "a.webp": WEBP}, method))
    for source in (path, str(path), path.read_bytes()):
        assert list(open_pack(source)) == [("a.webp", WEBP), ("b.png", PNG)]


def test_of_a_whatsapp_pack_the_stickers_are_given_and_not_its_icon():
    files = {"author.txt": b"me", "title.txt": b"cats", "icon.png": PNG, "12.webp": WEBP, "9.webp": WEBP}
    assert names(zipped(files)) == ["9.webp", "12.webp"]


def line_pack(*more: str) -> bytes:
    marks = [
        "tab_on@2x.png",
        "tab_off@2x.png",
        "preview@2x.png",
        "7_key@2x.png",
        "8_key@2x.png",
        "7@2x.png",
        "8@2x.png",
    ]
    return zipped({"productInfo.meta": b"{}", **dict.fromkeys([*marks, *more], PNG)})


def test_of_a_line_pack_tabs_keys_and_previews_are_left_out():
    assert names(line_pack()) == ["7@2x.png", "8@2x.png"]


def test_of_a_line_pack_animations_take_the_place_of_their_stills():
    assert names(line_pack("animation@2x/7@2x.png", "sound/7.m4a")) == ["8@2x.png", "animation@2x/7@2x.png"]
    assert names(line_pack("popup/7.png", "animation/7.png")) == ["8@2x.png", "animation/7.png"]
    assert names(line_pack("popup/8.png")) == ["7@2x.png", "popup/8.png"]


def test_of_a_pack_for_the_line_market_main_and_tab_are_left_out():
    assert names(zipped(dict.fromkeys(["main.png", "tab.png", "01.png", "02.png"], PNG))) == ["01.png", "02.png"]
    assert names(zipped(dict.fromkeys(["main.png", "01.png"], PNG))) == ["01.png", "main.png"], "tab.png alone tells"


def test_folders_of_windows_and_names_of_the_world():
    found = names(zipped({"котики\\кот 1.png": PNG, "猫/ねこ.png": PNG}))
    assert sorted(found) == sorted(["котики/кот 1.png", "猫/ねこ.png"])


def test_stickers_come_one_by_one():
    pack = open_pack(zipped({"1.png": PNG, "2.png": PNG}))
    assert next(pack) == ("1.png", PNG)
    pack.close()


def linked() -> bytes:
    entry = zipfile.ZipInfo("link.png")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(entry, "elsewhere.png")
    return buffer.getvalue()


def locked() -> bytes:
    """The mark of encryption on a file that is not."""
    content = bytearray(zipped({"a.png": PNG}))
    for signature, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.index(signature) + place] |= 1
    return bytes(content)


def understated() -> bytes:
    """A directory that says 100 bytes of a file that unpacks to 5000."""
    content = zipped({"a.png": bytes(5000)})
    return content.replace(struct.pack("<I", 5000), struct.pack("<I", 100))


def twice() -> bytes:
    buffer = io.BytesIO()
    with pytest.warns(UserWarning), zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.png", PNG)
        archive.writestr("a.png", WEBP)
    return buffer.getvalue()


ONE = zipped({"a.png": PNG})
STORED = zipped({"a.png": PNG}, zipfile.ZIP_STORED)
REFUSED = {
    "no archive": (PNG, {}, {}, "no ZIP archive"),
    "nothing": (b"", {}, {}, "no ZIP archive"),
    "nothing in it": (zipped({}), {}, {}, "no picture"),
    "no picture": (zipped({"a.txt": b"cats"}), {}, {}, "no picture"),
    "cut": (ONE[: len(ONE) // 2], {}, {}, "damaged or cut short"),
    "its end alone": (ONE[-60:], {}, {}, "damaged or cut short"),
    "a flipped bit": (STORED.replace(PNG, PNG[:30] + bytes([PNG[30] ^ 1]) + PNG[31:]), {}, {}, "damaged or cut short"),
    "leads up": (zipped({"../a.png": PNG}), {}, {}, "not safe, “../a.png”"),
    "leads up within": (zipped({"b/../../a.png": PNG}), {}, {}, "not safe"),
    "leads up on Windows": (zipped({"..\\a.png": PNG}), {}, {}, "not safe"),
    "from the root": (zipped({"/etc/a.png": PNG}), {}, {}, "not safe"),
    "from a drive": (zipped({"C:\\a.png": PNG}), {}, {}, "not safe"),
    "from home": (zipped({"~/a.png": PNG}), {}, {}, "not safe"),
    "control letters": (zipped({"a\n\x1b[1m.png": PNG}), {}, {}, "not safe"),
    "turned writing": (zipped({"a\u202egnp.exe.png": PNG}), {}, {}, "not safe"),
    "a long name": (zipped({"a" * 201: PNG}), {}, {}, "200 letters"),
    "twice": (twice, {}, {}, "two files of the name “a.png”"),
    "a link": (linked(), {}, {}, "link or device"),
    "locked": (locked(), {}, {}, "password"),
    "archive inside": (zipped({"a.png": PNG, "more/b.ZIP": ONE}), {}, {}, "another archive, “more/b.ZIP”"),
    "pack inside": (zipped({"a.png": PNG, "b.wastickers": ONE}), {}, {}, "another archive"),
    "files": (zipped({f"{n}.png": PNG for n in range(5)}), {"max_files": 4}, {}, "4 files"),
    "bytes": (ONE, {"max_bytes": len(ONE) - 1}, {}, "larger than"),
    "unpacked": (zipped({"a.png": bytes(900), "b.png": bytes(900)}), {"max_unpacked_bytes": 1700}, {}, "unpacks to more"),
    "one file": (zipped({"a.png": bytes(9000)}), {}, {"max_bytes": 8999}, "“a.png”"),
    "more than it says": (understated(), {}, {}, "damaged or cut short"),
    "more than it says, and too much": (understated(), {}, {"max_bytes": 99}, "“a.png”"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_gets_one_sentence(name):
    content, pack, limits, fault = REFUSED[name]
    with pytest.raises(ImageError) as caught:
        list(
            open_pack(
                content() if callable(content) else content, limits=ImageLimits(**limits), pack=PackLimits(**pack)
            )
        )
    message = str(caught.value)
    assert fault in message and message.startswith("The pack") and message.endswith(".") and message.isprintable()


def test_nothing_is_unpacked_before_the_limits_are_checked(monkeypatch):
    def inflate(*_, **__):
        raise AssertionError("unpacked")

    content = zipped({f"{n}.png": PNG for n in range(5)})
    monkeypatch.setattr(zlib, "decompressobj", inflate)
    for pack, limits in ({"max_files": 4}, {}), ({}, {"max_bytes": 10}), ({"max_unpacked_bytes": 10}, {}):
        with pytest.raises(ImageError):
            list(open_pack(content, pack=PackLimits(**pack), limits=ImageLimits(**limits)))


def test_files_are_named_in_the_sentence(tmp_path):
    path = tmp_path / "cats.zip"
    path.write_bytes(ONE[:50])
    with pytest.raises(ImageError, match=r"“cats\.zip” is damaged"):
        list(open_pack(path))
    with pytest.raises(ImageError, match=r"“dogs\.zip” was not found"):
        list(open_pack(tmp_path / "dogs.zip"))


def test_a_pack_where_one_picture_is_wanted_is_sent_to_the_tab_for_many(tmp_path):
    for kind in ("zip", "wastickers"):
        path = tmp_path / f"cats.{kind}"
        path.write_bytes(zipped({"1.webp": WEBP, "2.webp": WEBP}))
        with pytest.raises(ImageError) as caught:
            load_frames(path)
        assert str(caught.value).startswith(f"“cats.{kind}” is a ZIP archive")
        assert "the tab “Many pictures”" in str(caught.value)
    for name, fault in (
        ("cut", "The picture is damaged"),
        ("leads up", "not safe"),
        ("archive inside", "another archive"),
    ):
        with pytest.raises(ImageError, match=fault) as caught:
            load_frames(REFUSED[name][0])
        assert str(caught.value).startswith("The picture")
