"""Bytes made of others by small edits, and the look at what a target does with them."""

import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

from tests.fuzz.targets import TARGETS, permitted

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

CORPUS = Path(__file__).parent / "corpus"
LONGEST = 100_000
"""Bytes of an input."""
SLOW = 1.0
"""Seconds of computing that no input may take."""
LARGEST = 200 * 10**6
"""Bytes of memory that no input may take."""

WORDS = (
    b"\0", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xff\xfe", b"\n", b"\r\n", b'"', b'""', b"\\", b"\\u",
    b"\\ud800", b"[", b"]", b"{", b"}", b",", b":", b"null", b"true", b"NaN", b"-Infinity", b"1e400", b"-0",
    b"1e-999999999999999999", b"9" * 400, b"9" * 5000, b"0." + b"1" * 400, "²".encode(), "١٢".encode(),
    "\u2028\u202e".encode(), b"<", b">", b"<!--", b"-->", b"<![CDATA[", b"]]>", b"&", b"&#0;", b"&#x110000;",
    b"<?xml encoding='utf-16'?>", b"<!DOCTYPE a [", b"xmlns:a=''", b"=", b";", b"'", b"%", b"%00", b"%ff", b"%u",
    b"../", b"//", b"://", b"@", b"#", b"?", b"&state=state", b"http://", b"https://a@b:c/", b"[::1]", b"99999",
    b"Mon, 01 Jan 0000 00:00:00 +9999", b"9999-12-31T23:59:59Z", b"0001-01-01T00:00:00+14:00",
    b"99999999999999999999", b"W/", b"<>;rel=next", b"rel=\"next\"", b"Retry-After: ", b"Content-Length: ",
    b"Content-Type: ", b"Content-Encoding: gzip\r\n", b"Transfer-Encoding: chunked\r\n", b"Set-Cookie: ",
    b"Location: ", b"\x1f\x8b\x08", b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06", b" as ", b"[]", b".*", b" with ",
    b"header:", b"--", b"^", b"$'", b"-H ", b"curl ", b"inf", b"nan", b"e", b"d", b"/s", b"GiB", b"*/", b"L",
)  # fmt: skip


class Edit(NamedTuple):
    """One change: at a place (of 0 to 1) of a text, for a length (bytes), with a word or another text's bytes."""

    kind: int
    at: float
    length: int
    word: bytes


KINDS = 8


def edited(data: bytes, edits: Sequence[Edit]) -> bytes:
    """The data with all edits done, one after the other."""
    for kind, at, length, word in edits:
        start = int(at * len(data))
        end = min(len(data), start + length)
        match kind:
            case 0:
                data = data[:start] + word + data[start:]
            case 1:
                data = data[:start] + word + data[end:]
            case 2:
                data = data[:start] + data[end:]
            case 3:
                data = data[:end] + data[start:end] * 3 + data[end:]
            case 4:
                data = data[:start] + bytes([length % 256]) + data[start + 1 :]
            case 5:
                data = data[:start]
            case 6:  # so long that what takes more than linear time shows
                piece = data[start:end] or word
                data = data[:start] + piece * min(20_000, LONGEST // (len(piece) or 1)) + data[end:]
            case _:
                data = data[:start] + bytes(reversed(data[start:end])) + data[end:]
        data = data[:LONGEST]
    return data


def drawn(random: Random, seeds: Sequence[bytes]) -> bytes:
    """An input made of the seeds."""
    edits = []
    for _ in range(1 + int(random.expovariate(0.5))):
        kind = random.randrange(KINDS)
        if kind == 6 and random.random() < 0.9:
            kind = 3
        word = random.choice(WORDS) if random.random() < 0.8 else random.choice(seeds)[: random.randrange(1, 40)]
        edits.append(Edit(kind, random.random(), 1 << random.randrange(8), word))
    return edited(random.choice(seeds), edits)


def corpus(name: str) -> dict[str, bytes]:
    """The saved inputs of a target, by their file's name."""
    return {file.name: file.read_bytes() for file in sorted((CORPUS / name).iterdir())}


class Fault(NamedTuple):
    """What is wrong with how a target takes an input; `place` tells faults apart."""

    place: str
    error: BaseException | None


def fault(name: str, data: bytes) -> Fault | None:
    """Run a target; None when all is well."""
    began, held = time.process_time(), _peak()
    try:
        permitted(TARGETS[name], data)
    except Exception as error:  # noqa: BLE001  it is what is looked for
        return Fault(_place(error), error)
    except MemoryError as error:
        return Fault("memory", error)
    if (seconds := time.process_time() - began) > SLOW:
        return Fault(f"slow: {seconds:.1f} s", None)
    if (grown := _peak() - held) > LARGEST:
        return Fault(f"large: {grown // 2**20} MiB", None)
    return None


def _peak() -> int:
    """Bytes of memory that the process had at most; 0 where the system doesn't tell."""
    return 0 if resource is None else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _place(error: BaseException) -> str:
    """The innermost line of the program that it came through."""
    found, step = "", error.__traceback__
    while step is not None:
        file = step.tb_frame.f_code.co_filename
        if "trayapp" in file or "fuzz/targets" in file:
            found = f"{file.rpartition('/')[2]}:{step.tb_lineno}"
        step = step.tb_next
    return f"{type(error).__name__} {found}"
