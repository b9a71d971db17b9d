#!/bin/sh
# gradio 6.31.0: a Dropdown's list stays open when one goes on to the next field by the Tab key.
#
# Guessed: Tab closes the list and goes on, as with <select> and with the combobox of the ARIA practices; a click elsewhere
# closes it too.
# Seen: a click elsewhere closes it. After Tab the next field has the focus and the list is still there; going through a form
# by keys leaves one open list for every dropdown, each over the fields below it.
# Why it matters: whoever has no mouse cannot see the fields that they fill in, and nothing but Escape, before leaving, helps.
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

with gr.Blocks() as page:
    for name in ("first", "second"):
        gr.Dropdown(["one", "two", "three"], elem_id=name, interactive=True)
    gr.Textbox(elem_id="last", interactive=True)
_, address, _ = page.launch(prevent_thread_lock=True, quiet=True)
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
    tab = browser.new_page(viewport={"width": 800, "height": 900})
    tab.goto(address)
    lists = tab.locator("ul[role=listbox]")

    def after(action):
        action()
        tab.wait_for_timeout(1000)
        return lists.count()

    tab.wait_for_selector("#first input")
    clicked = [after(tab.locator("#first input").click), after(lambda: tab.mouse.click(780, 880))]
    print(f"open lists after a click on the first dropdown and one elsewhere: {clicked}")
    tabbed = [after(tab.locator("#first input").focus), after(lambda: tab.keyboard.press("Tab")), after(lambda: tab.keyboard.press("Tab"))]
    focused = tab.evaluate("document.activeElement.closest('#last') !== null")
    print(f"open lists at the first, the second and, by Tab, the last field: {tabbed}; the last one has the focus: {focused}")
    browser.close()
sys.exit(0 if clicked == [1, 0] and tabbed == [1, 2, 2] and focused else 1)
PYTHON
"$folder/venv/bin/python" "$folder/page.py"
