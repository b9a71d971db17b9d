"""A build of this repository in a process of its own, which does what it is asked and says how long it took.

    PYTHONPATH=TREE python train/benchmarks/worker.py CLOCK THREADS

The tree may be one of long ago: what is asked for is done in the way that its code has for it. A request and an answer are a line
of JSON each.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any


def main() -> None:
    clock, threads = sys.argv[1:]
    now = {"wall": time.perf_counter, "cpu": time.process_time}[clock]
    # What this process prints, or its libraries, must not come between the answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    start = now() if clock == "wall" else 0.0
    import torch

    if int(threads):
        torch.set_num_threads(int(threads))
    from kcdp import load_bundle

    bundle: Any = load_bundle()

    def read(picture: str, attention: bool) -> object:
        if hasattr(bundle, "read"):
            return bundle.read(picture, attention=attention).to_dict()
        # Before there were verdicts, and maps that could be left out.
        return bundle.kcdp(picture).to_dict(), bundle.uniemo.understand(picture).to_dict()

    def paint(emotion: str, seed: int, steps: int | None) -> object:
        bundle.uniemo.set_progress_bar_config(disable=True)
        return bundle.uniemo(emotion, seed=seed, **({} if steps is None else {"num_inference_steps": steps})).seeds

    works = {"read": read, "paint": paint}
    for line in sys.stdin:
        request = json.loads(line)
        work, begin = works[request.pop("work")], now()
        result = work(**request)
        end = now()
        print(
            json.dumps({"seconds": end - begin, "until_now": end - start, "result": result}), file=answers, flush=True
        )


if __name__ == "__main__":
    main()
