"""Answers that are small on the wire, or endless, or of an evil shape; and the command line let loose on them.

Each is made while it is sent. `python -m tests.bombs [NAME…]` prints what each costs: the peak of the memory, and CPU
seconds, of the whole process that asks for it.
"""

import io
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import brotli
from backports import zstd

from tests.server import ApiServer, Reply, Wire, raw

MB = 2**20
LONG = 400
"""Megabytes of what is too long, though `limits.bytes` allows more."""


class _Packer(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


class _Brotli:
    def __init__(self) -> None:
        self._packer = brotli.Compressor(quality=1)
        self.compress = self._packer.process
        self.flush = self._packer.finish


def _packer(way: str) -> _Packer:
    if way == "gzip":
        return zlib.compressobj(1, wbits=31)
    if way == "deflate":
        return zlib.compressobj(1)
    return zstd.ZstdCompressor(level=1) if way == "zstd" else _Brotli()


def packed(pieces: Iterable[bytes], *ways: str) -> Iterator[bytes]:
    """The pieces, compressed in each of these ways, one after the other."""
    for way in ways:
        pieces = _packed(pieces, _packer(way))
    yield from pieces


def _packed(pieces: Iterable[bytes], packer: _Packer) -> Iterator[bytes]:
    for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()


def string(megabytes: int = LONG) -> Iterator[bytes]:
    """A list of one record with one long text."""
    yield b'[{"id": 1, "text": "'
    yield from [b"." * MB] * megabytes
    yield b'"}]'


def records(megabytes: int = LONG, record: bytes = b'{"id":1},') -> Iterator[bytes]:
    """A list of equal records."""
    yield b"["
    yield from [record * (MB // len(record))] * megabytes
    yield b'{"id":2}]'


def sending(pieces: Callable[[], Iterable[bytes]], kind: str = "application/json", **headers: str) -> Reply:
    """A reply of these pieces, each in a chunk of its own."""

    def send(wire: Wire, reply: Reply) -> None:
        wire.head(reply, {"Transfer-Encoding": "chunked"})
        for piece in pieces():
            if piece:
                wire.chunk(piece)
        wire.write(b"0\r\n\r\n")

    return replace(raw(b"", kind), send=send).with_headers(**headers)


def encoded(pieces: Callable[[], Iterable[bytes]], *ways: str, kind: str = "application/json") -> Reply:
    """The same, compressed as Content-Encoding says."""
    return sending(lambda: packed(pieces(), *ways), kind, Content_Encoding=", ".join(ways))


def _zipped(pieces: Iterable[bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("a.json", "w", force_zip64=True) as member:
            for piece in pieces:
                member.write(piece)
    return file.getvalue()


def _small(text: bytes, *ways: str) -> Reply:
    return encoded(lambda: [text], *ways)


def _link() -> Reply:
    return raw(b'[{"id": 1}]').with_headers(**{f"Link{n}": "<" + "a" * 60_000 for n in range(80)})


def _links() -> Reply:
    return raw(b'[{"id": 1}]').with_headers(Link='<a>;rel="next;' * 4600)


def _endless(piece: bytes, start: bytes = b"", size: int = LONG) -> Callable[[], Iterator[bytes]]:
    def pieces() -> Iterator[bytes]:
        yield start
        yield from [piece * max(1, MB // len(piece))] * size

    return pieces


def _xml(inside: bytes) -> bytes:
    return b"<a>" + inside + b"</a>"


ENTITIES = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a0 "lol">'
    + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10))
    + b"]><a><b>&a9;</b></a>"
)

HARMLESS = frozenset({"links", "small gzip below the brake"})
"""Those that are taken for what they seem to be."""
ALLOWED_CPU = 1.0
"""Seconds for less than 100 KB."""

BOMBS: dict[str, Callable[[], Reply]] = {
    "gzip": lambda: encoded(string, "gzip"),
    "deflate": lambda: encoded(string, "deflate"),
    "zstd": lambda: encoded(string, "zstd"),
    "br": lambda: encoded(string, "br"),
    "gzip of records": lambda: encoded(records, "gzip"),
    "gzip, gzip": lambda: encoded(string, "gzip", "gzip"),
    "gzip, br, zstd": lambda: encoded(string, "gzip", "br", "zstd"),
    "gzip nine times": lambda: encoded(string, *["gzip"] * 9),
    "zip": lambda: raw(_zipped(string()), "application/zip"),
    "zip of records": lambda: raw(_zipped(records()), "application/zip"),
    ".gz": lambda: raw(b"".join(packed(string(), "gzip")), "application/gzip"),
    ".gz in gzip": lambda: encoded(lambda: packed(string(), "gzip"), "gzip", kind="application/gzip"),
    "gzip of csv": lambda: encoded(_endless(b"1,2\n", b"id,b\n"), "gzip", kind="text/csv"),
    "gzip of xml": lambda: encoded(_endless(b"<b/>", b"<a>"), "gzip", kind="text/xml"),
    "string": lambda: sending(string),
    "never a record": lambda: sending(_endless(b"1,", b"[")),
    "never a record, object": lambda: sending(_endless(b'"a":1,', b"{")),
    "spaces": lambda: sending(_endless(b" ")),
    "csv, quoted cell": lambda: sending(_endless(b"....\n", b'id,b\n1,"'), "text/csv"),
    "csv, quoted line": lambda: sending(_endless(b"....", b'id,b\n1,"a\n'), "text/csv"),
    "csv, quoted cells": lambda: sending(_endless(b'"' + b"....\n" * 200_000 + b'",', b"id,b\n"), "text/csv"),
    "csv, line": lambda: sending(_endless(b"....,", b"id,b\n"), "text/csv"),
    "csv, quotes": lambda: sending(_endless(b'"",', b"id,b\n"), "text/csv"),
    "csv, header": lambda: sending(_endless(b"a,"), "text/csv"),
    "ndjson, line": lambda: sending(_endless(b"....", b'{"id":1}\n{"id":"'), "application/x-ndjson"),
    "ndjson, later line": lambda: sending(
        _endless(b"....", b'{"id":1}\n' * 600_000 + b'{"id":"'), "application/x-ndjson"
    ),
    "later record": lambda: sending(_endless(b"....", b"[" + b'{"id":1},' * 600_000 + b'{"id":"')),
    "later record of braces": lambda: sending(_endless(b"{},", b"[" + b'{"id":1},' * 600_000 + b'{"id":[')),
    "after the records": lambda: sending(_endless(b'"":1,', b'{"a":[' + b'{"id":1},' * 600_000 + b"{}],")),
    "no data": lambda: sending(_endless(b"...."), "application/octet-stream"),
    "xml, text": lambda: sending(_endless(b"....", b"<a><b>"), "text/xml"),
    "xml, elements": lambda: sending(_endless(b"<b/>", b"<a>"), "text/xml"),
    "deep json": lambda: sending(_endless(b"[", b"")),
    "deep record": lambda: sending(_endless(b'{"a":', b"")),
    "xml, entities": lambda: raw(ENTITIES, "text/xml"),
    "links": _links,
    "many headers": _link,
    "error page": lambda: replace(sending(_endless(b"....")), status=500),
    "small gzip": lambda: _small(b'[{"id":1,"t":"' + b"." * 95_000_000 + b'"}]', "gzip"),
    "small gzip of records": lambda: _small(b"[" + b'{"id":1},' * 10_000_000 + b"{}]", "gzip"),
    "small gzip of empty records": lambda: _small(b"[" + b"{}," * 30_000_000 + b"{}]", "gzip"),
    "small gzip of numbers": lambda: _small(b"[" + b"1," * 45_000_000 + b"1]", "gzip"),
    "small gzip below the brake": lambda: _small(b"[" + b'{"id":1},' * 460_000 + b"{}]", "gzip"),
    "small gzip of numbers below the brake": lambda: _small(b"[" + b"1," * 2_000_000 + b"1]", "gzip"),
    "small gzip of rows below the brake": lambda: encoded(
        lambda: [b"a,b\n" + b"1,2\n" * 1_000_000], "gzip", kind="text/csv"
    ),
    "small zstd": lambda: _small(b'[{"id":1,"t":"' + b"." * 900_000_000 + b'"}]', "zstd"),
    "small br of records": lambda: _small(b"[" + b'{"id":1},' * 30_000_000 + b"{}]", "br"),
    "small gzip of csv": lambda: encoded(lambda: [b"a,b\n" + b"1,2\n" * 20_000_000], "gzip", kind="text/csv"),
    "small gzip of xml": lambda: encoded(lambda: [_xml(b"<b/>" * 20_000_000)], "gzip", kind="text/xml"),
    "small gzip of deep": lambda: _small(b"[" * 80_000_000, "gzip"),
}


@dataclass(frozen=True)
class Figures:
    """What a command cost: exit code, MiB, CPU seconds, and what it said."""

    code: int
    peak: float
    cpu: float
    said: str


def run(home: Path, *arguments: str, timeout: float = 120) -> Figures:
    """The command line in a process of its own."""
    figures = home / "figures.json"
    figures.unlink(missing_ok=True)
    command = [sys.executable, "-m", "tests.bombs", "--as-child", str(figures), *arguments]
    environment = {**os.environ, "TRAYSYNC_HOME": str(home), "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=timeout, check=False)
    found: dict[str, Any] = json.loads(figures.read_text()) if figures.exists() else {"peak": -1.0, "cpu": -1.0}
    return Figures(done.returncode, found["peak"], found["cpu"], done.stdout + done.stderr)


def configure(home: Path, urls: Iterable[str]) -> list[str]:
    """Settings with an endpoint for each of these; returns their ids."""
    urls = list(urls)
    names = [f"e{number}" for number in range(len(urls))]
    tables = [
        f'[[endpoint]]\nid = "{name}"\nurl = "{url}"\nretry.attempts = 1\n'
        for name, url in zip(names, urls, strict=True)
    ]
    (home / "settings.toml").write_text("\n".join(tables))
    return names


def _child(file: str, arguments: list[str]) -> int:
    import resource

    limit = int(os.environ.get("BOMB_LIMIT", 6 * 2**30))
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    from trayapp.cli import main
    from trayapp.sync.http import retry

    retry.TRIES = 1
    code = 1
    try:
        code = main(arguments)
    finally:
        peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
        Path(file).write_text(json.dumps({"peak": peak, "cpu": time.process_time()}))
    return code


def table(names: list[str], commands: list[str]) -> None:
    """Print what each of the bombs costs."""
    for name in names:
        for command in commands:
            with ApiServer() as api, tempfile.TemporaryDirectory() as folder:
                home = Path(folder)
                (endpoint,) = configure(home, [api.route("/items", BOMBS[name]())])
                began = time.monotonic()
                try:
                    found = run(home, command, endpoint, timeout=90)
                except subprocess.TimeoutExpired:
                    print(f"{name:28} {command:8} over 90 s", flush=True)
                    continue
                lines = [line for line in found.said.splitlines() if line.strip()]
                said = " / ".join(lines[-3:])[-150:]
                took = time.monotonic() - began
                print(
                    f"{name:28} {command:8} {found.peak:7.0f} MiB {found.cpu:6.1f} s {took:6.1f} s  {said}", flush=True
                )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--as-child"]:
        with suppress(BrokenPipeError):
            sys.exit(_child(sys.argv[2], sys.argv[3:]))
    table(sys.argv[1:] or list(BOMBS), ["sync"])
