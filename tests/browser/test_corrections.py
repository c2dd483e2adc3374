"""Saying on the page that an answer is wrong, and training reports: what is sent, when, and what is said of it."""

import contextlib
import http.server
import io
import re
import threading

import numpy as np
import pytest
from PIL import Image

from mlp.corrections import Correction, Corrections
from tests.browser.conftest import CHROMIUM, ONE, PER_MINUTE, PHONE, SEVEN
from tests.drafts import ROOT
from training.answers import Answers
from training.measure import Examples
from training.page import write

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="needs Chromium: apt-get install chromium")

EXAMPLES = ROOT / "examples"


def label(page, text):
    return page.page.locator(f"#correct-labels button[data-label='{text}']")


def feedback_requests(page):
    return [url for url in page.urls if "/feedback?" in url or "/feedback/" in url]


def focused(page):
    return page.page.evaluate("document.activeElement.id || document.activeElement.dataset.label")


def test_a_drawing_is_kept_with_one_press_and_not_before(page, kept):
    assert label(page, 1).is_disabled()  # nothing is read yet
    page.draw(SEVEN)
    page.expect_read("7")
    assert feedback_requests(page) == []

    label(page, 1).click()

    page.expect("#correct-said", "Thank you. It is kept as 1.")
    (found,) = kept()
    assert (found.model, found.version, found.answered, found.label) == ("digits", 3, "7", "1")
    drawing = np.asarray(Image.open(io.BytesIO(found.picture)).convert("L"))
    assert drawing.shape == (140, 140)
    assert drawing.min() < 50 < 200 < drawing.max()
    assert len(feedback_requests(page)) == 1
    assert label(page, 1).get_attribute("aria-pressed") == "true"
    assert label(page, 4).is_disabled()


def test_it_is_taken_back(page, kept):
    page.draw(SEVEN)
    page.expect_read("7")
    label(page, 1).click()
    page.expect("#correct-said", re.compile("kept as 1"))

    page.page.click("#correct-undo")

    page.expect("#correct-said", re.compile("taken back"))
    assert kept() == []
    assert not page.page.is_visible("#correct-undo")
    assert label(page, 4).is_enabled()


def test_the_keyboard_corrects_and_takes_back(page, kept):
    page.draw(SEVEN)
    page.expect_read("7")
    page.page.wait_for_load_state("networkidle")
    label(page, 0).focus()
    for _ in range(4):
        page.page.keyboard.press("Tab")
    assert focused(page) == "4"

    page.page.keyboard.press("Enter")
    page.expect("#correct-said", re.compile("kept as 4"))
    assert focused(page) == "correct-undo"
    assert [found.label for found in kept()] == ["4"]

    page.page.keyboard.press("Space")
    page.expect("#correct-said", re.compile("taken back"))
    assert focused(page) == "4"
    assert kept() == []


def test_what_was_kept_last_is_taken_back_after_another_drawing_too(page, kept):
    page.draw(SEVEN)
    page.expect_read("7")
    label(page, 1).click()
    page.expect("#correct-said", re.compile("kept as 1"))
    page.page.click("#clear")
    page.expect("#sureness", "Nothing yet")
    assert label(page, 1).is_disabled()
    page.draw(ONE)
    page.expect_read("1")
    assert label(page, 2).is_enabled()
    assert label(page, 1).get_attribute("aria-pressed") == "false"

    page.page.click("#correct-undo")

    page.expect("#correct-said", re.compile("taken back"))
    assert kept() == []


def test_that_it_is_right_may_be_said_too(page, kept):
    page.draw(SEVEN)
    page.expect_read("7")
    assert label(page, 7).get_attribute("aria-label") == "It is 7, as it reads"

    label(page, 7).click()

    page.expect("#correct-said", re.compile("kept as 7"))
    assert [(found.answered, found.label) for found in kept()] == [("7", "7")]


def test_a_chosen_picture_is_corrected_as_the_version_that_answered_it(page, kept, store):
    store.promote("digits", 1)
    page.expect("#live-text", re.compile("^Version 1 is live"))
    page.page.set_input_files("#files", EXAMPLES / "3.jpg")
    page.expect("#answered-by", "version 1")

    label(page, 5).click()

    page.expect("#correct-said", re.compile("kept as 5"))
    store.rollback("digits")
    (found,) = kept()
    assert (found.version, found.label) == (1, "5")
    with Image.open(EXAMPLES / "3.jpg") as sent, Image.open(io.BytesIO(found.picture)) as stored:
        assert max(stored.size) <= 256
        assert abs(sent.width / sent.height - stored.width / stored.height) < 0.02
    page.expect("#live-text", re.compile("^Version 3 is live"))


def test_what_has_no_answer_cannot_be_corrected(page):
    page.page.set_input_files("#files", ROOT / "README.md")

    page.expect("#sureness", "There is nothing to read")
    assert page.page.locator("#correct-labels button:enabled").count() == 0
    page.errors.clear()


