# ruff: noqa: RUF001
"""The page's own words in five languages; results, which models and sentences about them make, are in English."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gradio as gr

from kcdp.imaging import ACCEPTED_SUFFIXES

#: As browsers name them, English first.
LANGUAGES = ("en", "zh-CN", "zh-TW", "ja", "es")
#: Chinese of other places and scripts, which Gradio would show in English.
_FALLBACKS = {
    "zh": "zh-CN",
    "zh-SG": "zh-CN",
    "zh-Hans": "zh-CN",
    "zh-HK": "zh-TW",
    "zh-MO": "zh-TW",
    "zh-Hant": "zh-TW",
}
_PAGE_SCRIPT = Path(__file__).with_name("page.js")

#: English, and the same in the other languages, in the order of `LANGUAGES`.
_TEXTS: dict[str, tuple[str, str, str, str]] = {
    "What does it make people feel?": (
        "它让人有什么感受？", "它讓人有什麼感受？", "これを見た人は何を感じる？", "¿Qué hace sentir?",
    ),
    "Drop a picture and see its emotion, and how the model came to it.": (
        "放入一张图片，看看它引起的情感，以及模型如何得出结论。",
        "放入一張圖片，看看它引起的情感，以及模型如何得出結論。",
        "画像を置くと、それが呼び起こす感情と、モデルがそう読んだ理由がわかります。",
        "Suelta una imagen y mira qué emoción evoca y cómo llegó el modelo a ella.",
    ),
    "Understand": ("理解", "理解", "読み取る", "Entender"),
    "Transfer": ("赋予情感", "賦予情感", "感情を与える", "Dar emoción"),
    "Fuse": ("融合", "融合", "混ぜる", "Mezclar"),
    "Re-feel": ("改变情感", "改變情感", "感情を変える", "Cambiar emoción"),
    "Many pictures": ("多张图片", "多張圖片", "たくさんの画像", "Muchas imágenes"),
    "Picture": ("图片", "圖片", "画像", "Imagen"),
    "Or try one of these": ("或试试这些", "或試試這些", "例から選ぶ", "O prueba una de estas"),
    "Where the model looked for": ("模型在看什么", "模型在看什麼", "モデルが注目した言葉", "Qué buscó el modelo"),
    "Download everything as JSON": ("全部下载为 JSON", "全部下載為 JSON", "すべてを JSON で保存", "Descargar todo como JSON"),
    "Emotion": ("情感", "情感", "感情", "Emoción"),
    "One emotion": ("一种情感", "一種情感", "一つ目の感情", "Una emoción"),
    "and another": ("和另一种", "和另一種", "二つ目の感情", "y otra"),
    "Share of the other, in percent": ("另一种所占百分比", "另一種所占百分比", "二つ目の割合（%）", "Parte de la otra, en %"),
    "A thing, or your own words": ("一件物品，或自己的描述", "一件物品，或自己的描述", "もの、または自分の言葉", "Una cosa, o tus palabras"),
    "What to show": ("画什么", "畫什麼", "何を描くか", "Qué mostrar"),
    "May stay empty.": ("可以留空。", "可以留空。", "空でもかまいません。", "Puede quedar vacío."),
    "Number of pictures": ("图片数量", "圖片數量", "画像の枚数", "Número de imágenes"),
    "Seed, guidance and steps": ("种子、引导和步数", "種子、引導和步數", "シード、ガイダンス、ステップ", "Semilla, guía y pasos"),
    "Seed": ("种子", "種子", "シード", "Semilla"),
    "Guidance": ("引导强度", "引導強度", "ガイダンス", "Guía"),
    "Steps": ("步数", "步數", "ステップ数", "Pasos"),
    "What to avoid": ("避免的内容", "避免的內容", "避けたいもの", "Qué evitar"),
    "Make pictures": ("生成图片", "生成圖片", "画像を作る", "Crear imágenes"),
    "Every thing with this emotion": ("每件物品配此情感", "每件物品配此情感", "すべてのものをこの感情で", "Cada cosa con esta emoción"),
    "This thing in every emotion": ("此物品配每种情感", "此物品配每種情感", "このものをすべての感情で", "Esta cosa en cada emoción"),
    "From one to the other": ("从一种到另一种", "從一種到另一種", "一方からもう一方へ", "De una a otra"),
    "Re-feel it": ("改变它的情感", "改變它的情感", "感情を変える", "Cambiarla"),
    "Stop": ("停止", "停止", "止める", "Parar"),
    "Your picture": ("你的图片", "你的圖片", "あなたの画像", "Tu imagen"),
    "The new emotion": ("新的情感", "新的情感", "新しい感情", "La nueva emoción"),
    "The picture that has the emotion": ("带有该情感的图片", "帶有該情感的圖片", "その感情をもつ画像", "La imagen que tiene la emoción"),
    "Strength": ("强度", "強度", "強さ", "Intensidad"),
    "How much of your picture may change.": ("图片可以改变多少。", "圖片可以改變多少。", "画像をどれだけ変えてよいか。", "Cuánto puede cambiar tu imagen."),
    "Download as PNG": ("下载为 PNG", "下載為 PNG", "PNG で保存", "Descargar como PNG"),
    "Download all as ZIP": ("全部下载为 ZIP", "全部下載為 ZIP", "すべてを ZIP で保存", "Descargar todo como ZIP"),
    "Say in the file how it was made": ("在文件中注明制作方式", "在檔案中註明製作方式", "作り方をファイルに書く", "Guardar en el archivo cómo se hizo"),
    "Pictures, and packs of them as ZIP": ("图片，或 ZIP 表情包", "圖片，或 ZIP 貼圖包", "画像、または ZIP のパック", "Imágenes, o paquetes ZIP"),
    "Or a folder": ("或一个文件夹", "或一個資料夾", "またはフォルダー", "O una carpeta"),
    "Read them": ("读取", "讀取", "読み取る", "Leerlas"),
    "Emotions": ("情感", "情感", "感情", "Emociones"),
    "Confidence of at least, in percent": ("最低置信度（%）", "最低信心度（%）", "確信度の下限（%）", "Confianza mínima, en %"),
    "Order": ("排序", "排序", "並べ方", "Orden"),
    "Page": ("页", "頁", "ページ", "Página"),
}  # fmt: skip

_I18N = gr.I18n(
    **{"en": {text: text for text in _TEXTS}},
    **{
        language: {text: others[place] for text, others in _TEXTS.items()}
        for place, language in enumerate(LANGUAGES[1:])
    },
    **{
        name: {text: others[LANGUAGES.index(language) - 1] for text, others in _TEXTS.items()}
        for name, language in _FALLBACKS.items()
    },
)


def translations() -> gr.I18n:
    """What `launch` takes."""
    return _I18N


def say(text: str) -> Any:
    """One of the page's texts, shown in the visitor's language; raises KeyError for one that has no translations.

    Some of Gradio's components take it, but are typed for texts alone.
    """
    _ = _TEXTS[text]
    return _I18N(text)


def head() -> str:
    """A script that keeps the page's language true, and what else Gradio leaves out for assistive technology."""
    script = _PAGE_SCRIPT.read_text(encoding="utf-8")
    values = {"LANGUAGES": LANGUAGES, "ACCEPTED": ",".join(("image/*", *ACCEPTED_SUFFIXES))}
    for name, value in values.items():
        script = script.replace(name, json.dumps(value), 1)
    return f"<script>{script}</script>"
