"""GET / and the page's files: who gets what, and the headers that a browser keeps them by. The page at work is in
tests/browser/."""

import re

import pytest

from tests.drafts import ROOT

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"}
PAGE = ROOT / "service/page"
FILES = sorted(path.name for path in PAGE.iterdir())


@pytest.mark.parametrize("accept", [None, "*/*", "text/plain", "application/json"])
def test_a_terminal_gets_lines_of_text(client, accept):
    answer = client.get("/", headers={"Accept": accept} if accept else {})

    assert answer.content_type == "text/plain; charset=utf-8"
    assert "curl http://localhost/predict" in answer.text
    assert answer.headers["Vary"] == "Accept"


@pytest.mark.parametrize("accept", [BROWSER["Accept"], "text/html"])
def test_a_browser_gets_the_page(client, accept):
    answer = client.get("/", headers={"Accept": accept})

    assert (answer.status_code, answer.content_type) == (200, "text/html; charset=utf-8")
    assert answer.data == (PAGE / "index.html").read_bytes()
    assert answer.headers["Vary"] == "Accept"


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_served_with_a_strict_policy(client, name):
    answer = client.get(f"/page/{name}", headers={"Accept": "image/avif"})

    assert answer.data == (PAGE / name).read_bytes()
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("path", ["/", "/page/main.js"])
def test_what_a_browser_has_is_not_sent_again(client, path):
    tag = client.get(path, headers=BROWSER).headers["ETag"]

    again = client.get(path, headers={**BROWSER, "If-None-Match": tag})

    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("path", ["/page/none.js", "/page/../index.py", "/page/%2e%2e%2findex.py", "/page/"])
def test_nothing_else_is_served(client, path):
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith((".html", ".js"))])
def test_what_a_file_asks_for_is_there(name):
    text = (PAGE / name).read_text(encoding="utf-8")

    for wanted in re.findall(r'(?:src|href)="page/([^"]+)"', text) + re.findall(r'from "\./([^"]+)"', text):
        assert wanted in FILES
    for wanted in re.findall(r'\$\("([\w-]+)"\)', text):
        assert f'id="{wanted}"' in (PAGE / "index.html").read_text(encoding="utf-8")
