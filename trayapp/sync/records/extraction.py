"""The records of an answer, cut from its text as they stand there."""

import functools
import itertools
import re
from collections.abc import Callable, Iterator, Sequence

import msgspec

from trayapp.endpoints.model import Response
from trayapp.endpoints.paths import RecordsPath, parse_records_path
from trayapp.messages import Message, foreign, say
from trayapp.store.records.pages import JsonPage, Page
from trayapp.sync.errors import SyncError
from trayapp.sync.formats.characters import check_utf8
from trayapp.sync.formats.faults import no_list, too_deep, unreadable
from trayapp.sync.formats.lenient_json import exact_float, mended, parse
from trayapp.sync.formats.text import Body, is_plain_json
from trayapp.sync.http.failures import ended
from trayapp.sync.http.large import Large
from trayapp.sync.http.request import Answer
from trayapp.sync.records import selection

MOST_LEVELS = 500
"""Of arrays and objects in each other in a record: what every Python can read, and SQLite's JSON functions, too."""


def records_of(
    body: Body, path: str, url: str, split: "Callable[[bytes, str, str], Sequence[bytes]] | None" = None
) -> Page:
    """The records of an answer as `split` gives them, which is `split_records`; but rows of cells still as such."""
    if body.cells is not None and not path:
        return body.cells
    text = body.text if body.cells is None else body.cells.as_json().text
    records = (split or split_records)(text, path, url)
    return JsonPage(records, warnings=records.warnings if isinstance(records, _Mended) else ())


def split_records(text: bytes, path: str, url: str) -> list[bytes]:
    """The records at `path` (see endpoints.paths, or "jmes:…"), each as the bytes of a JSON object.

    Raises SyncError when there are none, which is not the same as an empty list.
    """
    found = _split(text, path, url, selection.select)
    return found if isinstance(found, list) else list(found)


def cut_records(text: bytes, path: str, url: str) -> Sequence[bytes]:
    """Like `split_records`, only faster: a record may be a view of the text. `own_records` is for those that are used.

    A view keeps the whole text in memory.
    """
    return _split(text, path, url, selection.cut)


def own_records(page: Page, path: str, url: str, utf8: bool = True) -> Page:
    """The records of a page in memory of their own. Raises SyncError when one is no object, or not UTF-8.

    utf8: whether that is to be checked, too.
    """

    def check(records: Sequence[bytes]) -> None:
        try:
            selection.check_objects(records)
        except selection.NoRecords as error:
            raise no_list(path, url, error.why, error.hint) from None
        if utf8:
            check_records(records, url)

    return page.own(check)


def check_records(records: Sequence[bytes], url: str) -> None:
    """Raise SyncError when one is not UTF-8, or has more than MOST_LEVELS."""
    try:
        check_utf8(b"\n".join(records))
    except UnicodeDecodeError:
        raise unreadable(url, "UTF-8") from None
    if any(len(record) > 2 * MOST_LEVELS and _levels(record) > MOST_LEVELS for record in records):
        raise too_deep(url)


def _levels(text: bytes) -> int:
    """How many arrays and objects are at most open at once in JSON; its number of brackets where that is few."""
    if (count := text.count(b"[") + text.count(b"{")) <= MOST_LEVELS:
        return count
    brackets = re.findall(rb"[\[{\]}]", re.sub(rb'"(?:[^"\\]++|\\.)*+"?', b"", text, flags=re.DOTALL))
    return max(itertools.accumulate(1 if bracket in b"[{" else -1 for bracket in brackets), default=0)


def is_large_list(answer: Answer, response: Response, path: str) -> bool:
    """Whether the records at `path` are those of which some are left out of a large answer's body.

    If not, `Answer.whole` is to be read.
    """
    large = answer.large
    if large is None or path.startswith("jmes:") or not is_plain_json(answer, response):
        return False
    if large.is_lines:
        return not path
    try:
        if not _is_cut_as_it_stands(path):
            record = bytes(next(iter(large))[0])
            return [len(split_records(large.sample(each), path, answer.url)) for each in (record, b"")] == [1, 0]
        return split_records(large.sample(), path, answer.url) == [b"{}"]
    except (SyncError, StopIteration, ValueError):
        return False  # whatever is wrong with the path, the whole answer will show it


def pieces_of(large: Large, path: str, url: str) -> Iterator[JsonPage]:
    """The records of such a list that are left out of the body, one piece after the other."""
    if large.is_lines or _is_cut_as_it_stands(path):
        yield from map(JsonPage, large)
    else:
        for document in large.documents():
            yield JsonPage(split_records(document, path, url))


def _is_cut_as_it_stands(path: str) -> bool:
    """Whether the records at the path are the items of a list just as they are in the text."""
    where = _compiled(path)
    return not (where.field or where.names or where.zipped or where.flat or any(step.each for step in where.steps))


def _split(text: bytes, path: str, url: str, split: Callable[[bytes, RecordsPath], Sequence[bytes]]) -> Sequence[bytes]:
    if path.startswith("jmes:"):
        return _searched(text, path.removeprefix("jmes:"), url)
    try:
        where = _compiled(path)
    except ValueError as error:
        raise no_list(path, url, foreign(ended(str(error)))) from None
    try:
        return split(text, where)
    except selection.NoRecords as error:
        raise no_list(path, url, error.why, error.hint) from None
    except RecursionError:
        raise too_deep(url) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return _from_mended(text, where, path, url, error)


@functools.lru_cache(100)
def _compiled(path: str) -> RecordsPath:
    return parse_records_path(path)


def _from_mended(text: bytes, where: RecordsPath, path: str, url: str, error: Exception) -> list[bytes]:
    strict, constants = mended(text, url, error)
    try:
        records = _Mended(selection.select(strict, where))
    except selection.NoRecords as no:
        raise no_list(path, url, no.why, no.hint) from None
    except RecursionError:
        raise too_deep(url) from None
    if constants:
        records.warnings = (say("Values that are no numbers (NaN, Infinity) were read as NULL."),)
    return records


class _Mended(list[bytes]):
    """Records of an answer that is no strict JSON, and what is told of it."""

    warnings: tuple[Message, ...] = ()


def _searched(text: bytes, expression: str, url: str) -> list[bytes]:
    import jmespath

    try:
        value = _exact.decode(text)
    except RecursionError:
        raise too_deep(url) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        value = parse(text, url)
    try:
        found = jmespath.search(expression, value)
        items = found if isinstance(found, list) else [] if found is None else [found]
        records = [msgspec.json.encode(item) for item in items]
    except _NO_RESULT as error:
        reason = say("The expression can't be evaluated: {error}.", error=" ".join(str(error).split()))
        raise no_list(f"jmes:{expression}", url, reason) from None
    if any(record[:1] != b"{" for record in records):
        raise no_list(f"jmes:{expression}", url, say("The expression gives values that are not objects."))
    return records


_NO_RESULT = (ValueError, TypeError, ArithmeticError, LookupError, RecursionError)
"""What comes out of an expression that does not fit its input: the library's own are ValueErrors."""

_exact = msgspec.json.Decoder(float_hook=exact_float)
