"""The short form of `make attacks`: each attack on one server, with wider bounds, for a machine that is shared."""

import dataclasses

import pytest

from fuzz.attacks import archives, numbers, pictures, requests
from fuzz.attacks.measure import Server, measured, warmed

ATTACKS = [
    pytest.param(attack, id=attack.name)
    for kind in (pictures, numbers, archives, requests)
    for attack in kind.ATTACKS
    if attack.short
]

SLACK = 3
"""Times what `make attacks` allows, whose workers are new for each attack; here memory is left from those before."""


@pytest.fixture(scope="module")
def server():
    with Server() as running:
        warmed(running)
        yield running


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused_at_bounded_cost_and_others_are_answered(server, attack):
    allowed = dataclasses.replace(attack, seconds=SLACK * attack.seconds, mb=SLACK * attack.mb)

    cost = measured(server, attack)
    if cost.wrong(allowed):  # once may be the machine, which others use; an attack costs the same every time
        cost = measured(server, attack)

    assert cost.wrong(allowed) == []
    assert cost.beside > 0
    assert server.survived(), server.log.read_text()[-2000:]
