"""Secrets in environment variables."""

import os
from collections.abc import Mapping

from trayapp.errors import UserError
from trayapp.messages import say


def from_environment(variable: str, environ: Mapping[str, str] = os.environ) -> str:
    """The secret in the environment variable `variable` (with or without a leading $). UserError if unset or empty."""
    name = variable.removeprefix("$")
    value = environ.get(name)
    if value:
        return value
    raise UserError(
        say("The environment variable {name} is not set", name=name)
        if value is None
        else say("The environment variable {name} is empty", name=name),
        say("The settings say that a secret is in it."),
        say("Set {name} where TraySync is started, or store the secret with: traysync secret set", name=name),
    )
