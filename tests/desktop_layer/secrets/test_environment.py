"""Secrets from the environment."""

import pytest

from trayapp.desktop.secrets.environment import from_environment
from trayapp.errors import UserError


@pytest.mark.parametrize("name", ["GITHUB_TOKEN", "$GITHUB_TOKEN"])
def test_the_variables_value_is_the_secret(name: str) -> None:
    assert from_environment(name, {"GITHUB_TOKEN": "abc"}) == "abc"


@pytest.mark.parametrize(("environ", "word"), [({}, "not set"), ({"TOKEN": ""}, "empty")])
def test_a_missing_variable_is_named(environ: dict[str, str], word: str) -> None:
    with pytest.raises(UserError, match=f"TOKEN is {word}") as caught:
        from_environment("TOKEN", environ)
    assert "traysync secret set" in caught.value.next
