"""The time from pen-up to the label on the page, in a real Chromium before the service as `make run` starts it.

    python -m benchmarks.page

Strokes of digits are drawn by the mouse. The page's own clock takes the time from the event `pointerup` until the
answer to the whole drawing stands in the document, and until the frame after that; the label that was there before, of
the unfinished drawing, does not count.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import numpy as np
from playwright.sync_api import Page, sync_playwright

_STROKES: Final = {
    "1": [(0.5, 0.18), (0.5, 0.82)],
    "7": [(0.27, 0.24), (0.72, 0.25), (0.43, 0.82)],
    "5": [
        (0.68, 0.2),
        (0.36, 0.21),
        (0.34, 0.45),
        (0.55, 0.42),
        (0.68, 0.55),
        (0.64, 0.73),
        (0.48, 0.81),
        (0.31, 0.75),
    ],
}

_WATCH: Final = """() => {
    window.times = [];
    let lifted = 0;
    document.getElementById("pad").addEventListener("pointerup", () => { lifted = performance.now(); }, true);
    new MutationObserver(() => {
        if (!lifted || !document.getElementById("said").textContent) return;
        const [from, said] = [lifted, performance.now()];
        lifted = 0;
        requestAnimationFrame(() => setTimeout(() => window.times.push([said - from, performance.now() - from])));
    }).observe(document.getElementById("said"), { childList: true });
}"""


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--drawings", type=int, default=100)
    parser.add_argument("--port", type=int, default=8765)
    given = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("there is no Chromium: apt-get install chromium")
    with _serving(given.port) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(url)
        page.wait_for_selector("#live[data-state=live]")
        page.evaluate(_WATCH)
        for number in range(given.drawings):
            _draw(page, list(_STROKES.values())[number % len(_STROKES)])
            while page.evaluate("times.length") <= number:  # the page's policy forbids waiting for a text of script
                page.wait_for_timeout(5)
            page.click("#clear")
        times = np.array(page.evaluate("times"))  # (drawings, 2)
        browser.close()
    print(f"from pen-up, ms, {given.drawings} drawings    median     p90     max")
    for name, column in (("label in the document", times[:, 0]), ("the frame after that", times[:, 1])):
        print(f"{name:32}{np.median(column):10.1f}{np.percentile(column, 90):8.1f}{column.max():8.1f}")


@contextmanager
def _serving(port: int) -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "-c", "service/gunicorn.conf.py"],
        cwd=Path(__file__).parent.parent,
        env={**os.environ, "PORT": str(port), "MLP_LOG_LEVEL": "warning"},
    )
    url, end = f"http://127.0.0.1:{port}", time.monotonic() + 30
    try:
        while time.monotonic() < end and process.poll() is None:
            with suppress(OSError):
                urllib.request.urlopen(f"{url}/readyz", timeout=5).close()  # noqa: S310 - our own server
                break
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _draw(page: Page, points: list[tuple[float, float]]) -> None:
    box = page.locator("#pad").bounding_box()
    if box is None:
        raise RuntimeError("the pad is not seen")
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=8)
    page.mouse.up()


if __name__ == "__main__":
    main()
