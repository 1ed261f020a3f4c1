"""The program in German, as far as tests need it."""

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from trayapp.messages import set_language


@pytest.fixture
def german(tmp_path: Path) -> Iterator[None]:
    catalogue = {
        "": "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=2; plural=(n != 1);\n",
        "The id {id} is taken": "Die Kennung {id} ist vergeben",
        "{count} new\0{count} new": "{count} neuer\0{count} neue",
        "{items} and {last}": "{items} und {last}",
        "{count} changed\0{count} changed": "{count} geändert\0{count} geändert",
        "{count} deletion needs your confirmation.\0{count} deletions need your confirmation.": (
            "{count} Löschung braucht deine Zustimmung.\0{count} Löschungen brauchen deine Zustimmung."
        ),
        "no network": "kein Netz",
        "Stopped: {reason}.": "Angehalten: {reason}.",
        "The run took longer than {limit}": "Der Lauf dauerte länger als {limit}",
    }
    folder = tmp_path / "de" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "traysync.mo").write_bytes(compiled(catalogue))
    set_language("de", tmp_path)
    yield
    set_language("en")


def compiled(catalogue: dict[str, str]) -> bytes:
    """A catalogue as msgfmt writes it (gettext manual, "The Format of GNU MO Files")."""
    pairs = sorted((id.encode(), text.encode()) for id, text in catalogue.items())
    start, count = 28 + 16 * len(pairs), len(pairs)
    data, tables = b"", ([], [])
    for column in (0, 1):
        for pair in pairs:
            tables[column].append(struct.pack("<II", len(pair[column]), start + len(data)))
            data += pair[column] + b"\0"
    head = struct.pack("<7I", 0x950412DE, 0, count, 28, 28 + 8 * count, 0, start)
    return head + b"".join(tables[0]) + b"".join(tables[1]) + data
