"""Train the stages of a bundle: `accelerate launch train/train.py --config train/configs/mini.yaml`.

Stages run in the order of the configuration and each can be killed and started again: a finished one is skipped, a
half-finished one goes on from its last checkpoint. Every setting of the file can be overridden on the command line
(`--output_dir runs/again --stages kcdp --kcdp.loop.steps 500`). The bundle, ready for `kcdp.load_bundle`, ends up in
`output_dir/bundle`.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

# Of a script Python looks in its own folder first, where `train` would be train.py instead of the package.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kcdp.process import keep_memory
from train.core.processes import process_group
from train.data.sets import SetError
from train.evaluation.arguments import EvaluationArguments
from train.stages.registry import STAGES, check, read_recipe


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the stages that the command line asks for; raises SystemExit with one sentence when it makes no sense."""
    keep_memory()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    # Six lines a checkpoint.
    logging.getLogger("accelerate").setLevel(logging.WARNING)
    line = sys.argv[1:] if arguments is None else arguments
    recipe = read_recipe(line, __doc__, evaluation=EvaluationArguments)
    try:
        check(recipe)
    except ValueError as error:
        raise SystemExit(str(error)) from error
    try:
        with process_group():
            for name in recipe.stages:
                STAGES[name].run(recipe)
    except SetError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
