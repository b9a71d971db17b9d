"""What `accelerate launch` makes of our files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from accelerate.commands import launch
from accelerate.utils import prepare_deepspeed_cmd_env, prepare_multi_gpu_env

ROOT = Path(__file__).resolve().parents[2]
FILES = ROOT / "train" / "configs" / "accelerate"


@pytest.fixture
def launched(monkeypatch):
    """The launcher that accelerate chooses for one of our files, and its arguments."""
    calls = []
    for name in ("multi_gpu_launcher", "deepspeed_launcher", "simple_launcher"):
        monkeypatch.setattr(launch, name, lambda arguments, name=name: calls.append((name, arguments)))

    def started(name, *options):
        arguments = ["--config_file", str(FILES / f"{name}.yaml"), *options, "train/train.py"]
        launch.launch_command(launch.launch_command_parser().parse_args(arguments))
        return calls.pop()

    return started


def test_every_file_is_tested():
    assert {path.stem for path in FILES.iterdir()} == {"gpus", "cluster", "fsdp", "deepspeed"}


def test_one_machine_and_several_run_a_process_a_gpu(launched):
    launcher, one = launched("gpus", "--num_processes", "4")
    assert launcher == "multi_gpu_launcher"
    assert (one.num_processes, one.num_machines, one.mixed_precision) == (4, 1, "bf16")
    options = ["--machine_rank", "1", "--main_process_ip", "10.0.0.1", "--main_process_port", "29501"]
    launcher, several = launched("cluster", "--num_machines", "4", "--num_processes", "32", *options)
    assert launcher == "multi_gpu_launcher"
    prepare_multi_gpu_env(several)
    # What torch's launcher is told.
    assert (several.nproc_per_node, several.nnodes, several.node_rank) == ("8", "4", 1)
    assert (several.rdzv_endpoint, several.rdzv_backend) == ("10.0.0.1:29501", "static")


def test_shards_gather_a_stage_as_a_whole(launched):
    launcher, arguments = launched("fsdp")
    assert launcher == "multi_gpu_launcher"
    environment = prepare_multi_gpu_env(arguments)
    assert environment["ACCELERATE_USE_FSDP"] == "true"
    assert environment["FSDP_VERSION"] == "2"
    assert environment["FSDP_AUTO_WRAP_POLICY"] == "NO_WRAP"
    assert environment["FSDP_CPU_RAM_EFFICIENT_LOADING"] == "false"


def test_deepspeed_leaves_the_batch_to_the_loop(launched):
    launcher, arguments = launched("deepspeed")
    assert launcher == "deepspeed_launcher"
    _, environment = prepare_deepspeed_cmd_env(arguments)
    assert environment["ACCELERATE_DEEPSPEED_ZERO_STAGE"] == "2"
    assert "ACCELERATE_GRADIENT_ACCUMULATION_STEPS" not in environment
    assert "ACCELERATE_GRADIENT_CLIPPING" not in environment


def test_the_launcher_starts_processes_that_find_each_other(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        f"import json, sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        "from pathlib import Path\nfrom accelerate import PartialState\nfrom train.core.processes import distributed_map, process_group\n"
        "with process_group():\n"
        "    state = PartialState()\n"
        "    found = distributed_map(range(5), lambda number: (number, state.process_index), 'numbers')\n"
        f"    Path({str(tmp_path)!r}, f'{{state.process_index}}.json').write_text(json.dumps(found))\n"
    )
    command = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", FILES / "gpus.yaml"]
    command += ["--num_processes", "2", "--mixed_precision", "no", "--main_process_port", "0", script]
    subprocess.run(command, check=True, timeout=120, capture_output=True)
    for process in range(2):
        found = json.loads((tmp_path / f"{process}.json").read_text())
        assert found == [[number, number % 2] for number in range(5)]
