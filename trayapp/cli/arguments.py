"""Arguments that need more than argparse: pairs, durations, moments."""

import argparse
from datetime import datetime, timedelta

from trayapp.endpoints.calendar import YEARS
from trayapp.endpoints.units import Duration
from trayapp.errors import UserError
from trayapp.messages import say

Options = argparse.Namespace


def pair(text: str, separator: str, option: str) -> tuple[str, str]:
    """NAME and VALUE of an argument like NAME=VALUE. UserError names the option where it has another form.

    It does not quote the argument, which may be a secret.
    """
    name, found, value = text.partition(separator)
    if not found or not name.strip():
        raise UserError(
            say("{option} can't be read", option=option),
            say("It must have the form NAME{separator}VALUE.", separator=separator),
            say("Correct it."),
        )
    return name.strip(), value.strip()


def duration(text: str) -> Duration:
    """A duration like 1h. UserError when it is none."""
    try:
        return Duration.parse(text)
    except ValueError as error:
        raise UserError(say("The duration can't be read"), say("{error}.", error=error), say("Correct it.")) from error


def moment(text: str, past: bool = False) -> datetime:
    """An aware time: ISO 8601 (local where it has no zone), or a duration from now, `past` back from now. UserError."""
    now = datetime.now().astimezone()
    try:
        return now + timedelta(seconds=Duration.parse(text).seconds) * (-1 if past else 1)
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(text)
        if found.year not in YEARS:
            raise ValueError(text)
    except ValueError as error:
        raise UserError(
            say("The time “{text}” can't be read", text=text),
            say("Write it like 2026-11-24T18:00, or as a duration like 1h."),
            say("Correct it."),
        ) from error
    return found if found.tzinfo else found.astimezone()
