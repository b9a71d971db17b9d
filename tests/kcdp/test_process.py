import gc
import importlib
import importlib.util
import subprocess
import sys

import pytest

from kcdp.process import settle, without_collections, without_modules


def test_a_module_is_not_to_be_found_inside_and_there_again_afterwards(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "tabnanny"]:
        monkeypatch.delitem(sys.modules, name)
    with without_modules("tabnanny"):
        assert importlib.util.find_spec("tabnanny") is None
        with pytest.raises(ImportError):
            importlib.import_module("tabnanny")
    assert importlib.import_module("tabnanny").check


def test_a_module_that_is_there_already_stays(monkeypatch):
    module = importlib.import_module("tabnanny")
    with without_modules("tabnanny"):
        assert importlib.import_module("tabnanny") is module
    assert sys.modules["tabnanny"] is module


def test_collections_rest_inside_and_stay_off_where_they_were():
    with without_collections(), without_collections():
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.disable()
    try:
        with without_collections():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_is_settled_is_not_collected_again():
    try:
        settle()
        assert gc.get_freeze_count() > 1000
    finally:
        gc.unfreeze()


@pytest.mark.skipif(sys.platform != "linux", reason="Other C libraries have no arenas.")
def test_threads_share_two_arenas():
    """Each arena that is not the first is a mapping of its own, aligned to 64 MB."""
    script = """
import re, sys, threading
from pathlib import Path
from kcdp.process import share_memory
if sys.argv[1] == "shared":
    share_memory()
kept, filled, done = [], threading.Barrier(7), threading.Event()
def work():
    kept.append([bytes(5000) for _ in range(200)])
    filled.wait()
    done.wait()
for _ in range(6):
    threading.Thread(target=work, daemon=True).start()
filled.wait()
starts = re.findall(r"^([0-9a-f]+)-", Path("/proc/self/maps").read_text(), re.MULTILINE)
print(sum(int(start, 16) % 2**26 == 0 for start in starts))
done.set()
"""
    found = [
        int(subprocess.run([sys.executable, "-c", script, how], capture_output=True, text=True, check=True).stdout)
        for how in ("shared", "alone")
    ]
    assert found[0] <= 1 < found[1], found


@pytest.mark.skipif(sys.platform != "linux", reason="Other C libraries keep what is freed in other ways.")
def test_memory_that_is_kept_faults_no_pages_again():
    script = """
import resource, sys
from kcdp.process import keep_memory
if sys.argv[1] == "kept":
    keep_memory()
def batch():
    return [bytearray(b"x") * 2**22 for _ in range(12)]
for _ in range(3):
    batch()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    batch()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    kept, alone = (
        int(subprocess.run([sys.executable, "-c", script, how], capture_output=True, text=True, check=True).stdout)
        for how in ("kept", "alone")
    )
    # A batch is 12,288 pages.
    assert kept < 1000 and alone > 20_000, (kept, alone)


def test_a_program_loads_and_reads_without_the_libraries_that_it_leaves_out():
    """Both are installed where the tests run: scipy by the training's requirements, triton by torch."""
    script = """
import sys
from argparse import Namespace
from kcdp.loading import load
bundle = load(Namespace(bundle=None, revision=None, device="cpu", dtype="float32", offload=None))
bundle.read("assets/examples/fear.png")
bundle.uniemo("awe", seed=1, num_inference_steps=1)
print(sorted({"scipy", "triton", "transformers"} & sys.modules.keys()))
import scipy.optimize
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "['transformers']"), done.stderr
