"""Train the stages of a bundle: `accelerate launch train/train.py --config train/configs/mini.yaml`.

Stages run in the order of the configuration and each can be killed and started again: a finished one is skipped, a
half-finished one goes on from its last checkpoint. Every setting of the file can be overridden on the command line
(`--output_dir runs/again --stages kcdp`). The bundle, ready for `kcdp.load_bundle`, ends up in `output_dir/bundle`.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import yaml
from transformers import HfArgumentParser

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from train.recipe import Recipe
from train.stages import STAGES


def parse_arguments(arguments: list[str]) -> Recipe:
    """The recipe of `--config`, with what else the command line says on top.

    Raises SystemExit with one sentence when the file is missing or names an unknown setting.
    """
    parser = HfArgumentParser(Recipe, description=__doc__)
    if "--config" not in arguments:
        return parser.parse_args_into_dataclasses(arguments)[0]
    position = arguments.index("--config")
    if position + 1 >= len(arguments):
        raise SystemExit("--config needs the path of a YAML file, for example train/configs/mini.yaml.")
    path = Path(arguments[position + 1])
    if not path.is_file():
        raise SystemExit(f"There is no configuration file {path}.")
    settings = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    unknown = sorted(set(settings) - {field for field in Recipe.__dataclass_fields__})
    if unknown:
        raise SystemExit(f"{path} has the unknown setting '{unknown[0]}'.")
    parser.set_defaults(**settings)
    rest = arguments[:position] + arguments[position + 2 :]
    return parser.parse_args_into_dataclasses(rest)[0]


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    recipe = parse_arguments(sys.argv[1:])
    unknown = [name for name in recipe.stages if name not in STAGES]
    if unknown:
        raise SystemExit(f"'{unknown[0]}' is not a stage; known stages: {', '.join(STAGES)}.")
    for name in recipe.stages:
        STAGES[name](recipe)


if __name__ == "__main__":
    main()
