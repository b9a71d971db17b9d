"""The look of the whole app: one Gradio theme, one style sheet, the emotions' colours; nothing is fetched from afar."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from kcdp.palette import palette_css

STYLE_SHEET = Path(__file__).with_name("style.css")


def css() -> str:
    """The style sheet of the charts and the page, after the emotions' colours it builds on."""
    return palette_css() + STYLE_SHEET.read_text(encoding="utf-8")


def theme() -> gr.themes.Base:
    """Warm paper and ink by day, deep plum by night; fonts that Gradio serves itself."""
    ink = gr.themes.Color(
        name="ink",
        c50="#faf8f5",
        c100="#f3efe9",
        c200="#e6e0d8",
        c300="#d2cac0",
        c400="#a49b93",
        c500="#7a726d",
        c600="#5f5857",
        c700="#453f44",
        c800="#2e2a33",
        c900="#211f28",
        c950="#16151b",
    )
    plum = gr.themes.Color(
        name="plum",
        c50="#f7f3fa",
        c100="#ece3f3",
        c200="#dccbe8",
        c300="#c9aedd",
        c400="#ab85c6",
        c500="#8a5fab",
        c600="#6d4490",
        c700="#573674",
        c800="#42295a",
        c900="#2d1c3f",
        c950="#1c112a",
    )
    return gr.themes.Base(
        primary_hue=plum,
        secondary_hue=plum,
        neutral_hue=ink,
        spacing_size=gr.themes.sizes.spacing_md,
        radius_size=gr.themes.sizes.radius_lg,
        text_size=gr.themes.sizes.text_md,
        # Several fonts in Gradio's package, Source Sans 3 and Lora among them, lack the Latin letters; this one is whole.
        font=(gr.themes.LocalFont("Source Sans Pro", weights=(400, 700)), "ui-sans-serif", "system-ui", "sans-serif"),
        font_mono=("ui-monospace", "Consolas", "monospace"),
    ).set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        body_text_color="*neutral_800",
        body_text_color_dark="*neutral_100",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        background_fill_primary="white",
        background_fill_primary_dark="*neutral_900",
        background_fill_secondary="*neutral_50",
        background_fill_secondary_dark="*neutral_950",
        border_color_primary="*neutral_200",
        border_color_primary_dark="*neutral_700",
        block_background_fill="white",
        block_background_fill_dark="*neutral_900",
        block_border_color="*neutral_200",
        block_border_color_dark="*neutral_800",
        block_border_width="1px",
        block_shadow="0 1px 2px rgb(46 42 51 / 0.04), 0 6px 24px -12px rgb(46 42 51 / 0.12)",
        block_shadow_dark="none",
        block_label_background_fill="transparent",
        block_label_background_fill_dark="transparent",
        block_label_border_width="0px",
        block_label_text_color="*neutral_600",
        block_label_text_color_dark="*neutral_300",
        block_label_text_weight="600",
        block_title_text_color="*neutral_600",
        block_title_text_color_dark="*neutral_300",
        block_title_text_weight="600",
        input_background_fill="*neutral_50",
        input_background_fill_dark="*neutral_950",
        input_border_color="*neutral_200",
        input_border_color_dark="*neutral_700",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_500",
        button_primary_text_color="white",
        button_secondary_background_fill="*neutral_100",
        button_secondary_background_fill_hover="*neutral_200",
        button_secondary_background_fill_dark="*neutral_800",
        button_secondary_background_fill_hover_dark="*neutral_700",
        checkbox_label_background_fill="*neutral_100",
        checkbox_label_background_fill_hover="*neutral_200",
        checkbox_label_background_fill_selected="*primary_600",
        checkbox_label_background_fill_dark="*neutral_800",
        checkbox_label_background_fill_hover_dark="*neutral_700",
        checkbox_label_background_fill_selected_dark="*primary_600",
        checkbox_label_text_color_selected="white",
        checkbox_label_text_color_selected_dark="white",
        checkbox_label_border_width="0px",
        table_even_background_fill="white",
        table_even_background_fill_dark="*neutral_900",
        table_odd_background_fill="*neutral_50",
        table_odd_background_fill_dark="*neutral_950",
        link_text_color="*primary_600",
        link_text_color_dark="*primary_300",
    )
