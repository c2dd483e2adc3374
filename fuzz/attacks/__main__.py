"""python -m fuzz.attacks: attack a server of one worker in every way there is, and print what each has cost.

Each attack meets a worker that has just started. Processor time and memory are the worker's, by /proc; a client beside
asks for a small picture and for /healthz all the time. It ends with another status than 0 where an attack cost more
than it may.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from typing import Final

from benchmarks.columns import columns
from fuzz.attacks import archives, numbers, pictures, requests
from fuzz.attacks.attack import Attack
from fuzz.attacks.measure import HANGS, Cost, Server, measured, warmed

HEAD: Final = ["attack", "sent", "answer", "processor, s", "memory, MB", "others waited, s", "why more"]

KINDS: Final = {
    "pictures": pictures.ATTACKS,
    "numbers": numbers.ATTACKS,
    "archives": archives.ATTACKS,
    "requests": requests.ATTACKS,
}

_WORDS: Final = {0: "closed", HANGS: "hangs"}


def row(attack: Attack, cost: Cost) -> list[str]:
    """Give the table's row."""
    said = ", ".join(_WORDS.get(status, str(status)) for status in cost.statuses)
    size = cost.sent
    length = f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} KB"
    return [attack.name, length, said, f"{cost.seconds:.2f}", f"{cost.mb:.0f}", f"{cost.waited:.2f}", attack.why]


def main(arguments: Sequence[str] | None = None) -> None:
    """Attack, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m fuzz.attacks", description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of {', '.join(KINDS)} [all]")
    parser.add_argument("--only", default="", help="a pattern that an attack's name must have")
    parser.add_argument("--short", action="store_true", help="the short form: without those that take long")
    parser.add_argument("--markdown", action="store_true", help="the table as Markdown")
    options = parser.parse_args(arguments)
    chosen = [
        attack
        for kind in options.kinds or KINDS
        for attack in KINDS[kind]
        if re.search(options.only, attack.name) and (attack.short or not options.short)
    ]
    rows, wrong = [], []
    with Server() as server:
        for attack in chosen:
            server.renewed()
            warmed(server)
            cost = measured(server, attack)
            rows.append(row(attack, cost))
            print("  ".join(rows[-1]), file=sys.stderr)
            wrong += [f"{attack.name}: {what}" for what in cost.wrong(attack)]
        if not server.survived():
            wrong.append("the server's log tells of an error that nobody expected")
    print(columns(HEAD, rows, words={HEAD[0], HEAD[2], HEAD[-1]}, markdown=options.markdown))
    print("\n".join(wrong), file=sys.stderr)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
