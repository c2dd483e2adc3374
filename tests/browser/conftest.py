"""A real Chromium before a real server over a copy of the shipped versions, and a hand that draws."""

import contextlib
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

import pytest

from mlp.corrections import ALL, Corrections
from mlp.local_store import LocalStore
from tests.drafts import ROOT
from tests.live.conftest import Server, serving

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

TOKEN = "open sesame"

PER_MINUTE = 30
"""Corrections that the server takes; a test begins without any."""

DESKTOP = {"viewport": {"width": 1280, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}

# Strokes from 0 to 1 across the pad.
SEVEN = [[(0.27, 0.24), (0.5, 0.23), (0.72, 0.25), (0.62, 0.45), (0.5, 0.65), (0.43, 0.82)]]
ONE = [[(0.5, 0.18), (0.5, 0.82)]]


@dataclass
class Page:
    """A page that is open, and what it has said and asked for meanwhile."""

    page: object
    errors: list[str] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)

    def draw(self, strokes, *, lift=True):
        self.page.locator("#pad").scroll_into_view_if_needed()
        box = self.page.locator("#pad").bounding_box()
        for stroke in strokes:
            points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
            self.page.mouse.move(*points[0])
            self.page.mouse.down()
            for point in points[1:]:
                self.page.mouse.move(*point, steps=6)
            if lift:
                self.page.mouse.up()

    def expect(self, selector, text):
        """Wait until an element says this, a text or a pattern."""
        from playwright.sync_api import expect

        expect(self.page.locator(selector)).to_have_text(text, timeout=15_000)

    def wait_until(self, condition, seconds=15):
        """Wait until a condition is true. (The page's policy forbids Playwright to wait for a text of script.)"""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "waited in vain"
            self.page.wait_for_timeout(20)

    def expect_read(self, label):
        """Wait until the drawing as it is has been read, and tell what was said of it."""
        self.expect("#said", re.compile(rf"^{label}\. "))
        self.expect("#label", label)


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> LocalStore:
    folder = tmp_path_factory.mktemp("models") / "digits"
    folder.mkdir()
    for file in (ROOT / "models/digits").glob("*.npz"):
        shutil.copy(file, folder)
    store = LocalStore(folder.parent)
    store.promote("digits", 1)
    store.promote("digits", 3)
    return store


@pytest.fixture(scope="module")
def feedback(tmp_path_factory) -> str:
    """The URL of the database in which the server keeps corrections."""
    return f"sqlite:///{tmp_path_factory.mktemp('feedback')}/corrections.sqlite"


@pytest.fixture(scope="module")
def server(store, feedback) -> Iterator[Server]:
    limits = {"MLP_POLL_SECONDS": "0.1", "MLP_FEEDBACK_PER_MINUTE": str(PER_MINUTE)}
    with serving(store.root, MLP_ADMIN_TOKEN=TOKEN, MLP_FEEDBACK=feedback, **limits) as running:
        yield running


@pytest.fixture
def kept(feedback):
    """What is kept, the newest last; nothing when the test begins and after it."""
    corrections = Corrections(feedback)
    corrections.erase(ALL)
    yield lambda: list(corrections.read())
    corrections.erase(ALL)


@pytest.fixture(scope="module")
def browser():
    # Not for the session: while Playwright runs, no other test in this process can have an event loop.
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def _fulfil(answer, route):
    route.fulfill(json=answer)


@pytest.fixture
def opened(server, browser):
    """Open the page in a window of its own. At the end nothing may have gone wrong in it that a test did not expect."""
    with contextlib.ExitStack() as stack:
        pages = []

        def open_page(path="", answers=None, **how) -> Page:
            context = browser.new_context(**{**DESKTOP, "reduced_motion": "reduce", **how})
            stack.callback(context.close)
            found = Page(context.new_page())
            found.page.on("console", lambda message: found.errors.extend([message.text] * (message.type == "error")))
            found.page.on("pageerror", lambda error: found.errors.append(str(error)))
            found.page.on("request", lambda request: found.urls.append(request.url))
            for route, answer in (answers or {}).items():
                found.page.route(route, partial(_fulfil, answer))
            found.page.goto(server.url + path)
            if not path:
                found.expect("#live-text", re.compile(r"^Version \d is live"))
            pages.append(found)
            return found

        yield open_page
        assert [error for page in pages for error in page.errors] == []


@pytest.fixture
def page(opened):
    return opened()
