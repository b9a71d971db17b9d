from dataclasses import dataclass
from typing import Literal

import pytest
import yaml

from train.core.config import SettingError, help_text, read_settings, setting, validated


@dataclass
class Loop:
    """How long it trains."""

    steps: int = setting(10, "Optimizer steps.", "steps")
    betas: tuple[float, float] = setting((0.9, 0.99), "AdamW's decay rates.")
    ema_decay: float | None = setting(None, "Keep an average.")


@dataclass
class Part:
    """One part."""

    kind: Literal["a", "b"] = setting("a", "Which.")
    widths: tuple[int, ...] = setting((1, 2), "Widths.", "channels")
    on: bool = setting(True, "Whether.")
    loop: Loop = setting(Loop(), "Its loop.")


@dataclass
class Source:
    """Where a model is."""

    name: str = setting(help="A folder.")


@dataclass
class Root:
    """Everything."""

    names: list[str] = setting(["x"], "Names.")
    folder: str | None = setting(None, "A folder.")
    rate: float = setting(1.0, "A rate.", "per step")
    roots: dict[str, str] = setting({}, "Folders by name.")
    first: Part = setting(Part(), "A part.")
    second: Part = setting(Part(), "Another.")
    source: Source | None = setting(None, "A model.")


def test_values_come_to_the_types_of_their_fields():
    """YAML 1.1 reads 1e-3 as text, and tuples as lists."""
    given = yaml.safe_load("{rate: 1e-3, first: {widths: [3], loop: {steps: 1.0e+2, betas: [0.5, 1e-1]}}, folder: 12}")
    assert given["rate"] == "1e-3"
    found = validated(Root, given)
    assert found == Root(rate=1e-3, first=Part(widths=(3,), loop=Loop(100, (0.5, 0.1))), folder="12")
    assert isinstance(found.first.loop.steps, int)
    assert validated(Root, found) == found
    assert validated(Root, {}) == Root() and Root().first is not Root().first


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"nmaes": []}, r"^The setting 'nmaes' is unknown; nearest: 'names'; known: first, folder, names, "),
        ({"first": {"loop": {"step": 3}}}, r"'first\.loop\.step' is unknown; nearest: 'steps'; known: betas"),
        ({"first": {"qqqq": 3}, "rate": "x"}, r"'first\.qqqq' is unknown; known: kind, loop, on, widths\.$"),
        ({"first": {"loop": 3}}, r"'first\.loop' needs settings with names and values, not 3"),
        ({"first": None}, r"'first' needs settings"),
        ([1], r"needs settings with names and values, not \[1\]"),
        ({"first": {"loop": {"steps": 1.5}}}, r"'first\.loop\.steps' cannot be 1\.5: .*integer"),
        ({"first": {"loop": {"betas": [0.9]}}}, r"'first\.loop\.betas\.1' is missing"),
        ({"first": {"kind": "c"}}, r"'first\.kind' cannot be 'c': .*'a' or 'b'"),
        ({"first": {"on": "perhaps"}}, r"'first\.on' cannot be 'perhaps'"),
        ({"names": "x"}, r"'names' cannot be 'x': .*list"),
        ({"source": {}}, r"'source\.name' is missing"),
    ],
)
def test_what_a_setting_cannot_be_is_one_sentence(values, sentence):
    with pytest.raises(SettingError, match=sentence) as error:
        validated(Root, values)
    assert "\n" not in str(error.value)


def test_a_sentence_says_what_the_settings_belong_to():
    with pytest.raises(SettingError, match=r"'here\.there\.step' is unknown"):
        validated(Loop, {"step": 1}, "here.there")


