"""The pages of documentation lead to each other: every link has an end, and every page can be reached."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.drafts import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
FENCED = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)


def text(page: Path) -> str:
    """A page without its blocks of code."""
    return FENCED.sub("", page.read_text(encoding="utf-8"))


def links(page: Path) -> list[str]:
    """Where a page's relative links lead."""
    found = re.findall(r"\]\(([^()\s]+)\)", text(page))
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def anchors(page: Path) -> set[str]:
    """What a link may name behind a #, as GitHub makes it of a page's headings."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ +(.*?) *#*$", text(page), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        number = next(n for n in range(len(found) + 1) if (f"{slug}-{n}" if n else slug) not in found)
        found.add(f"{slug}-{number}" if number else slug)
    return found


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


LINKS = [(page, link) for page in PAGES for link in links(page)]


@pytest.mark.parametrize(("page", "link"), LINKS, ids=[f"{named(page)} → {link}" for page, link in LINKS])
def test_a_link_leads_to_a_file_and_to_a_heading_of_it(page, link):
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page

    assert target.exists(), f"{named(page)} links to {link}, which is not there"
    if anchor:
        assert anchor in anchors(target), f"{named(page)} links to {link}; the headings are {sorted(anchors(target))}"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_page_can_be_reached_from_the_readme(page):
    reached: set[Path] = set()
    ahead = [ROOT / "README.md"]
    while ahead:
        here = ahead.pop()
        if here not in reached and here.exists():
            reached.add(here)
            ahead += [(here.parent / link.partition("#")[0]).resolve() for link in links(here) if ".md" in link]

    assert page in reached, f"link to {named(page)} from README.md or a page that it leads to"


def test_every_page_that_a_text_or_a_comment_names_is_there():
    """`docs/….md`, wherever it stands."""
    found = subprocess.run(
        ["grep", "-rnoE", r"\bdocs/[a-z-]+\.md", "--include=*.py", "--include=*.md", "--include=*.toml",
         "mlp", "training", "service", "benchmarks", "docs", "README.md", "CHANGELOG.md", "Makefile", "pyproject.toml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    ).stdout.splitlines()  # fmt: skip

    assert len(found) > 20
    assert [line for line in found if not (ROOT / line.rpartition(":")[2]).exists()] == []


def test_headings_have_the_anchors_that_github_gives_them(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A `b`, c\n## A-b_c d!\n## Twice\n### Twice\n```\n# no\n```\n## [POST /x](y.md)\n")

    assert anchors(page) == {"a-b-c", "a-b_c-d", "twice", "twice-1", "post-x"}
