"""What a person does on the page, in a real browser."""

import base64
import re

import pytest

from tests.browser.conftest import CHROMIUM, DESKTOP, ONE, PHONE, SEVEN, TOKEN
from tests.drafts import ROOT

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="needs Chromium: apt-get install chromium")

EXAMPLES = ROOT / "examples"

GIVE = """([kind, data, name]) => {
    const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, { type: "image/png" }));
    const how = { bubbles: true, cancelable: true };
    document.body.dispatchEvent(kind === "drop"
        ? new DragEvent("drop", { ...how, dataTransfer: transfer })
        : new ClipboardEvent("paste", { ...how, clipboardData: transfer }));
}"""

COLOURS = """(canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const count = { blue: 0, orange: 0, light: 0 };
    for (let i = 0; i < data.length; i += 4) {
        if (data[i + 2] > data[i] + 40) count.blue++;
        else if (data[i] > data[i + 2] + 40) count.orange++;
        else if (data[i] > 128) count.light++;
    }
    return count;
}"""


def colours(page, selector):
    return page.page.locator(selector).first.evaluate(COLOURS)


def test_a_drawn_digit_is_read(page):
    page.draw(SEVEN)

    page.expect_read("7")
    page.expect("#sureness", re.compile("[Ss]ure"))
    page.expect("#bars .best .class", "7")
    page.wait_until(lambda: colours(page, "#seen")["light"] > 20)


def test_it_answers_while_one_draws(page):
    page.draw(SEVEN, lift=False)

    page.expect("#label", "7")
    page.expect("#said", "")  # who listens is told when the pen is lifted

    page.page.mouse.up()
    page.expect_read("7")


def test_blank_paper_is_no_mistake(page):
    page.expect("#sureness", "Nothing yet")

    page.draw(ONE)
    page.expect_read("1")
    page.page.click("#clear")

    page.expect("#sureness", "Nothing yet")
    assert page.page.is_disabled("#undo")
    assert page.page.is_disabled("#why-button")


def test_undo_takes_the_last_stroke_back(page):
    page.draw(ONE)
    page.expect_read("1")
    page.draw([[(0.2, 0.2), (0.8, 0.8), (0.2, 0.8), (0.8, 0.2)]])
    with page.page.expect_response(re.compile("/explain")):
        page.page.keyboard.press("Control+z")
    page.expect_read("1")

    page.page.click("#undo")
    page.expect("#sureness", "Nothing yet")


def test_a_wider_pen_leaves_more_ink(page):
    def ink():
        count = "(c) => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.filter((v, i) => i % 4 == 3 && v)"
        return page.page.locator("#pad").evaluate(f"({count})").__len__()

    page.page.check("input[value='0.045']", force=True)
    page.draw(ONE)
    page.expect_read("1")
    fine = ink()
    page.page.click("#clear")
    page.page.check("input[value='0.11']", force=True)
    page.draw(ONE)
    page.expect_read("1")

    assert ink() > 1.5 * fine


def test_the_keyboard_draws(page):
    page.page.focus("#pad")
    page.page.keyboard.press("ArrowUp")
    page.page.keyboard.press("Space")
    for _ in range(7):
        page.page.keyboard.press("Shift+ArrowDown")
    page.page.keyboard.press("Space")
    page.expect_read("1")

    page.page.keyboard.press("Delete")
    page.expect("#sureness", "Nothing yet")


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_a_picture_is_dropped_or_pasted(page, kind):
    data = base64.b64encode((EXAMPLES / "7.png").read_bytes()).decode()

    page.page.evaluate(GIVE, [kind, data, "seven.png"])

    page.expect("#tiles strong", "7")
    page.expect("#tiles .name", "seven.png")
    page.expect_read("7")


def test_several_pictures_are_a_list_to_choose_from(page):
    page.page.set_input_files("#files", [EXAMPLES / "3.jpg", EXAMPLES / "7.png"])
    page.expect("#pictures-said", "2 pictures read")
    assert page.page.locator("#tiles strong").all_inner_texts() == ["3", "7"]
    page.expect_read("3")

    page.page.locator(".tile").nth(1).click()
    page.expect_read("7")

    page.draw(ONE)  # on clean paper
    page.expect_read("1")


def test_what_is_no_picture_is_said_to_be_none(page):
    page.page.set_input_files("#files", ROOT / "README.md")

    page.expect("#tiles .problem", re.compile("no picture"))
    page.expect("#sureness", "There is nothing to read")
    assert all("422" in error for error in page.errors)
    page.errors.clear()


def test_why_shows_ink_for_and_against_and_the_units_that_weighed(page):
    page.draw(SEVEN)
    page.expect_read("7")
    page.page.click("#why-button")
    page.expect("#why-title", "Why 7?")
    page.page.locator("#units li").nth(7).wait_for()
    why = colours(page, "#heat")
    assert why["blue"] > 10

    page.page.locator("#bars .bar").nth(2).click()

    page.expect("#why-title", "Why not 2?")
    why_not = colours(page, "#heat")
    assert why_not["orange"] > why["orange"]
    assert page.page.get_attribute("#bars li:nth-child(3) .bar", "aria-pressed") == "true"


