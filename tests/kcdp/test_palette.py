from __future__ import annotations

import pytest

from kcdp.emotions import LABEL_SPACES
from kcdp.palette import EMOTION_STYLES, emotion_style, palette_css

PAPER, NIGHT = "#ffffff", "#211f28"


def contrast(one: str, two: str) -> float:
    """WCAG contrast ratio of two #rrggbb colours, 1 to 21."""

    def luminance(color: str) -> float:
        channels = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(two)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("space", LABEL_SPACES.values(), ids=lambda space: space.name)
def test_labels_of_a_space_differ_in_colour_and_in_shape(space) -> None:
    looks = [EMOTION_STYLES[label] for label in space.labels]
    for part in ("light", "dark", "glyph"):
        assert len({getattr(look, part) for look in looks}) == len(space)


@pytest.mark.parametrize("label", EMOTION_STYLES)
def test_colours_read_as_text_on_their_cards(label: str) -> None:
    style = EMOTION_STYLES[label]
    assert contrast(style.light, PAPER) >= 4.5
    assert contrast(style.dark, NIGHT) >= 4.5


def test_unknown_label_is_grey_and_css_has_both_themes() -> None:
    assert emotion_style("boredom").light == EMOTION_STYLES["neutral"].light
    light, dark = palette_css().split(".dark")
    assert f"--emotion-awe:{EMOTION_STYLES['awe'].light};" in light
    assert f"--emotion-awe:{EMOTION_STYLES['awe'].dark};" in dark
