import json
import logging
from pathlib import Path

import pytest

from kcdp.bundle import load_bundle
from train.train import main

TINY = Path(__file__).resolve().parents[2] / "train" / "configs" / "tiny.yaml"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a whole run on drawn pictures."""
    folder = tmp_path_factory.mktemp("run")
    main(["--config", str(TINY), "--output_dir", str(folder)])
    return folder


def test_every_stage_leaves_its_weights_and_scores(run):
    for stage in ("vae", "text", "path", "labelled_path", "language", "unet", "kcdp"):
        assert (run / stage / "best").is_dir()
        assert json.loads((run / stage / "metrics.json").read_text())
    assert not list(run.rglob("*.part*"))


def test_the_bundle_recognises_a_picture(run, picture):
    pipeline = load_bundle(run / "bundle", device="cpu").kcdp
    found = pipeline(picture(50, "RGBA"))
    assert sum(found.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert pipeline.size == 32
    card = (run / "bundle" / "README.md").read_text()
    assert "Mikels-8" in card
    assert "drawn pictures" in card
    assert max(file.stat().st_size for file in (run / "bundle").rglob("*") if file.is_file()) < 10 * 2**20


def test_a_second_start_trains_nothing(run, caplog):
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*/best/**/*.safetensors")}
    assert before
    with caplog.at_level(logging.INFO):
        main(["--config", str(TINY), "--output_dir", str(run), "--stages", "vae", "kcdp"])
    assert "vae is already trained" in caplog.text
    assert "kcdp is already trained" in caplog.text
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_stage_needs_the_one_before(tmp_path):
    with pytest.raises(SystemExit, match="'vae' has to be trained first"):
        main(["--config", str(TINY), "--output_dir", str(tmp_path), "--stages", "language"])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--config", "none.yaml"], r"no configuration file none\.yaml"),
        (["--stages", "gan"], r"'gan' is not a stage; known stages: vae"),
        (["--kcdp.preset", "mine"], r"'kcdp\.preset' cannot be 'mine'"),
        (["--label_space", "Mikels"], r"'Mikels' is not a label space"),
        (["--epochs", "3"], r"'--epochs' is unknown"),
    ],
)
def test_what_makes_no_sense_ends_with_one_sentence(arguments, sentence):
    with pytest.raises(SystemExit, match=sentence) as error:
        main(arguments)
    assert "\n" not in str(error.value)