def test_the_page_says_what_is_kept(page):
    page.page.click("#correct summary")

    said = page.page.inner_text("#correct details")
    for word in ("256 pixels", "version", "your label", "no cookie", "train", "take it back"):
        assert word in said


def test_a_service_that_takes_no_more_says_so(page, kept, feedback):
    with contextlib.closing(Corrections(feedback)) as corrections:
        for number in range(PER_MINUTE):
            pixels = np.full((28, 28), number, np.uint8)
            corrections.add(Correction("digits", 3, "1", 0.5, "7", pixels), per_minute=PER_MINUTE, most=PER_MINUTE)
    page.draw(SEVEN)
    page.expect_read("7")

    label(page, 2).click()

    page.expect("#correct-said", re.compile(f"Nothing has changed: {PER_MINUTE} corrections came within a minute"))
    assert page.page.get_attribute("#correct-said", "data-state") == "problem"
    assert label(page, 2).is_enabled()
    assert all("429" in error for error in page.errors)
    page.errors.clear()


def test_where_nothing_is_kept_nothing_is_offered(opened):
    page = opened(answers={"**/feedback": {"on": False}})
    page.draw(SEVEN)
    page.expect_read("7")

    assert not page.page.is_visible("#correct")
    assert feedback_requests(page) == []


def test_on_a_phone_it_is_within_reach_and_nothing_is_cut_off(opened, kept):
    page = opened(**PHONE)
    page.draw(SEVEN)
    page.expect_read("7")

    label(page, 1).tap()

    page.expect("#correct-said", re.compile("kept as 1"))
    page.page.locator("#correct summary").tap()
    assert page.page.evaluate("document.documentElement.scrollWidth") == 390
    for one in page.page.locator("#correct-labels button").all():
        box = one.bounding_box()
        assert min(box["width"], box["height"]) >= 44
    assert len(kept()) == 1


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_axe_finds_nothing_serious(opened, colours, kept):
    from axe_playwright_python.sync_playwright import Axe

    page = opened(color_scheme=colours)
    page.draw(SEVEN)
    page.expect_read("7")
    page.page.click("#correct summary")
    reports = [Axe().run(page.page)]
    label(page, 1).click()
    page.expect("#correct-said", re.compile("kept as 1"))
    reports.append(Axe().run(page.page))

    found = [one["id"] for report in reports for one in report.response["violations"]]
    assert found == []


class ForeignPage(http.server.BaseHTTPRequestHandler):
    """A page on another site: localhost is another name than 127.0.0.1."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments):
        pass


@pytest.fixture
def foreign_url():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), ForeignPage) as foreign:
        thread = threading.Thread(target=foreign.serve_forever)
        thread.start()
        yield f"http://localhost:{foreign.server_port}/"
        foreign.shutdown()
        thread.join()


def test_a_page_of_another_site_keeps_nothing_here(browser, server, kept, foreign_url):
    """It asks as a form would, so that the browser does not ask first whether it may."""
    picture = (EXAMPLES / "7.png").read_bytes()
    with contextlib.closing(browser.new_context()) as context:
        page = context.new_page()
        page.goto(foreign_url)
        with page.expect_response(re.compile("/feedback")) as answer:
            page.evaluate(
                """([url, bytes]) => {
                    const form = new FormData();
                    form.append("image", new Blob([new Uint8Array(bytes)], { type: "image/png" }), "7.png");
                    fetch(url, { method: "POST", mode: "no-cors", body: form }).catch(() => {});
                }""",
                [f"{server.url}/feedback?label=1", list(picture)],
            )
        assert (answer.value.request.method, answer.value.status) == ("POST", 403)
    assert kept() == []


def test_the_training_report_of_a_version_is_linked_and_shown(page, store):
    version = store.read("digits", 2)
    pixels = np.random.default_rng(0).integers(0, 256, (40, 28, 28), dtype=np.uint8)
    report = write.path_of(store, "digits", 2)
    write.write(report, version, Answers(Examples(pixels, np.arange(40) % 10), version.scores(pixels)), "noise")
    link = page.page.locator("[aria-label='training report of version 2']")
    link.wait_for()
    assert page.page.locator(".version a").count() == 1

    with page.page.context.expect_page() as opened:
        link.click()
    shown, errors = opened.value, []
    shown.on("console", lambda message: errors.append(message.text))
    shown.reload()

    assert shown.inner_text("h1")
    shown.wait_for_load_state("load")
    widths = shown.locator("img").evaluate_all("(images) => images.map((image) => image.naturalWidth)")
    assert len(widths) > 3
    assert all(widths)
    assert shown.evaluate("getComputedStyle(document.body).maxWidth") != "none"
    assert errors == []
    report.unlink()