def read(tmp_path, settings, *arguments, **options):
    path = tmp_path / "settings.yaml"
    path.write_text(settings if isinstance(settings, str) else yaml.safe_dump(settings))
    return read_settings(Root, ["--config", str(path), *arguments], "help", **options)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], Root(folder="here", first=Part(on=False))),
        (["--names", "a", "b"], Root(names=["a", "b"], folder="here", first=Part(on=False))),
        (["--names", "a"], Root(names=["a"], folder="here", first=Part(on=False))),
        (["--folder", "007"], Root(folder="007", first=Part(on=False))),
        (["--folder=null"], Root(first=Part(on=False))),
        (["--folder", "no"], Root(folder="no", first=Part(on=False))),
        (["--rate", "1e-3"], Root(rate=1e-3, folder="here", first=Part(on=False))),
        (["--roots.a", "there", "--roots.b=7"], Root(folder="here", roots={"a": "there", "b": "7"}, first=Part(on=False))),
        (["--first.loop.steps=9"], Root(folder="here", first=Part(on=False, loop=Loop(9)))),
        (["--first.widths", "[8, 16]"], Root(folder="here", first=Part(on=False, widths=(8, 16)))),
        (["--first.widths", "8", "16"], Root(folder="here", first=Part(on=False, widths=(8, 16)))),
        (["--first.on", "true"], Root(folder="here", first=Part())),
        (["--second.kind", "b"], Root(folder="here", first=Part(on=False), second=Part("b"))),
        (["--source.name", "m"], Root(folder="here", first=Part(on=False), source=Source("m"))),
        (["--source", "{name: m}"], Root(folder="here", first=Part(on=False), source=Source("m"))),
    ],
)  # fmt: skip
def test_the_command_line_has_the_last_word(tmp_path, arguments, expected):
    assert read(tmp_path, {"folder": "here", "first": {"on": False}}, *arguments) == expected


def test_a_nested_dataclass_may_need_no_prefix(tmp_path):
    assert read(tmp_path, {}, "--kind", "b", short="first") == Root(first=Part("b"))
    assert read(tmp_path, {}, "--loop.steps", "3", "--rate", "2", short="first") == Root(
        rate=2, first=Part(loop=Loop(3))
    )


@pytest.mark.parametrize(
    ("settings", "arguments", "sentence"),
    [
        ({}, ["--nmaes", "3"], r"'--nmaes' is unknown; did you mean '--names'\?"),
        ({}, ["--frist.kind", "a"], r"'--frist\.kind' is unknown; did you mean '--first\.kind'\?"),
        ({}, ["--rate.more", "a"], r"'--rate\.more' is unknown"),
        ({}, ["--rate"], r"'--rate' needs a value"),
        ({}, ["--rate", "1", "2"], r"'--rate' takes one value, not 1 2"),
        ({}, ["--first.loop.steps", "many"], r"'first\.loop\.steps' cannot be 'many'"),
        ({"nmaes": 1}, [], r"'nmaes' is unknown; nearest: 'names'"),
        ("[a, b]", [], r"needs settings with names"),
        ("first: {kind: a", [], r"is not a YAML file"),
    ],
)
def test_what_a_command_line_cannot_say_ends_it_with_one_sentence(tmp_path, settings, arguments, sentence):
    with pytest.raises(SystemExit, match=sentence) as error:
        read(tmp_path, settings, *arguments)
    assert "\n" not in str(error.value)


def test_a_stray_word_and_a_missing_file_are_one_sentence(tmp_path):
    with pytest.raises(SystemExit, match=r"'stray' is unknown"):
        read_settings(Root, ["stray"], None)
    with pytest.raises(SystemExit, match=r"no configuration file .*none\.yaml"):
        read_settings(Root, ["--config", str(tmp_path / "none.yaml")], None)


def test_help_has_every_setting_with_unit_and_default(capsys):
    with pytest.raises(SystemExit) as stopped:
        read_settings(Root, ["--help"], "What it is for.")
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith("What it is for.\n")
    assert "  --rate: A rate. [per step] Default: 1.0\n" in text
    assert "  --first.kind (a | b): Which. Default: a\n" in text
    assert "  --first.loop.steps: Optimizer steps. [steps] Default: 10\n" in text
    assert "source: A model.\n  --source.name: A folder. Required." in text
    # What two parts share stands once.
    assert text.count("Optimizer steps.") == 1 and "--second.*: as --first.*" in text
    assert "--kind (a | b)" in help_text(Root, None, "first")
