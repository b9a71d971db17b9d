#!/bin/sh
# gradio 6.31.0: a rule with `.gradio-container :is(a, b)` that stands inside @media is lost from a page's own CSS.
#
# Guessed: `launch(css=...)` applies `.gradio-container :is(button, a) {...}` inside `@media` as it does outside, and as it applies
# `button {...}` inside.
# Seen: outside and without :is() the rules hold; inside `@media` the rule has no effect. (`:is(button, a)` alone, without
# `.gradio-container`, works in both places.) Nothing is said.
# Why it matters: rules for phones (`@media (max-width: ...)`) are where sizes for fingers and other needs are written down, and such
# a rule looks right, is in the page, and does nothing.
#
# Needs Debian's `chromium`; says so and exits 2 without. Exits 0 while it is so.
set -eu
if ! command -v chromium >/dev/null; then
    echo "This needs chromium on the PATH; install it."
    exit 2
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check gradio==6.31.0 playwright==1.65.2
cat > "$folder/page.py" <<'PYTHON'
import shutil
import sys

import gradio as gr
from playwright.sync_api import sync_playwright

CSS = """
.gradio-container :is(button, .other) { min-height: 71px; }
@media (min-width: 10px) {
  button { min-width: 213px; }
  .gradio-container :is(button, .other) { letter-spacing: 5px; }
}
"""
with gr.Blocks() as app:
    gr.Button("Press")
app.launch(css=CSS, prevent_thread_lock=True, quiet=True, ssr_mode=False)
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
    page = browser.new_page()
    page.goto(app.local_url)
    page.get_by_role("button", name="Press").wait_for()
    style = "e => { const s = getComputedStyle(e); return [s.minHeight, s.minWidth, s.letterSpacing]; }"
    outside, plain, inside = page.get_by_role("button", name="Press").evaluate(style)
    browser.close()
app.close()
print("gradio", gr.__version__)
print("expected: 71px with :is() outside of @media, 213px without :is() inside, 5px with :is() inside")
print(f"seen: {outside}, {plain}, {inside}")
sys.exit(not (outside == "71px" and plain == "213px" and inside != "5px"))
PYTHON
GRADIO_ANALYTICS_ENABLED=False "$folder/venv/bin/python" "$folder/page.py"
