"""Command lines over YAML files: dataclasses say what there is, the file says what is different, the line has the last word."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, get_type_hints

import yaml
from pydantic import TypeAdapter, ValidationError
from transformers import HfArgumentParser

Settings = TypeVar("Settings")


def filled(kind: type[Settings], values: Mapping[str, Any], where: str = "") -> Settings:
    """The dataclass `kind` with `values`, each brought to its field's type: YAML reads 1e-3 as text, and tuples as lists.

    Raises ValueError with one sentence for an unknown setting, a missing one or a value of another type; `where` is what
    the setting belongs to.
    """
    prefix = where and f"{where}."
    if not isinstance(values, Mapping):
        raise ValueError(f"'{where}' needs settings with names and values, not {values!r}.")
    known = sorted(item.name for item in fields(kind))
    unknown = [str(name) for name in values if name not in known]
    if unknown:
        raise ValueError(f"The setting '{prefix}{unknown[0]}' is unknown; known: {', '.join(known)}.")
    required = [item.name for item in fields(kind) if item.default is MISSING and item.default_factory is MISSING]
    missing = [name for name in required if name not in values]
    if missing:
        raise ValueError(f"The setting '{prefix}{missing[0]}' is missing.")
    # Not the types in `fields`: HfArgumentParser overwrites those with what argparse understands.
    types, checked = get_type_hints(kind, include_extras=True), {}
    for name, value in values.items():
        try:
            checked[name] = TypeAdapter(types[name]).validate_python(value)
        except ValidationError as error:
            reason = error.errors()[0]["msg"]
            raise ValueError(f"The setting '{prefix}{name}' cannot be {value!r}: {reason.lower()}.") from None
    return kind(**checked)


def parse(
    kinds: tuple[type, ...],
    arguments: Sequence[str],
    description: str | None,
    sections: Mapping[str, type] = MappingProxyType({}),
) -> tuple[Any, ...]:
    """One instance of each dataclass of `kinds`, from the file after `--config`, with the other arguments on top.

    What is a dictionary in the file is overridden entry by entry: `--vae.loop.steps 5`. `sections` are kinds whose
    settings stand together in the file, under these names.

    Raises SystemExit with one sentence when the file is missing or no YAML, or for a setting that is unknown or of
    another type.
    """
    config = ArgumentParser(add_help=False, allow_abbrev=False)
    config.add_argument("--config", type=Path, metavar="FILE", help="YAML file with any of these settings.")
    parser = HfArgumentParser(kinds, description=description, parents=[config], allow_abbrev=False)
    try:
        path = config.parse_known_args(arguments)[0].config
        if path is not None:
            settings = _read(path, kinds)
            parser.set_defaults(**settings)
            for name, kind in sections.items():
                parser.set_defaults(**vars(filled(kind, settings.get(name, {}), name)))
        *found, rest = parser.parse_args_into_dataclasses(
            list(arguments), return_remaining_strings=True, look_for_args_file=False
        )
        parsed = found[: len(kinds)]
        _override(parsed, rest)
        return tuple(filled(type(one), vars(one)) for one in parsed)
    except ValueError as error:
        raise SystemExit(str(error)) from error


def _read(path: Path, kinds: tuple[type, ...]) -> dict[str, Any]:
    """The settings in a YAML file; raises ValueError when there is none, or for a setting that no kind has."""
    if not path.is_file():
        raise ValueError(f"There is no configuration file {path}.")
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not a YAML file: {' '.join(str(error).split())}.") from error
    if not isinstance(settings, dict):
        raise ValueError(f"{path} needs settings with names and values, as in train/configs/mini.yaml.")
    known = {field.name for kind in kinds for field in fields(kind)}
    unknown = [name for name in settings if name not in known]
    if unknown:
        raise ValueError(f"{path} has the unknown setting '{unknown[0]}'; known: {', '.join(sorted(known))}.")
    return settings


def _override(parsed: Sequence[Any], rest: list[str]) -> None:
    """Put `--name.entry value` or `--name.entry=value` into the dictionaries of `parsed`; a value is read as YAML."""
    while rest:
        name, given, value = rest.pop(0).partition("=")
        first, *path, last = name.removeprefix("--").split(".") if "." in name else (name, "")
        settings = next((getattr(one, first) for one in parsed if hasattr(one, first)), None)
        for key in path:
            settings = settings.setdefault(key, {}) if isinstance(settings, dict) else None
        if not name.startswith("--") or not isinstance(settings, dict):
            raise ValueError(f"The argument '{name}' is unknown; --help lists what there is.")
        if not given:
            if not rest:
                raise ValueError(f"The argument '{name}' needs a value.")
            value = rest.pop(0)
        settings[last] = yaml.safe_load(value)
