"""The console's files and their headers, without a browser; tests/e2e/console has one."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Final

import pytest
import yaml

from service import page
from tests.service.live import Live

ROOT: Final = Path(__file__).parents[2]
HASH: Final = re.compile(r'"[0-9a-f]{32}"')
MARKUP: Final = (
    "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "DOMParser",
)  # fmt: skip
"""Ways by which a text can become more than text."""
INDEX: Final = (page.FOLDER / page.INDEX).read_text("utf-8")


def paths() -> list[str]:
    return ["/", *(f"/console/{name}" for name in sorted(page.parts()))]


def test_the_page_has_what_it_refers_to() -> None:
    names = set(page.parts())
    assert {"index.html", "main.js", "console.css", "icon.svg"} <= names
    assert set(re.findall(r'(?:src|href)="console/([^"]+)"', INDEX)) <= names
    imported: set[str] = set()
    for name in names:
        if name.endswith(".js"):
            source = page.parts()[name].data.decode()
            found = set(re.findall(r'(?:from|import\() ?"\./([^"]+)"', source))
            assert found <= names, name
            imported |= found
    assert {name for name in names if name.endswith(".js")} == imported | {"main.js"}  # nothing lies there unused


def test_scripts_parse_no_markup_and_name_no_other_place() -> None:
    for name, part in page.parts().items():
        source = part.data.decode()
        for way in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "DOMParser",
        ):
            assert way not in source, (name, way)
        urls = set(re.findall(r"https?://[^\"'`\s)]+", source)) - {"http://www.w3.org/2000/svg"}
        assert not urls, (name, urls)
    assert not re.search(r"\son\w+=|\sstyle=|<style|javascript:", INDEX)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", INDEX))


@pytest.mark.parametrize("path", paths())
def test_headers(live: Live, path: str) -> None:
    answer = live.client.get(path)
    assert answer.status_code == 200
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    for kind in ("script-src", "style-src", "img-src", "connect-src"):
        assert policy[kind] == "'self'", kind
    for kind in ("base-uri", "form-action", "frame-ancestors", "trusted-types"):
        assert policy[kind] == "'none'", kind
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    suffix = Path(path).suffix or ".html"
    wanted = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}[suffix]
    assert answer.headers["content-type"].partition(";")[0] == wanted
    assert answer.text == (page.FOLDER / (Path(path).name or page.INDEX)).read_text("utf-8")


def test_head_and_what_a_browser_has_already(live: Live) -> None:
    whole = live.client.get("/")
    head = live.client.head("/")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.content))
    etag = whole.headers["etag"]
    assert HASH.fullmatch(etag)
    assert whole.headers["cache-control"] == "no-cache"
    for known in (etag, f'"other", W/{etag}'):
        again = live.client.get("/", headers={"if-none-match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
        assert again.headers["content-security-policy"] == page.POLICY
    assert live.client.get("/", headers={"if-none-match": '"other"'}).status_code == 200
    assert len({part.etag for part in page.parts().values()}) == len(page.parts())


def test_what_is_not_there_and_what_cannot_be_done(live: Live) -> None:
    for path in ("/console/none.js", "/console/..%2Fpage.py", "/console/%2Fetc%2Fpasswd", "/console/", "/console"):
        refused = live.client.get(path)
        assert (refused.status_code, refused.json()["error"]["code"]) == (404, "not_found"), path
    for path in ("/", "/console/main.js"):
        refused = live.client.post(path)
        assert (refused.status_code, refused.json()["error"]["code"]) == (405, "method_not_allowed")
        assert refused.headers["allow"] == "GET, HEAD"


def test_the_page_needs_no_key_and_no_loopback_and_what_it_calls_does(live: Live) -> None:
    for headers in ({"host": "undertone.example"}, {"origin": "https://evil.example"}):
        assert live.client.get("/", headers=headers).status_code == 200
        assert live.client.get("/v1/models", headers=headers).status_code == 403


def test_it_is_packed() -> None:
    """test_bentofile holds that a Bento has every file of service/, and the Dockerfile copies the folder whole."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    assert "console/*" in project["package-data"]["service"]
    assert "/service/" in yaml.safe_load((ROOT / "bentofile.yaml").read_text("utf-8"))["include"]
    assert re.search(r"^COPY .*service/ service/$", (ROOT / "Dockerfile").read_text("utf-8"), re.M)
    assert page.parts().keys() == {file.name for file in page.FOLDER.iterdir()}
