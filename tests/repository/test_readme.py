import shutil

import pytest

from tests.drafts import ROOT
from tests.repository import console

PAGE = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.skipif(
    not all(map(shutil.which, ("curl", "git", "make", "bash"))) or not (ROOT / ".git").exists(),
    reason="needs curl, git, make and bash, and a git checkout to copy",
)
def test_the_readme_s_commands_run_and_print_what_it_says(tmp_path):
    with console.workplace(tmp_path) as place:
        for command in console.commands(PAGE):
            if command.text in console.NOT_RUN:
                continue
            printed = place.run(command)
            assert not command.output or console.matches(command.output, printed), (
                f"$ {command.text}\nsays:\n{command.output}\nprinted:\n{printed}"
            )


def test_every_body_form_has_its_curl():
    texts = " ".join(command.text for command in console.commands(PAGE) if "curl" in command.text)

    for form in (
        "image/png",
        "-F image=@",
        "application/json",
        "base64",
        "application/octet-stream",
        "application/x-npy",
    ):
        assert form in texts


def test_an_ellipsis_matches_anything_and_other_text_only_itself():
    assert console.matches("a … z\n", "a b\nc z")
    assert not console.matches("a.c", "abc")


def test_fractions_may_differ_by_rounding_and_no_more():
    assert console.matches("[0.1234567,2.4e-6] x", "[0.1234569,2.3e-6] x\n")
    assert not console.matches("[0.1234567]", "[0.1236]")
    assert not console.matches("[0.5, 7]", "[0.5, 8]")
