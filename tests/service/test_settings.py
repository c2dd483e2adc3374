import pytest

from service.errors import SettingsError
from service.settings import Settings, variable


def test_the_environment_decides(monkeypatch):
    monkeypatch.setenv("PORT", "9000")
    monkeypatch.setenv("WEB_CONCURRENCY", "3")
    monkeypatch.setenv("MLP_MAX_BATCH", "7")

    settings = Settings.load()

    assert (settings.port, settings.workers, settings.max_batch) == (9000, 3, 7)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("WEB_CONCURRENCY", "0"),
        ("MLP_MAX_BATCH", "-1"),
        ("MLP_LOG_LEVEL", "loud"),
        ("MLP_POLL_SECONDS", "nan"),
        ("MLP_MODELS", "ftp://host/models"),
    ],
)
def test_a_wrong_value_is_refused_naming_the_variable_and_the_value(monkeypatch, name, value):
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError, match=f"{name}: .*'{value}'"):
        Settings.load()


@pytest.mark.parametrize("field", Settings.model_fields)
def test_every_setting_has_a_description(field):
    assert len(Settings.model_fields[field].description) > 20
    assert variable(field).isupper()


def test_settings_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        Settings().port = 1
