"""A pipeline saved again over itself, with shards of another size, is the one that is loaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from diffusers import DiffusionPipeline

from kcdp.pipelines.kcdp import KCDPPipeline
from kcdp.pipelines.saving import remove_stale_weights
from kcdp.pipelines.uniemo import UniEmoPipeline
from tests.tiny_uniemo import tiny_uniemo

SMALL = "40KB"


@pytest.fixture(scope="module", params=["kcdp", "uniemo"])
def pipeline(request: pytest.FixtureRequest, kcdp: KCDPPipeline) -> DiffusionPipeline:
    return kcdp if request.param == "kcdp" else tiny_uniemo(kcdp)


def weights_of(pipeline: DiffusionPipeline) -> dict[str, torch.Tensor]:
    modules = {name: part for name, part in pipeline.components.items() if isinstance(part, torch.nn.Module)}
    return {f"{name}.{key}": value for name, part in modules.items() for key, value in part.state_dict().items()}


@pytest.mark.parametrize("sizes", [(SMALL, "5GB"), ("5GB", SMALL), (SMALL, "80KB")], ids=str)
def test_what_was_saved_last_is_loaded_and_nothing_else_is_there(
    pipeline: DiffusionPipeline, sizes: tuple[str, str], tmp_path: Path
) -> None:
    for size in sizes:
        pipeline.save_pretrained(tmp_path, max_shard_size=size)
    kind: type[KCDPPipeline | UniEmoPipeline] = type(pipeline)
    expected, found = weights_of(pipeline), weights_of(kind.from_pretrained(tmp_path))
    assert found.keys() == expected.keys()
    assert all(torch.equal(value, expected[name]) for name, value in found.items())
    pipeline.save_pretrained(tmp_path / "fresh", max_shard_size=sizes[1])
    fresh = {path.relative_to(tmp_path / "fresh") for path in (tmp_path / "fresh").rglob("*") if path.is_file()}
    # The parser's own files are no weights.
    kept = {path.relative_to(tmp_path) for path in tmp_path.rglob("*.safetensors*") if "fresh" not in path.parts}
    assert kept == {path for path in fresh if ".safetensors" in path.name}
    assert any("-of-" in path.name for path in kept) == (sizes[1] != "5GB")


def test_an_index_goes_when_a_shard_is_missing_and_the_one_file_when_none_is(tmp_path: Path) -> None:
    (tmp_path / "unet").mkdir()
    index, one = tmp_path / "unet/model.safetensors.index.json", tmp_path / "unet/model.safetensors"
    shards = [tmp_path / f"unet/model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    for file in (*shards, one):
        file.write_bytes(b"weights")
    index.write_text(json.dumps({"weight_map": {"a": shards[0].name, "b": shards[1].name}}))
    remove_stale_weights(tmp_path)
    assert index.exists() and all(shard.exists() for shard in shards) and not one.exists()
    one.write_bytes(b"weights")
    shards[1].unlink()
    remove_stale_weights(tmp_path)
    assert one.exists() and not index.exists()
