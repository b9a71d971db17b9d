"""The app in a real browser and through its API, around a bundle that answers at once."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from concurrent.futures import Future
from pathlib import Path

import gradio as gr
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from kcdp import serve as app
from kcdp.ui.endpoints import api_errors
from tests.app_page import choose_tab, drop, drop_to_refeel, faint_text, free_port, overlay_picture, serve
from tests.fake_bundle import CAPTION, fake_bundle, fake_output
from tests.tiny_pipeline import tiny_pipeline
from tests.tiny_uniemo import tiny_uniemo

pytest_plugins = ["tests.page_fixtures"]

ROOT = Path(__file__).parents[1]


def test_picture_gets_its_emotion_and_every_reason(page: Page, url: str, files: Path) -> None:
    page.goto(url)
    expect(page.get_by_text("Waiting for a picture")).to_be_visible()
    expect(page.locator("#router")).to_be_hidden()
    drop(page, files / "still.png")

    expect(page.locator(".kc-verdict strong")).to_have_text("contentment")
    expect(page.locator("#verdict .kc-bars li")).to_have_count(8)
    expect(page.locator("#verdict .kc-bars li").first).to_contain_text("57 %")
    expect(page.locator(".kc-why")).to_contain_text("Of its 4 small networks, numbers 1 and 3 decide")
    expect(page.locator("#knowledge blockquote")).to_have_text(CAPTION)
    expect(page.locator("#knowledge svg.kc-graph")).to_contain_text("hugs")
    expect(page.locator("#triplets").get_by_text("small red heart").filter(visible=True).first).to_be_visible()
    expect(page.locator("#router .kc-chosen")).to_have_count(2)
    expect(page.locator("#alignment")).to_contain_text(
        "contentment fit the picture best, and KCDP reads contentment, too"
    )
    expect(page.locator("#alignment .kc-badge")).to_have_text("closest")
    with page.expect_download() as download:
        page.locator("#download").click()
    result = json.loads(Path(download.value.path()).read_text())
    assert result["uniemo"]["scene"]["name"] == "beach" and result["emotion"] == "contentment"
    assert result["kcdp"] == fake_output().to_dict()


def test_second_reading_shows_only_where_the_bundle_has_one(page: Page, url: str, files: Path) -> None:
    page.goto(url)
    drop(page, files / "still.png")
    expect(page.locator("#uniemo .kc-bars li")).to_have_count(8)
    expect(page.locator("#attributes")).to_contain_text("beach")
    old = overlay_picture(page).get_attribute("src")
    page.locator("#focus").get_by_label("Scene: beach", exact=True).check()
    page.wait_for_function("old => document.querySelector('#overlay img').src !== old", arg=old)
    page.goto(serve(fake_bundle(with_uniemo=False)))
    drop(page, files / "still.png")
    expect(page.locator("#router .kc-chosen")).to_have_count(2)
    expect(page.locator("#uniemo")).to_be_hidden()
    assert page.locator("#focus").get_by_label("Scene: beach").count() == 0


def test_overlay_follows_the_chosen_word_and_triplet(page: Page, url: str, files: Path) -> None:
    page.goto(url)
    drop(page, files / "still.png")
    picture = overlay_picture(page)
    seen = {picture.get_attribute("src")}
    for choice in ("heart", "“round yellow face has closed eyes”"):
        page.locator("#focus").get_by_label(choice, exact=True).check()
        page.wait_for_function("old => !old.includes(document.querySelector('#overlay img').src)", arg=list(seen))
        seen.add(picture.get_attribute("src"))
    assert len(seen) == 3


def test_file_that_is_no_picture_gets_a_sentence_and_the_next_one_works(page: Page, url: str, files: Path) -> None:
    page.goto(url)
    drop(page, files / "broken.png")
    alert = page.locator("#verdict [role=alert]")
    expect(alert).to_be_visible()
    assert alert.inner_text().endswith(".")
    expect(page.locator("#router")).to_be_hidden()
    page.get_by_label("Remove Image").click()
    expect(page.get_by_text("Waiting for a picture")).to_be_visible()
    drop(page, files / "still.png")
    expect(page.locator(".kc-verdict strong")).to_have_text("contentment")


def test_animation_reaches_the_pipeline_with_its_frames(page: Page, url: str, files: Path) -> None:
    page.goto(url)
    drop(page, files / "moving.gif")
    expect(page.locator("#verdict .kc-frames li")).to_have_count(3)


def test_example_is_understood_at_a_click(page: Page, url: str) -> None:
    page.goto(url)
    page.locator(".gallery-item").first.click()
    expect(page.locator(".kc-verdict strong")).to_have_text("contentment")


def test_page_is_there_before_the_models(page: Page, files: Path) -> None:
    bundle: Future = Future()
    page.goto(serve(bundle))
    drop(page, files / "still.png")
    expect(page.get_by_text("Starting the models")).to_be_visible()
    bundle.set_result(fake_bundle().result())
    expect(page.locator(".kc-verdict strong")).to_have_text("contentment")


def test_phone_shows_everything_readably_without_scrolling_sideways(browser: Browser, url: str, files: Path) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme="light")
    expect.set_options(timeout=60_000)
    page.set_default_timeout(60_000)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{url}?__theme=light")
    drop(page, files / "still.png")
    expect(page.locator(".kc-verdict")).to_be_visible()
    expect(overlay_picture(page)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert not page.evaluate("document.body.classList.contains('dark')")
    assert faint_text(page) == []
    for name, start in (
        ("Transfer", "#transfer-row"),
        ("Fuse", "#fuse-strip"),
        ("Mix", "#mix-make"),
        ("Re-feel", "#refeel-make"),
    ):
        choose_tab(page, name)
        if name == "Re-feel":
            drop_to_refeel(page, files / "still.png")
        page.locator(start).click()
        verdict = page.locator(start.split("-")[0] + "-verdict .kc-verdict")
        expect(verdict).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert faint_text(page) == []
    assert [address for address in asked if not address.startswith((url, "data:", "blob:"))] == []
    page.close()


def test_the_page_is_dark_for_who_asks_for_it(browser: Browser, url: str) -> None:
    page = browser.new_page()
    page.goto(f"{url}?__theme=dark")
    expect(page.locator("#picture")).to_be_visible(timeout=60_000)
    assert page.evaluate("document.body.classList.contains('dark')")
    page.close()


def test_api_answers_with_the_result_and_an_overlay_per_word(url: str, files: Path) -> None:
    client = Client(url, verbose=False)
    lean, none = client.predict(handle_file(files / "still.png"), api_name="/understand")
    assert len(json.dumps(lean)) < 20_000 and lean["kcdp"]["attention"] == [] and none == []
    result, overlays = client.predict(handle_file(files / "still.png"), attention=True, api_name="/understand")
    assert lean == result | {name: result[name] | {"attention": []} for name in ("kcdp", "uniemo")}
    reading, kcdp = result["uniemo"], result["kcdp"]
    assert reading["emotion"] == "contentment" and [item["kind"] for item in reading["attention"]] == [
        "scene",
        "object",
    ]
    assert kcdp == json.loads(json.dumps(fake_output().to_dict()))
    maps = kcdp["attention"] + reading["attention"]
    assert [item["caption"] for item in overlays] == [item["text"] for item in maps]
    with Image.open(overlays[0]["image"]) as picture:
        assert picture.size[0] / picture.size[1] == pytest.approx(96 / 64, abs=0.01)


def test_api_names_what_is_wrong_with_a_file(url: str, files: Path) -> None:
    client = Client(url, verbose=False)
    with pytest.raises(AppError, match="picture") as caught:
        client.predict(handle_file(files / "broken.png"), api_name="/understand")
    assert caught.value.title == "bad_picture"
    with pytest.raises(AppError, match="No picture arrived"):
        client.predict(None, api_name="/understand")


def test_api_has_one_endpoint_a_tab(url: str) -> None:
    named = Client(url, verbose=False).view_api(return_format="dict")["named_endpoints"]
    assert list(named) == ["/understand", "/transfer", "/fuse", "/mix", "/refeel"]
    parameters = [parameter for endpoint in named.values() for parameter in endpoint["parameters"]]
    assert [parameter["parameter_name"] for parameter in parameters if not parameter["type"].get("description")] == []


def test_a_fault_of_the_program_is_a_sentence_with_a_code_too() -> None:
    with pytest.raises(gr.Error, match="a fault of this program") as caught, api_errors():
        raise KeyError("something")
    assert caught.value.title == "fault"


def test_missing_bundle_ends_with_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"not a bundle.*\.$"):
        app.main(["--port", str(free_port()), "--bundle", str(tmp_path)])
    gr.close_all()


@pytest.fixture(scope="module")
def tiny(tiny_tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of random weights that reads and paints."""
    folder = tmp_path_factory.mktemp("tiny") / "bundle"
    kcdp = tiny_pipeline(tiny_tokenizer)
    kcdp.save_pretrained(folder)
    tiny_uniemo(kcdp).save_pretrained(folder)
    return folder


