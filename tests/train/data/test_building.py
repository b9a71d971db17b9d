import io

import numpy as np
import pytest
from PIL import Image

from train.data.building import SIZE, BuildError, encode, render, write_parquet
from train.data.wording import read_table


def test_svg_keeps_its_proportions(tmp_path):
    path = tmp_path / "wide.svg"
    path.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20"><rect width="40" height="20" fill="red"/></svg>'
    )
    pixels = np.asarray(render(path))
    assert pixels.shape == (SIZE, SIZE, 4)
    assert (pixels[: SIZE // 4 - 1, :, 3] == 0).all()
    assert (pixels[SIZE // 4 + 1 : 3 * SIZE // 4 - 1] == (255, 0, 0, 255)).all()


def test_bitmaps_are_brought_to_size(tmp_path):
    Image.new("RGB", (256, 256), "blue").save(tmp_path / "a.png")
    assert (np.asarray(render(tmp_path / "a.png")) == (0, 0, 255, 255)).all()


@pytest.mark.parametrize("name", ["broken.svg", "broken.png"])
def test_broken_files_are_named(tmp_path, name):
    (tmp_path / name).write_text("<svg nope")
    with pytest.raises(BuildError, match=name):
        render(tmp_path / name)


def test_flat_pictures_are_kept_without_loss():
    picture = Image.new("RGBA", (SIZE, SIZE))
    picture.paste((250, 10, 90, 255), (20, 30, 70, 80))
    back = Image.open(io.BytesIO(encode(picture))).convert("RGBA")
    assert np.array_equal(np.asarray(back), np.asarray(picture))


def test_noisy_pictures_are_stored_small():
    picture = Image.effect_noise((SIZE, SIZE), 80).convert("RGBA")
    lossless = io.BytesIO()
    picture.save(lossless, format="WEBP", lossless=True)
    assert len(encode(picture)) < 0.9 * len(lossless.getvalue())


def test_tables_are_complete():
    emoji = read_table("emoji_labels.csv")
    assert len({row["codepoint"] for row in emoji}) == len(emoji)
    assert all(row["split"] == "train" for row in emoji if row["emotion"] is None)
    assert {row["emotion"] for row in read_table("cartoon_labels.csv")} <= {row["emotion"] for row in emoji}


def test_nothing_found_is_an_error(tmp_path):
    with pytest.raises(BuildError, match="No picture"):
        write_parquet([], {}, tmp_path / "x.parquet")
    assert not (tmp_path / "x.parquet").exists()
