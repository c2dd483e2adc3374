"""What docs/python.md shows after `>>>` is run, in order, and has to print what it says."""

import doctest
import re
import shutil

from tests.drafts import ROOT

PAGE = (ROOT / "docs/python.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```pycon\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_page_s_examples_run_and_print_what_it_says(tmp_path, monkeypatch):
    for name in ("models", "examples"):
        shutil.copytree(ROOT / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    examples = doctest.DocTestParser().get_doctest("\n".join(BLOCKS), {}, "docs/python.md", None, 0)
    said: list[str] = []

    found = doctest.DocTestRunner().run(examples, out=said.append)

    assert found.failed == 0, "".join(said)


def test_the_page_shows_how_to_load_to_explain_and_to_train():
    shown = "\n".join(BLOCKS)

    assert all(name in shown for name in ("load(", ".predict(", "explain(", "MultilayerPerceptron(", "from_estimator("))
    assert ">>>" not in re.sub(r"^```pycon\n.*?^```$", "", PAGE.replace("`>>>`", ""), flags=re.MULTILINE | re.DOTALL)
