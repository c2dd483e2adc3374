import pytest

from mlp.aliases import AliasDocument
from mlp.errors import AliasDocumentError, NothingToRollBack


def test_moving_an_alias_raises_the_generation_and_remembers_where_it_was():
    first = AliasDocument().moved("production", 1)
    second = first.moved("production", 2)

    assert (first.generation, first.aliases, first.previous) == (1, {"production": 1}, {})
    assert (second.generation, second.aliases, second.previous) == (2, {"production": 2}, {"production": 1})


def test_moving_to_where_it_is_changes_nothing():
    document = AliasDocument().moved("production", 1)

    assert document.moved("production", 1) == document


def test_rollback_goes_back_and_a_second_one_forth_again():
    document = AliasDocument().moved("production", 1).moved("production", 2)

    back = document.rolled_back("production")
    forth = back.rolled_back("production")

    assert (back.aliases["production"], forth.aliases["production"]) == (1, 2)
    assert (back.generation, forth.generation) == (3, 4)


def test_an_alias_that_never_moved_cannot_be_rolled_back():
    with pytest.raises(NothingToRollBack, match="production has not moved"):
        AliasDocument().moved("production", 1).rolled_back("production")


def test_fields_of_a_newer_program_survive_a_rewrite():
    text = b'{"generation": 7, "aliases": {"production": 3}, "traffic": {"candidate": 0.05}}'

    document = AliasDocument.parse(AliasDocument.parse(text).moved("shadow", 4).text())

    assert document.model_dump()["traffic"] == {"candidate": 0.05}
    assert document.aliases == {"production": 3, "shadow": 4}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "JSON"),
        (b'{"generation": 7, "ali', "JSON"),
        (b"[]", "JSON"),
        (b'{"generation": -1}', "generation"),
        (b'{"generation": "7"}', "generation"),
        (b'{"aliases": {"production": 0}}', "aliases.production"),
        (b'{"aliases": {"production": "3"}}', "aliases.production"),
        (b'{"aliases": {"3": 3}}', "aliases.3"),
        (b"\xff\xfe", "JSON"),
    ],
)
def test_a_damaged_document_is_refused_naming_the_place(text, says):
    with pytest.raises(AliasDocumentError, match=says):
        AliasDocument.parse(text)
