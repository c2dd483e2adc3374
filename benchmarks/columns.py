"""Setting out rows below a head: aligned for a terminal, or as Markdown."""

from collections.abc import Collection, Sequence


def columns(head: Sequence[str], rows: Sequence[Sequence[str]], *, words: Collection[str], markdown: bool) -> str:
    """Give the table's text; columns whose head is in `words` are aligned to the left, numbers to the right."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    left = [name in words for name in head]

    def line(row: Sequence[str], between: str) -> str:
        return between.join(f.ljust(w) if word else f.rjust(w) for f, w, word in zip(row, widths, left, strict=True))

    if not markdown:
        return "\n".join(line(row, "  ").rstrip() for row in [head, *rows])
    rule = ["-" * width if word else "-" * (width - 1) + ":" for width, word in zip(widths, left, strict=True)]
    return "\n".join(f"| {line(row, ' | ')} |" for row in [head, rule, *rows])
