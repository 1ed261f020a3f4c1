"""Commands and their results as they travel between programs."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trayapp.desktop.socket.protocol import Answer, decode, encode
from trayapp.errors import UserError
from trayapp.operations import commands
from trayapp.operations.commands import AnyCommand, Command, decode_command
from trayapp.operations.vault import Allowance
from trayapp.schedule.conditions.constraints import Overruled

KINDS: tuple[type[Command[Any]], ...] = get_args(AnyCommand)
TEXT = st.text(max_size=8)
SCALAR = st.booleans() | st.integers(-(2**53), 2**53) | TEXT
PLAIN = st.dictionaries(TEXT, SCALAR | st.lists(SCALAR, max_size=3) | st.dictionaries(TEXT, TEXT), max_size=3)
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45)), timezone(timedelta(hours=-3))])
TIMES = st.datetimes(datetime(1970, 1, 2), datetime(9998, 1, 1), timezones=ZONES)


def of(kind: type[msgspec.Struct]) -> st.SearchStrategy[msgspec.Struct]:
    """Any message of that kind: its fields, too, take any value that they may have."""
    fields = {field.name: values(field.type) for field in msgspec.structs.fields(kind)}
    return st.fixed_dictionaries(fields).map(lambda found: kind(**found))


def values(type_: Any) -> st.SearchStrategy[Any]:
    if type_ == commands.Plain:
        return PLAIN
    if type_ in (Allowance, Overruled):
        return of(type_)
    if get_args(type_) == (Allowance, ...) or get_args(type_) == (Overruled, ...):
        return st.lists(of(get_args(type_)[0]), max_size=3).map(tuple)
    if get_args(type_) == (commands.Plain, ...):
        return st.lists(PLAIN, max_size=3).map(tuple)
    if type_ == msgspec.structs.fields(commands.Pause)[0].type:
        return st.none() | TIMES
    return st.from_type(type_)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@settings(max_examples=20)
@given(data=st.data())
def test_every_command_and_its_result_arrive_as_they_were_sent(kind: type[Command[Any]], data: st.DataObject) -> None:
    command, result = data.draw(of(kind)), data.draw(of(kind.result_type()))
    line = encode(command)
    assert line.count(b"\n") == 1
    assert decode_command(line) == command
    answer = decode(encode(Answer(result=result)), Answer[kind.result_type()])  # type: ignore[misc]
    assert answer.result == result


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_command_with_a_field_that_is_not_known_is_refused(kind: type[Command[Any]]) -> None:
    line = b'{"command": "%s", "from_the_future": 1}' % kind.__name__.encode()
    with pytest.raises(UserError) as caught:
        decode_command(line)
    assert caught.value.problem.code == "version_mismatch"


@given(name=st.text().filter(lambda name: name not in {kind.__name__ for kind in KINDS}))
def test_an_unknown_command_is_refused_in_words(name: str) -> None:
    with pytest.raises(UserError) as caught:
        decode_command(encode({"command": name}))
    assert caught.value.problem.code == "version_mismatch"
    assert "Quit TraySync and start it again." in str(caught.value)


@given(time=st.datetimes(datetime(1970, 1, 2), datetime(9998, 1, 1)))
def test_a_time_that_does_not_say_which_zones_is_refused(time: datetime) -> None:
    with pytest.raises(UserError):
        decode_command(encode({"command": "Pause", "until": time}))