def started(bundle: Path) -> subprocess.Popen[str]:
    """`python app.py` with a bundle, as somebody starts it who has no libraries loaded yet."""
    command = [sys.executable, "app.py", "--host", "127.0.0.1", "--port", str(free_port()), "--bundle", str(bundle)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_the_start_is_one_line_without_a_word_of_the_libraries(tiny: Path) -> None:
    with started(tiny) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.terminate()
        assert process.stderr is not None
        rest, warnings = process.stdout.read(), process.stderr.read()
    assert re.fullmatch(r"ready at http://127\.0\.0\.1:\d+/ in \d+\.\d s\n", line)
    assert (rest, warnings) == ("", "")


@pytest.mark.parametrize(
    "part", ["vae/diffusion_pytorch_model.safetensors", "chain/diffusion_pytorch_model.safetensors"]
)
def test_a_bundle_that_is_cut_short_ends_the_start_with_one_sentence(tiny: Path, tmp_path: Path, part: str) -> None:
    """Of the half that reads by knowledge, and of the one that paints."""
    shutil.copytree(tiny, tmp_path / "cut")
    file = tmp_path / "cut" / part
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(SystemExit, match=r"cannot be read; copy or train it again: .+") as caught:
        app.main(["--port", str(free_port()), "--bundle", str(tmp_path / "cut")])
    assert "\n" not in str(caught.value)
    gr.close_all()


def test_the_environment_chooses_the_bundle_and_the_line_has_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KCDP_BUNDLE", "owner/name")
    monkeypatch.setenv("KCDP_REVISION", "0a" * 20)
    args = app.parse_args([])
    assert (args.bundle, args.revision) == ("owner/name", "0a" * 20)
    assert app.parse_args(["--bundle", "here"]).bundle == "here"


def test_the_environment_chooses_precision_and_offloading(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("KCDP_DTYPE", "KCDP_OFFLOAD"):
        monkeypatch.setenv(variable, "")
    assert (app.parse_args([]).dtype, app.parse_args([]).offload) == ("float32", None)
    monkeypatch.setenv("KCDP_DTYPE", "bfloat16")
    monkeypatch.setenv("KCDP_OFFLOAD", "model")
    assert (app.parse_args([]).dtype, app.parse_args([]).offload) == ("bfloat16", "model")
    args = app.parse_args(["--dtype", "float16", "--offload", "sequential"])
    assert (args.dtype, args.offload) == ("float16", "sequential")


@pytest.mark.parametrize(
    ("variable", "sentence"),
    [
        ("KCDP_DTYPE", "The variable KCDP_DTYPE is 'half'; set it to float32 or bfloat16 or float16."),
        ("KCDP_OFFLOAD", "The variable KCDP_OFFLOAD is 'half'; set it to model or sequential."),
    ],
)
def test_wrong_value_in_the_environment_ends_with_one_sentence(
    monkeypatch: pytest.MonkeyPatch, variable: str, sentence: str
) -> None:
    monkeypatch.setenv(variable, "half")
    with pytest.raises(SystemExit) as caught:
        app.main([])
    assert caught.value.code == sentence
    # The line has the last word.
    assert app.parse_args(["--dtype", "float16", "--offload", "model"]).dtype == "float16"


@pytest.mark.parametrize(
    ("zero_gpu", "order"),
    [
        ("", ["page, None wait", "models", "uniemo", "an example", "settled"]),
        ("true", ["models", "uniemo", "page, 20 wait"]),
    ],
)
def test_the_page_is_there_before_the_models_but_on_zero_gpu(
    monkeypatch: pytest.MonkeyPatch, zero_gpu: str, order: list[str]
) -> None:
    done = []

    class Loaded:
        paints = True

        @property
        def uniemo(self) -> None:
            done.append("uniemo")

        def read(self, pictures: list[object], attention: bool) -> list[None]:
            done.append("an example")
            return [None] * len(pictures)

    monkeypatch.setenv("SPACES_ZERO_GPU", zero_gpu)
    monkeypatch.setattr("kcdp.bundle.load_bundle", lambda *args, **options: done.append("models") or Loaded())
    monkeypatch.setattr(gr.Blocks, "launch", lambda page, **options: done.append(f"page, {page._queue.max_size} wait"))
    monkeypatch.setattr(gr.Blocks, "block_thread", lambda page: None)
    monkeypatch.setattr("kcdp.serve.settle", lambda: done.append("settled"))
    app.main([])
    assert done == order


def test_defaults_listen_only_where_gradio_does_and_take_the_embedded_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KCDP_BUNDLE", raising=False)
    args = app.parse_args([])
    assert args.host is None and not args.share
    assert args.bundle is None
