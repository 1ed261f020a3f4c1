"""Answers that are compressed files: .gz, and .zip with one member."""

import io
import zlib
from collections.abc import Callable
from typing import IO

from trayapp.messages import Message, say
from trayapp.sync.http.intake import Kept, Text, TooPacked, count, is_too_packed
from trayapp.sync.http.large import LARGE, MOST

_PART = 2**20
_MOST_ENTRIES = 10_000


class TooLarge(ValueError):
    """More bytes than allowed come out."""


class Unusable(ValueError):
    """Not a file this can read; why, for people."""

    def __init__(self, why: Message) -> None:
        super().__init__(why)
        self.why = why


class BrokenOff(Unusable):
    """A file whose end is missing."""


def unpacked(body: Text, limit: int) -> Text:
    """What a gzip or zip file holds, known by its first bytes; other bodies as they are.

    limit: how many bytes may come out. Raises TooLarge, intake.TooPacked and Unusable.
    """
    for _ in range(2):  # a .gz inside a .zip and the like; more is no answer, but a trick
        if body[:3] == b"\x1f\x8b\x08":
            body = _gunzipped(body, limit)
        elif body[:4] == b"PK\x03\x04":
            body = _unzipped(body, limit)
        else:
            return body
    return body


def _collected(read: Callable[[int], bytes], packed: int, limit: int) -> Text:
    """All that `read` gives, which was packed into so many bytes: in a file where it is much."""
    parts: list[bytes] = []
    size = 0
    kept: Kept | None = None
    try:
        while part := read(_PART):
            size += len(part)
            if size > limit:
                raise TooLarge
            if is_too_packed(size, packed):
                raise TooPacked
            parts.append(part)
            if size > LARGE:
                kept = kept or Kept(None)
                kept.write(b"".join(parts))
                parts.clear()
        return kept.view() if kept is not None else b"".join(parts)
    finally:
        if kept is not None:
            kept.close()


def _gunzipped(body: Text, limit: int) -> Text:
    import gzip

    try:
        with gzip.GzipFile(fileobj=_file(body)) as file:
            return _collected(file.read, len(body), limit)
    except EOFError as error:
        raise BrokenOff(say("The .gz file was cut off.")) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise Unusable(say("The .gz file is damaged.")) from error


def _file(body: Text) -> IO[bytes]:
    """The bytes as a file in memory, as far as that may go."""
    if len(body) > MOST:
        raise Unusable(say("The file has more than {megabytes} MiB.", megabytes=MOST // 2**20))
    return io.BytesIO(body)


def _damages() -> tuple[type[Exception], ...]:
    """What the library raises for a damaged file: its own error where it notices, else what its steps stumble over."""
    import lzma
    import struct
    import zipfile

    noticed = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError)
    return (*noticed, OSError, ValueError, LookupError, ArithmeticError, RuntimeError, struct.error)


def _unzipped(body: Text, limit: int) -> Text:
    import zipfile

    entries = count(body, b"PK\x01\x02")
    if entries > _MOST_ENTRIES:  # reading all their names takes long
        raise Unusable(say("The .zip file has {number} files in it, not one.", number=entries))
    try:
        with zipfile.ZipFile(_file(body)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            members = [m for m in members if not m.filename.startswith("__MACOSX/")]
            if len(members) != 1:
                names = tuple(member.filename for member in members[:5])
                if not names:
                    raise Unusable(say("The .zip file is empty."))
                raise Unusable(
                    say("The .zip file has {number} files in it, not one: {names}.", number=len(members), names=names)
                )
            if members[0].flag_bits & 1:
                raise Unusable(say("The .zip file is protected by a password."))
            with archive.open(members[0]) as file:
                return _collected(file.read, members[0].compress_size, limit)
    except (Unusable, TooLarge, TooPacked):
        raise
    except _damages() as error:
        raise Unusable(say("The .zip file is damaged, or compressed in an unknown way.")) from error
