"""What a person does on the page that describes the service, in a real browser."""

import re
import subprocess

import pytest

from tests.browser.conftest import CHROMIUM, DESKTOP, PHONE
from tests.drafts import ROOT

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="needs Chromium: apt-get install chromium")


@pytest.fixture
def docs(opened):
    def open_docs(anchor="", **how):
        page = opened(path="/docs" + anchor, **how)
        page.page.wait_for_selector("#predict")
        return page

    return open_docs


def test_every_operation_is_there_and_can_be_opened(docs, server):
    found = docs()
    operations = found.page.evaluate("fetch('openapi.json').then((answer) => answer.json()).then((d) => d.paths)")
    ids = [operation["operationId"] for item in operations.values() for operation in item.values()]

    found.page.evaluate("document.querySelectorAll('main details.block').forEach((one) => { one.open = true; })")
    found.wait_until(lambda: found.page.locator("main details.block .operation .answers").count() == len(ids))

    assert all(found.page.locator(f"#{name} .command").count() == 1 for name in ids)
    assert len(ids) == found.page.locator("#contents li").count()
    assert all(url.startswith(server.url) for url in found.urls), "it works without the network"


def test_a_schema_is_opened_step_by_step(docs):
    page = docs("#predict").page
    answers = page.locator("#predict .answers > li").first

    answers.locator("summary", has_text="application/json").click()
    answers.locator("dd summary", has_text="Prediction").first.click()

    answers.get_by_text("The class with the highest score.").wait_for()


def test_words_find_operations(docs):
    page = docs().page

    page.fill("#filter", "alias put")

    assert page.locator("#moveAlias").is_visible()
    assert not page.locator("#predict").is_visible()
    assert page.locator("#contents li:visible").count() == 1
    assert page.locator("#found").text_content() == "1 found"


def test_a_get_request_is_tried(docs):
    found = docs("#getModel")
    assert found.page.input_value("#getModel input >> nth=0") == "digits"

    found.page.click("#getModel button[type=submit]")

    found.expect("#getModel .status-line", re.compile(r"^200 OK"))
    assert '"production": 3' in found.page.text_content("#getModel .answered > pre")


def test_a_chosen_picture_is_read(docs):
    found = docs("#predict")
    found.page.select_option("#predict .body select >> nth=0", "image/png")
    found.page.set_input_files("#predict input[type=file]", ROOT / "examples/7.png")
    found.page.fill("#predict .field:has(label:text-is('top_k')) input", "2")

    found.page.click("#predict button[type=submit]")

    found.expect("#predict .status-line", re.compile(r"^200 OK"))
    assert '"label": "7"' in found.page.text_content("#predict .answered > pre")
    command = found.page.text_content("#predict .command")
    assert "/predict?top_k=2'" in command
    assert "--data-binary @7.png" in command


def test_an_example_of_each_form_is_read(docs):
    found = docs("#predict")
    kinds = [
        option.get_attribute("value") for option in found.page.locator("#predict .body select >> nth=0 >> option").all()
    ]
    assert len(kinds) == 10

    for kind in kinds:
        found.page.select_option("#predict .body select >> nth=0", kind)
        with found.page.expect_response(re.compile("/predict$")) as answer:
            found.page.click("#predict button[type=submit]")
        assert answer.value.status == 200, kind
        assert answer.value.json()["predictions"][0]["label"] == "7", kind


def test_an_error_is_shown(docs):
    found = docs("#predict")
    found.page.fill("#predict .field:has(label:text-is('version')) input", "99")

    found.page.click("#predict button[type=submit]")

    found.expect("#predict .status-line", re.compile(r"^404 "))
    assert "has no version 99" in found.page.text_content("#predict .answered > pre")
    found.errors[:] = [error for error in found.errors if "404" not in error]  # the browser says that itself


def test_what_changes_the_store_is_shown_and_not_sent(docs):
    page = docs("#moveAlias").page

    assert "Bearer $MLP_ADMIN_TOKEN" in page.text_content("#moveAlias .command")
    assert page.locator("#moveAlias button[type=submit]").count() == 0


def test_the_command_is_what_a_shell_runs(docs):
    found = docs("#predict")
    found.page.select_option("#predict .body select >> nth=0", "application/json")
    found.page.select_option("#predict .body select >> nth=1", "picture")

    done = subprocess.run(
        ["bash", "-c", found.page.text_content("#predict .command")], capture_output=True, text=True, check=True
    )

    assert '"label":"7"' in done.stdout


def test_the_keyboard_goes_everywhere(docs):
    page = docs().page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    for _ in range(3):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.block > summary')"):
            break
    page.keyboard.press("Enter")

    assert page.locator("main details.block[open]").count() == 1


@pytest.mark.parametrize(("how", "colours"), [(DESKTOP, "light"), (DESKTOP, "dark"), (PHONE, "dark")])
def test_axe_finds_no_serious_violation(docs, how, colours):
    from axe_playwright_python.sync_playwright import Axe

    page = docs("#predict", **how, color_scheme=colours).page
    page.locator("#predict .answers summary").first.click()
    page.click("#predict button[type=submit]")
    page.wait_for_selector("#predict .status-line")

    found = Axe().run(page).response

    grave = [one for one in found["violations"] if one["impact"] in ("serious", "critical")]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in grave] == []
    assert len(found["passes"]) > 15


def test_nothing_is_wider_than_the_window(docs):
    page = docs("#predict").page
    for summary in page.locator("#predict .answers .part > summary").all()[:3]:
        summary.click()

    for width in (320, 390, 760, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
