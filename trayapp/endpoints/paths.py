"""The small language of `response.records`: where an answer's records are, and what makes a record of each."""

import re
from typing import Literal

import msgspec

FIRST_ROW = "first row"
"""What stands after "with" when the rows' own first one has the names of the fields."""

_WORDS = re.compile(
    r"^(?P<path>.*?)(?: as (?P<field>\S.*?))?(?: with (?P<names>first row|\S+))?"
    r"(?P<zipped> zipped)?(?: flat (?P<flat>\S.*))?\Z",
    re.DOTALL,
)
_KEYWORD = re.compile(r"(?:^| )(?:as|with|zipped|flat)(?: |$)")


class Step(msgspec.Struct, frozen=True):
    """One step of a path: into a member (`name`, "" stays), then, if asked, to each item or each member's value."""

    name: str
    each: Literal["", "items", "values"] = ""


class RecordsPath(msgspec.Struct, frozen=True, kw_only=True):
    """A path with its words; `names` is FIRST_ROW, or the text of the path to the list of field names."""

    steps: tuple[Step, ...] = ()
    field: str = ""
    names: str = ""
    zipped: bool = False
    flat: str = ""


def parse_records_path(text: str) -> RecordsPath:
    """The records path in `text`, which is neither "auto" nor a JMESPath. Raises ValueError in words for people.

    A path is names with dots between them; `name[]` goes on with each item of a list (a single value counts as a list
    of one, none as an empty one), `name.*` with each value of an object. Words after it say more:
    `… as FIELD` keeps the keys of `*` (or the plain values of a list) in that field; `… with PATH` and
    `… with first row` make records of lists, named by another list; `… zipped` makes records of an object of lists;
    `… flat FIELD` puts the members of that object beside the record's own.
    """
    text = text.strip()
    found = _WORDS.match(f" {text}" if _KEYWORD.match(text) else text)
    assert found is not None  # every part is optional
    path = found["path"].strip()
    if any(_KEYWORD.search(part) for part in (path, found["field"] or "", found["flat"] or "")):
        raise ValueError(f"the words in {text!r} must come as: as FIELD, with PATH, zipped, flat FIELD")
    steps = _steps(path, text)
    field, names, zipped = found["field"] or "", found["names"] or "", bool(found["zipped"])
    if sum(map(bool, (field, names, zipped))) > 1:
        raise ValueError("only one of as, with and zipped can be used")
    if names and names != FIRST_ROW:
        _steps(names, text)
    return RecordsPath(steps=steps, field=field, names=names, zipped=zipped, flat=found["flat"] or "")


def names_path(path: RecordsPath) -> tuple[Step, ...]:
    """The steps to the list of field names that `path.names` gives."""
    return _steps(path.names, path.names)


def is_plain(name: str) -> bool:
    """Whether a member of that name can be a step of a path."""
    return bool(name) and name == name.strip() and not re.search(r"[.*]|\[\]", name) and not _KEYWORD.search(name)


def _steps(path: str, text: str) -> tuple[Step, ...]:
    if not path:
        return ()
    steps: list[Step] = []
    for part in path.split("."):
        if part == "*":
            if steps and not steps[-1].each:
                steps[-1] = Step(steps[-1].name, "values")
            else:
                steps.append(Step("", "values"))
        elif part.endswith("[]") and "[" not in part[:-2] and (part != "[]" or not steps):
            steps.append(Step(part[:-2], "items"))
        elif part and "[" not in part:
            steps.append(Step(part))
        else:
            raise ValueError(
                f"{text!r} is no path to records; write names with dots between them, like data.items,"
                " edges[].node or rates.* as code"
            )
    return tuple(steps)
