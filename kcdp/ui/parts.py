"""What a tab gives the page around it: emotions to choose, a picture to fill, settings for links, results for the history."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import gradio as gr


@dataclass(frozen=True)
class Handover:
    """A button that takes a picture to another tab: its id, and what gives the picture's path from the values of `inputs`."""

    button: gr.Button
    tab_id: str
    picture: Callable[..., str | None]
    inputs: Sequence[gr.components.Component]


@dataclass(frozen=True)
class TabParts:
    """Parts of a tab that the page connects with others.

    Args:
        emotions: radio buttons, each of all emotions, or sliders, one an emotion.
        picture: where a picture from another tab goes.
        handovers: buttons that take a picture to another tab.
        settings: the inputs that a link restores, by their names in it.
        result: changes with every result to what the history keeps of it, see `history.note`.
    """

    emotions: Sequence[gr.Radio | gr.Slider] = ()
    picture: gr.Image | None = None
    handovers: Sequence[Handover] = ()
    settings: Mapping[str, gr.components.Component] = field(default_factory=dict)
    result: gr.State | None = None


#: Characters of a text that a link restores.
MAX_LINK_TEXT = 300
#: The names of the inputs of `setting_fields` in links.
SETTINGS = ("number", "seed", "guidance", "steps", "avoid")


def link(tab_id: str, values: Mapping[str, Any]) -> str:
    """The part of an address that opens a tab with settings; pictures and what is empty are left out."""
    plain = {name: value for name, value in values.items() if isinstance(value, str | int | float) and value != ""}
    return "?" + urlencode({"tab": tab_id} | plain)


def connect(app: gr.Blocks, group: gr.Tabs, tabs: Mapping[str, TabParts]) -> None:
    """Let the tabs of `group`, by their ids, take each other's pictures, and let a link restore a tab's settings when the page loads."""
    quick: dict[str, Any] = {"show_progress": "hidden", "queue": False, "api_visibility": "private"}
    for parts in tabs.values():
        for handover in parts.handovers:
            target = tabs.get(handover.tab_id, TabParts()).picture
            if target is None:
                continue

            def take(*values: Any, handover: Handover = handover) -> tuple[Any, Any]:
                path = handover.picture(*values)
                return (gr.skip(), gr.skip()) if path is None else (path, gr.Tabs(selected=handover.tab_id))

            handover.button.click(take, list(handover.inputs), [target, group], preprocess=False, **quick)
    fields = {
        (tab_id, name): component
        for tab_id, parts in tabs.items()
        for name, component in parts.settings.items()
        if not isinstance(component, gr.Image)
    }

    def restore(request: gr.Request) -> dict[Any, Any]:
        asked = dict(request.query_params)
        tab_id = asked.get("tab")
        # A number whose first value is None turns to 0 as soon as it is shown, one that was emptied does not.
        found: dict[Any, Any] = {one: None for one in fields.values() if isinstance(one, gr.Number)}
        if tab_id not in tabs:
            return found
        for (owner, name), component in fields.items():
            value = _restored(component, asked.get(name)) if owner == tab_id else None
            if value is not None:
                found[component] = value
        return {group: gr.Tabs(selected=tab_id)} | found

    app.load(restore, None, [group, *fields.values()], **quick)


def _restored(component: gr.components.Component, text: str | None) -> Any:
    """The value that a link has for an input; None where it has none, or one that the input does not take."""
    if text is None:
        return None
    if isinstance(component, gr.Slider | gr.Number):
        low, high = component.minimum, getattr(component, "maximum", None)
        try:
            number = float(text)
        except ValueError:
            return None
        if not math.isfinite(number) or (low is not None and number < low) or (high is not None and number > high):
            return None
        return int(number) if number.is_integer() else number
    if isinstance(component, gr.Radio):
        return text if text in [value for _, value in component.choices] else None
    return text[:MAX_LINK_TEXT]