def test_a_model_that_moves_elsewhere_is_seen_here(page, store):
    page.draw(SEVEN)
    page.expect_read("7")

    store.promote("digits", 1)
    page.expect("#live-text", re.compile("^Version 1 is live"))
    page.expect("#answered-by", "version 1")

    store.rollback("digits")
    page.expect("#live-text", re.compile("^Version 3 is live"))
    page.expect("#answered-by", "version 3")


def test_promote_and_roll_back_with_the_token_which_is_kept_nowhere(page):
    assert page.page.locator("#version-list button").count() == 0
    page.draw(SEVEN)
    page.expect_read("7")

    page.page.fill("#token", TOKEN)
    page.page.click("[aria-label='Promote version 1']")
    page.expect("#news", re.compile("^Version 1 is live now"))
    page.expect(".version.live .name", re.compile("^Version 1"))
    page.expect("#answered-by", "version 1")

    page.page.click("text=Roll back to version 3")
    page.expect("#news", re.compile("^Version 3 is live now"))
    page.expect("#answered-by", "version 3")

    kept = page.page.evaluate("[JSON.stringify({ ...localStorage, ...sessionStorage }), document.cookie]")
    assert kept == ["{}", ""]
    page.page.reload()
    assert page.page.input_value("#token") == ""


def test_a_wrong_token_is_said_to_be_wrong_and_changes_nothing(page):
    page.page.fill("#token", "wrong")
    page.page.click("[aria-label='Promote version 1']")

    page.expect("#news", re.compile("needs an admin token"))
    page.expect(".version.live .name", re.compile("^Version 3"))
    assert all("401" in error for error in page.errors)
    page.errors.clear()


def test_two_versions_read_the_same_drawing(page):
    page.draw(SEVEN)
    page.page.check("#compare")

    page.expect("#side-a .label", "7")
    page.expect("#verdict", re.compile("^(Both read 7|They differ)"))
    assert [page.page.input_value(f"#version-{side}") for side in "ab"] == ["3", "2"]

    with page.page.expect_response(re.compile("/predict.*version=1")) as answer:
        page.page.select_option("#version-b", "1")
    assert answer.value.json()["version"] == 1
    page.expect("#side-b .label", answer.value.json()["predictions"][0]["label"])


def test_the_shadow_s_agreement_is_shown(page, store):
    store.promote("digits", 2, "shadow")
    page.expect("#shadow", re.compile("runs in the shadow"))
    page.draw(SEVEN)

    page.expect("#shadow", re.compile(r"version 2 agrees with version 3 on .* of \d+ pictures"))
    store.withdraw("digits", "shadow")


def test_a_finger_draws_on_a_phone_and_nothing_is_cut_off(opened):
    page = opened(**PHONE)
    box = page.page.locator("#pad").bounding_box()
    client = page.page.context.new_cdp_session(page.page)
    for place, (x, y) in enumerate(SEVEN[0]):
        point = {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}
        kind = "touchMove" if place else "touchStart"
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    page.expect_read("7")
    assert page.page.evaluate("scrollY") == 0  # the finger drew and did not scroll
    page.page.click("#why-button")
    page.page.locator("#units li").first.wait_for()
    assert page.page.evaluate("document.documentElement.scrollWidth") == 390
    label = page.page.locator("#label").bounding_box()
    assert label["y"] + label["height"] < 844  # beside the pad without scrolling
    assert page.page.is_visible("#camera-button")


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing_serious(opened, colours, size):
    from axe_playwright_python.sync_playwright import Axe

    page = opened(**size, color_scheme=colours)
    reports = [Axe().run(page.page)]
    page.page.set_input_files("#files", EXAMPLES / "3.jpg")
    page.expect("#tiles strong", "3")
    page.page.check("#compare")
    page.page.fill("#token", TOKEN)
    page.page.click("#why-button")
    page.page.locator("#units li").first.wait_for()
    page.expect("#verdict", re.compile("."))
    reports.append(Axe().run(page.page))

    grave = [
        (found["id"], [node["html"] for node in found["nodes"]])
        for report in reports
        for found in report.response["violations"]
        if found["impact"] in ("serious", "critical")
    ]
    assert grave == []
    assert all(len(report.response["passes"]) > 15 for report in reports)


def test_the_policy_is_in_force_and_nothing_comes_from_elsewhere(page, server):
    page.page.evaluate("""() => {
        const script = document.createElement("script");
        script.textContent = "window.injected = true";
        document.body.append(script);
        document.body.append(Object.assign(new Image(), { src: "http://127.0.0.2/x.png" }));
    }""")
    page.wait_until(lambda: len(page.errors) == 2)

    assert page.page.evaluate("window.injected") is None
    page.draw(SEVEN)
    page.expect_read("7")
    assert {url.split("/", 3)[2] for url in page.urls} == {server.url.removeprefix("http://"), "127.0.0.2"}
    assert len(page.errors) == 2
    assert all("Content Security Policy" in error for error in page.errors)
    page.errors.clear()
