import pytest

from mlp.activations import ACTIVATIONS
from mlp.derivatives import DERIVATIVES
from mlp.prepare import PREPARATIONS
from training import recipes
from training.errors import RecipeError
from training.initialise import INITIALISERS
from training.losses import LOSSES
from training.optimisers import OPTIMISERS
from training.recipes import Recipe


def choices(field):
    return set(Recipe.model_json_schema()["properties"][field]["enum"])


def test_the_choices_of_a_recipe_are_what_there_is():
    assert choices("activation") == choices("output") == set(ACTIVATIONS) == set(DERIVATIVES)
    assert choices("preparation") == set(PREPARATIONS)
    assert choices("init") == set(INITIALISERS)
    assert choices("loss") == set(LOSSES)
    assert Recipe.model_fields["optimiser"].default in OPTIMISERS


@pytest.mark.parametrize("field", Recipe.model_fields)
def test_every_field_is_described(field):
    assert len(Recipe.model_fields[field].description) > 15


def test_the_book_s_network_is_the_book_s():
    book = recipes.load("book")

    assert (book.hidden, book.activations, book.loss) == ((50,), ("sigmoid", "sigmoid"), "mse")
    assert (book.init, book.init_scale, book.batch_size, book.epochs) == ("normal", 0.1, 100, 50)
    assert (book.low, book.high, book.pool, book.validation, book.test) == (-1, 1, True, 5000, 10000)
    assert book.learning_rate == pytest.approx(0.1 * 10)


def test_fields_given_as_text_replace_those_of_the_file():
    recipe = recipes.load(
        "book", {"hidden": "100,50", "learning_rate": "0.5", "batch_size": "full", "validation": "0.1", "test": "500"}
    )

    assert recipe.hidden == (100, 50)
    assert recipe.learning_rate == 0.5
    assert recipe.batch_size == "full"
    assert (recipe.validation, recipe.test) == (0.1, 500)
    assert recipes.load("book", {"hidden": ""}).hidden == ()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"hidden": "0"}, "hidden"),
        ({"hidden": "many"}, "hidden"),
        ({"epochs": "0"}, "epochs"),
        ({"batch_size": "some"}, "batch_size"),
        ({"learning_rate": "nan"}, "learning_rate"),
        ({"activation": "step"}, "activation"),
        ({"loss": "cross_entropy", "output": "tanh"}, "softmax or sigmoid"),
        ({"dropout": 0.1, "activation": "softmax"}, "dropout does not go"),
        ({"low": 1, "high": 0}, "low must be below high"),
        ({"model": "../x"}, "model"),
        ({"speed": 1}, "speed"),
    ],
)
def test_a_wrong_field_is_refused_and_named(changes, says):
    with pytest.raises(RecipeError, match=says):
        recipes.load("book", changes)


def test_an_unknown_recipe_names_those_there_are():
    with pytest.raises(RecipeError, match="book"):
        recipes.load("cake")


def test_a_recipe_of_one_s_own_is_read_from_its_path(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("hidden = [7]\nepochs = 3\n")

    assert recipes.load(str(path)).hidden == (7,)


@pytest.mark.parametrize("text", ["hidden = [", "\x00", "hidden = 7 7"])
def test_a_file_that_is_no_toml_is_refused(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text)

    with pytest.raises(RecipeError, match="cannot be read"):
        recipes.load(str(path))


@pytest.mark.parametrize("name", recipes.names())
def test_every_recipe_that_comes_along_is_valid(name):
    assert recipes.load(name)
