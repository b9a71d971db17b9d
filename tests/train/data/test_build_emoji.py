import json

import pyarrow.parquet as pq
import pytest
from PIL import Image

from train.data.build_emoji import COLUMNS, codepoint_of, main
from train.data.parquet import load_parquet

SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 36 36"><circle cx="18" cy="18" r="18" fill="{}"/></svg>'


def png(path, colour):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGBA", (128, 128), colour).save(path)


def svg(path, colour):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SVG.format(colour))


@pytest.fixture
def checkouts(tmp_path):
    png(tmp_path / "noto/png/128/emoji_u1f62d.png", "yellow")
    png(tmp_path / "noto/png/128/emoji_u1f468_200d_1f680.png", "navy")
    png(tmp_path / "noto/png/128/emoji_u1f1e6_1f1e8.png", "green")
    svg(tmp_path / "twemoji/assets/svg/2764-fe0f.svg", "red")
    png(tmp_path / "emojitwo/png/128/1f62d.png", "orange")
    png(tmp_path / "openmoji/128x128_png32/1F62D.png", "gold")
    assets = tmp_path / "fluent/assets"
    svg(assets / "Loudly crying face/Flat/loudly_crying_face_flat.svg", "yellow")
    svg(assets / "Loudly crying face/Color/loudly_crying_face_color.svg", "yellow")
    Image.new("RGBA", (256, 256), "yellow").save(assets / "Loudly crying face" / "a.png")
    png(assets / "Loudly crying face/3D/loudly_crying_face_3d.png", "yellow")
    svg(assets / "Raised hand/Dark/Flat/raised_hand_flat_dark.svg", "brown")
    svg(assets / "Raised hand/Default/Flat/raised_hand_flat_default.svg", "wheat")
    (assets / "Raised hand/metadata.json").write_text(json.dumps({"unicode": "270b"}))
    svg(assets / "Unheard of/Flat/unheard_of_flat.svg", "black")
    return tmp_path


def run(root, *vendors):
    out = root / "out" / "emoji.parquet"
    main([argument for vendor in vendors for argument in (f"--{vendor}", str(root / vendor))] + ["--out", str(out)])
    return out


def test_every_layout_is_read(checkouts):
    out = run(checkouts, "noto", "twemoji", "emojitwo", "openmoji", "fluent")
    rows = pq.read_table(out).to_pylist()
    assert {(row["vendor"], row["codepoint"]) for row in rows} == {
        ("noto", "1f62d"),
        ("noto", "1f468-200d-1f680"),
        ("twemoji", "2764"),
        ("emojitwo", "1f62d"),
        ("openmoji", "1f62d"),
        ("fluent_flat", "1f62d"),
        ("fluent_color", "1f62d"),
        ("fluent_3d", "1f62d"),
        ("fluent_flat", "270b"),
    }
    licenses = {row["vendor"]: row["license"] for row in rows}
    assert licenses["openmoji"] == "CC BY-SA 4.0"
    assert licenses["fluent_3d"] == "MIT"


def test_labels_come_from_the_table_and_the_loader_reads_the_file(checkouts):
    out = run(checkouts, "noto")
    row = next(row for row in pq.read_table(out).to_pylist() if row["codepoint"] == "1f62d")
    assert (row["name"], row["emotion"], row["split"]) == ("loudly crying face", "sadness", "train")
    assert "tear" in row["keywords"]
    assert pq.read_schema(out).names == ["image", *COLUMNS]
    record = load_parquet(out, "emoji")[0]
    assert record["domain"] == "emoji"
    assert record["image"].size == (128, 128)


def test_the_default_skin_tone_is_taken(checkouts):
    out = run(checkouts, "fluent")
    records = load_parquet(out, "emoji")
    hand = next(record for record in records if record["group"] == "emoji 270b")
    assert hand["image"].convert("RGB").getpixel((64, 64)) == (245, 222, 179)


def test_wrong_folders_end_with_one_sentence(checkouts, capsys):
    with pytest.raises(SystemExit):
        run(checkouts / "noto", "twemoji")
    assert "has no folder assets/svg; give a checkout" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run(checkouts)
    assert "No picture was found" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("stem", "codepoint"),
    [("emoji_u1f600", "1f600"), ("1F468-200D-2695-FE0F", "1f468-200d-2695"), ("emoji_u00a9", "a9")],
)
def test_codepoints_of_file_names(stem, codepoint):
    assert codepoint_of(stem) == codepoint
