"""Settings as nested dataclasses: a YAML file says what differs from their defaults, the command line has the last word.

A setting is a field made by `setting`, with its help, unit and default; `validated` brings values to the fields' types, once,
and says in one sentence what is wrong with them; `read_settings` does so with a file and a command line.
"""

from __future__ import annotations

import copy
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, field, fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import yaml
from pydantic import ConfigDict, ValidationError, create_model

Settings = TypeVar("Settings")


class SettingError(ValueError):
    """A setting that cannot be; the message is one sentence that names it."""


def setting(default: Any = MISSING, help: str = "", unit: str = "") -> Any:
    """A dataclass field with its help and unit; without a default it has to be given."""
    metadata = {"help": help, "unit": unit}
    if isinstance(default, (list, dict)) or is_dataclass(default):
        return field(default_factory=lambda: copy.deepcopy(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def unknown(name: str, known: Sequence[str]) -> str:
    """What is said of a name that is none of the `known`: the nearest of them, and all."""
    nearest = get_close_matches(name, known, 1, 0.5)
    return "unknown; " + (f"nearest: '{nearest[0]}'; " if nearest else "") + f"known: {', '.join(sorted(known))}"


def validated(kind: type[Settings], values: Any, where: str = "") -> Settings:
    """The dataclass `kind` of `values`, nested mappings, each brought to its field's type: YAML reads 1e-3 as text.

    Raises SettingError for an unknown setting, a missing one or a value of another type; `where` is what they belong to.
    """
    model = create_model(
        kind.__name__, __config__=ConfigDict(extra="forbid", coerce_numbers_to_str=True), settings=(kind, ...)
    )
    try:
        return model(settings=values).settings
    except ValidationError as error:
        raise SettingError(_sentence(kind, error, where)) from None


def _sentence(kind: type, error: ValidationError, where: str) -> str:
    """One sentence of the first unknown setting or, if all are known, of the first that is wrong."""
    details = sorted(error.errors(), key=lambda one: one["type"] != "unexpected_keyword_argument")[0]
    path = [str(key) for key in details["loc"][1:]]
    name, value, reason = ".".join(filter(None, [where, *path])), details["input"], details["msg"]
    cause = details.get("ctx", {}).get("error")
    if isinstance(cause, SettingError):
        return str(cause)
    match details["type"]:
        case "unexpected_keyword_argument":
            return f"The setting '{name}' is {unknown(path[-1], _names(_type_at(kind, path[:-1])))}."
        case "missing":
            return f"The setting '{name}' is missing."
        case "dataclass_type" | "dict_type":
            return f"'{name}' needs settings with names and values, not {value!r}."
        case _:
            return f"The setting '{name}' cannot be {value!r}: {cause or reason.lower()}."


def _bare(kind: Any) -> Any:
    """A type without `Annotated` and `| None`."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) in (Union, UnionType):
        kinds = [one for one in get_args(kind) if one is not type(None)]
        return _bare(kinds[0]) if len(kinds) == 1 else kind
    return kind


def _names(kind: Any) -> list[str]:
    return [item.name for item in fields(_bare(kind))]


def _type_at(kind: Any, path: Sequence[str]) -> Any:
    """The type of the setting at a path; raises KeyError for a setting that there is not."""
    for key in path:
        kind = _bare(kind)
        if is_dataclass(kind):
            kind = get_type_hints(kind)[key]
        elif get_origin(kind) is dict:
            kind = get_args(kind)[1]
        else:
            raise KeyError(key)
    return _bare(kind)


def read_settings(
    kind: type[Settings], arguments: Sequence[str], description: str | None, short: str | None = None
) -> Settings:
    """The settings of the file after `--config`, with the other arguments on top: `--vae.loop.steps 5`, `--stages vae unet`.

    Args:
        kind: the dataclass of all settings.
        arguments: of the command line; `--help` prints every setting.
        description: printed above them.
        short: a nested dataclass whose settings need no prefix on the command line.

    Raises SystemExit with one sentence when the file is missing or no YAML, or for a setting that cannot be.
    """
    if {"-h", "--help"} & set(arguments):
        print(help_text(kind, description, short))
        raise SystemExit(0)
    try:
        words = list(_split(arguments))
        files = [values for name, values in words if name == "config"]
        settings = _file(Path(*files[-1])) if files else {}
        for name, values in words:
            if name != "config":
                _override(kind, settings, name, values, short)
        return validated(kind, settings)
    except ValueError as error:
        raise SystemExit(str(error)) from error


def _file(path: Path) -> dict[str, Any]:
    """The settings in a YAML file; raises SettingError when there are none."""
    if not path.is_file():
        raise SettingError(f"There is no configuration file {path}.")
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingError(f"{path} is not a YAML file: {' '.join(str(error).split())}.") from error
    if not isinstance(settings, dict):
        raise SettingError(f"{path} needs settings with names and values, as in train/configs/mini.yaml.")
    return settings


def _split(arguments: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Names and the words after them: `--name one two` or `--name=one`."""
    starts = [index for index, word in enumerate(arguments) if word.startswith("--")]
    if arguments and starts[:1] != [0]:
        raise SettingError(f"The argument '{arguments[0]}' is unknown; --help lists what there is.")
    for start, end in zip(starts, [*starts[1:], len(arguments)], strict=True):
        name, equals, value = arguments[start].removeprefix("--").partition("=")
        values = ([value] if equals else []) + list(arguments[start + 1 : end])
        if not values:
            raise SettingError(f"The argument '--{name}' needs a value.")
        yield name, values


def _override(kind: type, settings: dict[str, Any], name: str, words: list[str], short: str | None) -> None:
    """Put what the command line says of a setting into those of the file."""
    path = name.split(".")
    if short is not None and path[0] not in _names(kind):
        path = [short, *path]
    try:
        found = _type_at(kind, path)
    except (KeyError, TypeError):
        known = [".".join(one) for one, _ in _leaves(kind)] + _names(kind)
        known += [one.removeprefix(f"{short}.") for one in known]
        nearest = get_close_matches(name, known, 1, 0.5)
        hint = f"did you mean '--{nearest[0]}'? " if nearest else ""
        raise SettingError(f"The argument '--{name}' is unknown; {hint}--help lists what there is.") from None
    several = get_origin(found) in (list, tuple)
    inner = _bare(get_args(found)[0]) if several else found
    text = inner is str or get_origin(inner) is Literal
    if len(words) > 1 and not several:
        raise SettingError(f"The argument '--{name}' takes one value, not {' '.join(words)}.")
    values = [word if text and word != "null" and not word.startswith("[") else yaml.safe_load(word) for word in words]
    value = values if several and not (len(values) == 1 and isinstance(values[0], list | None)) else values[0]
    *parents, last = path
    for key in parents:
        inside = settings.get(key)
        settings[key] = dict(inside) if isinstance(inside, Mapping) else {}
        settings = settings[key]
    settings[last] = value


def _leaves(kind: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every setting that holds no others, as its path and field."""
    types = get_type_hints(kind)
    for item in fields(kind):
        inner = _bare(types[item.name])
        if is_dataclass(inner):
            yield from _leaves(inner, (*path, item.name))
        else:
            yield (*path, item.name), item


def help_text(kind: type, description: str | None, short: str | None = None) -> str:
    """Every setting with its help, unit and default; what several stages have in common stands once."""
    lines = [(description or "").strip(), "", "  --config FILE: a YAML file with any of these settings."]
    shown: dict[Any, str] = {}

    def section(inside: Any, path: tuple[str, ...]) -> None:
        types, nested = get_type_hints(inside), []
        for item in fields(inside):
            inner, name, about = _bare(types[item.name]), ".".join((*path, item.name)), item.metadata.get("help")
            if is_dataclass(inner):
                nested.append((inner, (*path, item.name), about or (inner.__doc__ or "").strip().splitlines()[0]))
                continue
            default = item.default if item.default_factory is MISSING else item.default_factory()
            choices = f" ({' | '.join(map(str, get_args(inner)))})" if get_origin(inner) is Literal else ""
            unit = f"[{item.metadata['unit']}]" if item.metadata.get("unit") else ""
            ending = "Required." if default is MISSING else f"Default: {'none' if default is None else default}"
            text = " ".join(filter(None, [f"--{name.removeprefix(f'{short}.')}{choices}:", about, unit, ending]))
            lines.extend(textwrap.wrap(text, 118, initial_indent="  ", subsequent_indent="      "))
        for inner, where, about in nested:
            name = ".".join(where)
            lines.extend(["", f"{name}: {about}"])
            if inner in shown:
                lines.append(f"  --{name}.*: as --{shown[inner]}.*")
                continue
            shown[inner] = name
            section(inner, where)

    section(kind, ())
    return "\n".join(lines)
