"""Answers that are compressed files: .gz, and .zip with one member."""

import io
import zlib

from trayapp.messages import Message, say


class TooLarge(ValueError):
    """More bytes than allowed come out."""


class Unusable(ValueError):
    """Not a file this can read; why, for people."""

    def __init__(self, why: Message) -> None:
        super().__init__(why)
        self.why = why


class BrokenOff(Unusable):
    """A file whose end is missing."""


def unpacked(body: bytes, limit: int) -> bytes:
    """What a gzip or zip file holds, known by its first bytes; other bodies as they are.

    limit: how many bytes may come out. Raises TooLarge and Unusable.
    """
    for _ in range(2):  # a .gz inside a .zip and the like; more is no answer, but a trick
        if body.startswith(b"\x1f\x8b\x08"):
            body = _gunzipped(body, limit)
        elif body.startswith(b"PK\x03\x04"):
            body = _unzipped(body, limit)
        else:
            return body
    return body


def _gunzipped(body: bytes, limit: int) -> bytes:
    import gzip

    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as file:
            content = file.read(limit + 1)
    except EOFError as error:
        raise BrokenOff(say("The .gz file was cut off.")) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise Unusable(say("The .gz file is damaged.")) from error
    if len(content) > limit:
        raise TooLarge
    return content


def _damages() -> tuple[type[Exception], ...]:
    """What the library raises for a damaged file: its own error where it notices, else what its steps stumble over."""
    import lzma
    import struct
    import zipfile

    noticed = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError)
    return (*noticed, OSError, ValueError, LookupError, ArithmeticError, RuntimeError, struct.error)


def _unzipped(body: bytes, limit: int) -> bytes:
    import zipfile

    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
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
                content = file.read(limit + 1)
    except Unusable:
        raise
    except _damages() as error:
        raise Unusable(say("The .zip file is damaged, or compressed in an unknown way.")) from error
    if len(content) > limit:
        raise TooLarge
    return content
