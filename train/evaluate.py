"""Measure what has been trained: `python train/evaluate.py --config train/configs/mini.yaml --data FOLDER`.

The settings are those of `train/train.py` and a few more, below, which a configuration file has under `evaluation`. Tables
(Markdown), numbers (JSON) and figures (PNG) go to `output_dir/evaluation`; every single result is kept as soon as it is
there, so a killed evaluation goes on where it stopped, and one that is asked for again after more training measures again
only what has changed. Under `accelerate launch`, several processes share pictures out among them.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

# Of a script Python looks in its own folder first, where `train` would be train.py instead of the package.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kcdp.bundle import BundleError
from train.core.processes import process_group
from train.data.sets import SetError
from train.evaluation.arguments import EvaluationArguments
from train.evaluation.measures import MEASURES
from train.evaluation.run import EvaluationRun
from train.stages.registry import read_recipe


def _check(arguments: EvaluationArguments) -> None:
    """Raises ValueError for a measure or a row that there is not."""
    rows = {row for measure in MEASURES.values() for row in measure.methods}
    for asked, known in ((arguments.what, {*MEASURES, "all"}), (arguments.methods, rows)):
        unknown = [name for name in asked if name not in known]
        if unknown:
            raise ValueError(f"'{unknown[0]}' is not known here; choose from: {', '.join(sorted(known))}.")


def main(line: Sequence[str] | None = None) -> None:
    """Measure what the command line asks for; raises SystemExit with one sentence when it makes no sense."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    about = "\n".join(f"  {name}: {measure.about}" for name, measure in MEASURES.items())
    recipe = read_recipe(
        sys.argv[1:] if line is None else line,
        f"{__doc__}\nMeasures:\n{about}\n",
        short="evaluation",
        evaluation=EvaluationArguments,
    )
    arguments = recipe.evaluation
    try:
        _check(arguments)
        run = EvaluationRun(recipe, arguments)
    except ValueError as error:
        raise SystemExit(str(error)) from error
    try:
        with process_group():
            for name, measure in MEASURES.items():
                if name in arguments.what or ("all" in arguments.what and measure.in_all(run)):
                    measure.run(run)
    except (BundleError, FileNotFoundError, SetError) as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
