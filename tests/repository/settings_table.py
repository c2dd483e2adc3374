"""The README's table of settings, made from the settings; `python -m tests.repository.settings_table` writes it."""

import re

from service.settings import Settings, processors, variable
from tests.drafts import ROOT

MARKS = re.compile(r"(?<=<!-- settings -->\n).*(?=<!-- /settings -->)", re.DOTALL)


def table() -> str:
    rows = ["| variable | default | what it is |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "processors" if field.default_factory is processors else f"`{field.default}`"
        rows.append(f"| `{variable(name)}` | {default} | {field.description} |")
    return "\n".join(rows) + "\n"


def main() -> None:
    page = ROOT / "README.md"
    page.write_text(MARKS.sub(table(), page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
