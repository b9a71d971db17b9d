"""Models of a Hub that answers as the real one does, without a network."""

from __future__ import annotations

import errno
from pathlib import Path

import httpx2
import pytest
import torch
from huggingface_hub import close_session, constants, set_client_factory
from huggingface_hub.utils import filter_repo_objects
from huggingface_hub.utils._http import default_client_factory

from kcdp import hub
from kcdp.hub import HubError, Source, check_pinned, fetch, why_no_room

COMMIT = "0123456789" * 4


@pytest.fixture
def answer(monkeypatch, tmp_path):
    """`answer(status, code)` makes the Hub say so to every request; an exception instead of a status is raised."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))

    def answer(status: int | Exception, code: str | None = None) -> None:
        def respond(request: httpx2.Request) -> httpx2.Response:
            if isinstance(status, Exception):
                raise status
            return httpx2.Response(status, headers={"X-Error-Code": code} if code else None, request=request)

        set_client_factory(lambda: httpx2.Client(transport=httpx2.MockTransport(respond)))

    yield answer
    set_client_factory(default_client_factory)
    close_session()


def sentence(source: Source) -> str:
    with pytest.raises(HubError) as error:
        fetch(source)
    text = str(error.value)
    assert "\n" not in text and text.endswith(".") and text.count(". ") == 0
    return text


@pytest.mark.parametrize(
    ("status", "code", "found"),
    [
        (404, "RepoNotFound", "There is no model 'a/b'"),
        (401, "RepoNotFound", "There is no model 'a/b'"),
        (404, "RevisionNotFound", "has no revision 'dev'"),
        (403, "GatedRepo", "is gated: accept its terms on .*/a/b"),
        (401, None, "There is no model 'a/b'|does not let you read"),
        (403, None, "does not let you read"),
        (500, None, "The Hub answers 500"),
        (httpx2.ConnectError("no route"), None, "the Hub cannot be reached"),
        (httpx2.ReadTimeout("too slow"), None, "the Hub cannot be reached"),
        (httpx2.ProxyError("refused"), None, "the Hub cannot be reached"),
    ],
)
def test_what_the_hub_answers_is_one_sentence(answer, status, code, found):
    answer(status, code)
    with pytest.raises(HubError, match=found):
        fetch(Source("a/b", "dev"))
    assert "a/b" in sentence(Source("a/b", "dev"))


def test_offline_says_how_to_come_by_the_model(answer, monkeypatch, tmp_path):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    set_client_factory(default_client_factory)
    text = sentence(Source("a/b", COMMIT))
    assert "HF_HUB_OFFLINE is set" in text and str(tmp_path / "cache") in text


@pytest.mark.parametrize("name", ["no-such-folder/at/all", "/no/such/folder", "two  words"])
def test_what_cannot_be_a_name_is_one_sentence(answer, name):
    assert f"'{name}' is neither a folder here nor the id of a model" in sentence(Source(name))


def test_a_full_disk_says_where_else_to_put_it(answer, monkeypatch):
    def fill(*names, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(hub, "snapshot_download", fill)
    assert "the disk is full; free some space, or set HF_HOME" in sentence(Source("a/b"))


@pytest.mark.parametrize(
    ("error", "found"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), "the GPU has too little memory"),
        (MemoryError(), "there is too little memory"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), "there is too little"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "there is too little memory"),
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full"),
        (RuntimeError("something else"), None),
    ],
)
def test_no_room_is_told_from_other_faults_even_behind_them(error, found):
    for raised in (error, RuntimeError("loading failed")):
        if raised is not error:
            raised.__cause__ = error
        reason = why_no_room(raised)
        assert reason is None if found is None else found in reason


def test_only_safetensors_of_the_parts_are_fetched_at_the_commit(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(hub, "snapshot_download", lambda *names, **options: asked.append((names, options)) or tmp_path)
    assert fetch(Source("a/b", COMMIT), ("vae", "unet")) == tmp_path
    ((names, options),) = asked
    assert names == ("a/b",) and options["revision"] == COMMIT
    files = [
        *("vae/config.json", "vae/diffusion_pytorch_model.safetensors", "vae/diffusion_pytorch_model.bin"),
        *("vae/diffusion_pytorch_model.fp16.safetensors", "v1-5-pruned.safetensors", "safety_checker/config.json"),
    ]
    wanted = list(filter_repo_objects(files, **{name: options[name] for name in ("allow_patterns", "ignore_patterns")}))
    assert wanted == files[:2]


def test_a_folder_is_taken_as_it_is(tmp_path):
    assert fetch(Source(str(tmp_path))) == Path(tmp_path)


@pytest.mark.parametrize("revision", [None, "main", "v1.0", COMMIT[:7], COMMIT.replace("0", "g")])
def test_only_a_commit_is_pinned(revision, tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with pytest.raises(HubError, match=r"needs a commit: choose one on .*a/b/commits/main and add `--x\.y\.revision"):
        check_pinned(Source("a/b", revision), "x.y")
    check_pinned(Source("a/b", COMMIT), "x.y")
    check_pinned(Source(str(tmp_path), revision), "x.y")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    check_pinned(Source("a/b", revision), "x.y")
