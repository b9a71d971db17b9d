"""The page's words in five languages: fixed texts, which the browser translates, and sentences about results, which we do.

English stands in the code and is the key; `locales/LANGUAGE.json` has what it is in each other language. What a model writes
(captions, triplets) stays in English.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import gradio as gr

from kcdp.imaging import ACCEPTED_SUFFIXES

#: As browsers name them, English first.
LANGUAGES = ("en", "zh-CN", "zh-TW", "ja", "es")
#: Chinese that is written in traditional characters, by place or script.
_TRADITIONAL = ("zh-hant", "zh-tw", "zh-hk", "zh-mo")
_PAGE_SCRIPT = Path(__file__).with_name("page.js")
#: Before a text where Gradio looks it up. It also translates a component's value that is such a key, and would send the name of
#: an emotion back in the visitor's language.
_KEY = "kcdp:"
_LOCALES = Path(__file__).with_name("locales")


@cache
def texts(language: str) -> dict[str, str]:
    """Every English text of the page in one of `LANGUAGES`."""
    if language == LANGUAGES[0]:
        return {text: text for text in texts(LANGUAGES[1])}
    found: dict[str, str] = json.loads((_LOCALES / f"{language}.json").read_text(encoding="utf-8"))
    return found


@cache
def translations() -> gr.I18n:
    """What `launch` takes."""
    return gr.I18n(
        **{language: {_KEY + text: said for text, said in texts(language).items()} for language in LANGUAGES}
    )


def say(text: str) -> Any:
    """One of the page's texts, shown in the visitor's language; raises KeyError for one that has no translations.

    Some of Gradio's components take it, but are typed for texts alone; of each component Gradio translates one.
    """
    return translations()(_KEY + texts(LANGUAGES[0])[text])


class InputError(ValueError):
    """A value that cannot be used: one of the page's texts and its `values`, in English as any error's message.

    The value `name` is one of the page's texts itself, as a field is called.
    """

    def __init__(self, text: str, **values: object) -> None:
        super().__init__(text.format(**values))
        self.text, self.values = text, values


@dataclass(frozen=True)
class Tell:
    """Sentences about results in one language: `tell("Step {step} of {steps}.", step=3, steps=25)`."""

    language: str = LANGUAGES[0]

    def __call__(self, text: str, **values: object) -> str:
        """A text with its `values`; raises KeyError for one that has no translations."""
        return texts(self.language)[text].format(**values)

    def name(self, label: str) -> str:
        """The name of an emotion, or its gloss; as it is where a bundle has emotions of its own."""
        return texts(self.language).get(label, label)

    def error(self, error: Exception) -> str:
        """The sentence of an error; of one that has no translations in English, and this is said before it."""
        if isinstance(error, InputError):
            values = error.values
            named = {"name": self.name(str(values["name"]))} if "name" in values else {}
            return self(error.text, **values | named)
        sentence = str(error)
        if self.language == LANGUAGES[0] or sentence in texts(self.language):
            return self.name(sentence)
        return self("That did not work. The reason, in English: {sentence}", sentence=sentence)

    def quoted(self, text: object) -> str:
        """What a model or a visitor said, in quotation marks."""
        return (
            f"「{text}」"
            if self.language in ("zh-TW", "ja")
            else f"\N{LEFT DOUBLE QUOTATION MARK}{text}\N{RIGHT DOUBLE QUOTATION MARK}"
        )

    def join(self, names: list[str]) -> str:
        """One name, "a and b", or "a, b and c"."""
        if len(names) < 2:
            return "".join(names)
        comma = ", " if self.language in ("en", "es") else "、"
        return self("{some} and {last}", some=comma.join(names[:-1]), last=names[-1])

    def sentences(self, *parts: str) -> str:
        """Those that are not empty, one behind the other."""
        return (" " if self.language in ("en", "es") else "").join(filter(None, parts))


ENGLISH = Tell()


def on_open(component: gr.components.Component, update: Callable[[Tell], Any]) -> None:
    """Put into a component what `update` says in the visitor's language when the page opens.

    For what Gradio does not translate by itself: choices, and HTML with more than one text.
    """

    def translated(request: gr.Request) -> Any:
        tell = tell_in(request)
        return gr.skip() if tell == ENGLISH else update(tell)

    gr.on(fn=translated, outputs=component, show_progress="hidden", queue=False, api_visibility="private")


def tell_in(request: gr.Request | None) -> Tell:
    """In the language that a visitor's browser asks for."""
    headers = getattr(request, "headers", None)
    wanted = "" if headers is None else str(headers.get("accept-language") or "")
    names = [name.split(";")[0].strip() for name in wanted.split(",")]
    return Tell(next((found for name in names if (found := match(name))), LANGUAGES[0]))


def match(name: str) -> str | None:
    """The one of `LANGUAGES` that a browser means by a name such as zh-HK; None where we do not have it."""
    low = name.casefold()
    if low.startswith("zh"):
        return "zh-TW" if low.startswith(_TRADITIONAL) else "zh-CN"
    return next((one for one in LANGUAGES if one == low.split("-")[0]), None)


def head() -> str:
    """A script that gives the page its language, and what else Gradio leaves out."""
    script = _PAGE_SCRIPT.read_text(encoding="utf-8")
    values = {"LANGUAGES": LANGUAGES, "ACCEPTED": ",".join(("image/*", *ACCEPTED_SUFFIXES))}
    for name, value in values.items():
        script = script.replace(name, json.dumps(value), 1)
    return f"<script>{script}</script>"
