#!/bin/sh
# gradio 6.31.0: a translation for exactly the visitor's language is not shown where Gradio's own page has none of that name.
#
# Guessed: with `gr.I18n(**{"en": ..., "zh-HK": ..., "fr-CA": ..., "de-AT": ..., "zh": ...})` a browser whose language is zh-HK shows the
# translation of zh-HK, as one whose language is zh-TW shows that of zh-TW.
# Seen: only names that Gradio has translations of its own for count (zh-CN, zh-TW, pt-BR, fr, de, ...). A browser of zh-HK, zh-SG or
# zh shows English though its language is there; for fr-CA and de-AT the page says of itself that it is in French or German
# (`<html lang="fr">`) and shows English.
# Why it matters: readers in Hong Kong, Singapore, Canada and Austria get English from a page that speaks their language, nothing is
# said to the developer, and a screen reader speaks the English with a French voice.
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

LANGUAGES = ("en", "zh-TW", "pt-BR", "zh-HK", "zh-SG", "zh", "fr-CA", "de-AT")
translations = gr.I18n(**{language: {"word": f"in {language}"} for language in LANGUAGES})
with gr.Blocks() as page:
    gr.Button(translations("word"), elem_id="word")
_, address, _ = page.launch(prevent_thread_lock=True, quiet=True, i18n=translations)
found = {}
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
    for language in LANGUAGES:
        tab = browser.new_context(locale=language).new_page()
        tab.goto(address)
        tab.wait_for_selector("#word")
        tab.wait_for_timeout(2000)
        found[language] = (tab.inner_text("#word"), tab.evaluate("document.documentElement.lang"))
        print(f"a browser of {tab.evaluate('navigator.language')} shows '{found[language][0]}', lang {found[language][1]}")
    browser.close()
known = all(found[language][0] == f"in {language}" for language in ("en", "zh-TW", "pt-BR"))
unknown = all(found[language][0] == "in en" for language in ("zh-HK", "zh-SG", "zh", "fr-CA", "de-AT"))
sys.exit(0 if known and unknown and found["fr-CA"][1] == "fr" else 1)
PYTHON
"$folder/venv/bin/python" "$folder/page.py"
