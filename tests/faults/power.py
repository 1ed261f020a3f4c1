"""Cuts the power: `python -m tests.faults.walk SCENARIO POWER [--sample N]`.

A command's calls are recorded once. From that follows what its home may look like when the power fails after each of
them: what was written since a file's last fsync is there, or not, or in part, in blocks of 512 bytes; and of what was
done to names in a folder since its last fsync only the first part may be there.
"""

import random
import shutil
from pathlib import Path

BLOCK = 512
WAYS = ("least", "most", "some", "some more")
"""What of all that may be lost is lost: all, nothing, or some of it at random."""


class File:
    """A file's content as it is on the disk, and what was written since: (offset, bytes), or (size, None)."""

    def __init__(self, durable=b""):
        self.durable = durable
        self.pending = []

    def sync(self):
        self.durable = self.content(lambda _: True)
        self.pending = []

    def content(self, is_there):
        """The content with those blocks of the pending writes that are there."""
        data = bytearray(self.durable)
        for at, written in self.pending:
            if written is None:
                if is_there(None):
                    data[at:] = bytes(max(0, at - len(data)))
                continue
            for start in range(0, len(written), BLOCK):
                if is_there(start):
                    part = written[start : start + BLOCK]
                    data.extend(bytes(max(0, at + start - len(data))))
                    data[at + start : at + start + len(part)] = part
        return bytes(data)


FOLDER = object()


class Disk:
    """What is under a folder, as the calls of a record leave it. `names` are as programs see them now."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.durable = {str(folder): FOLDER}
        for path in Path(folder).rglob("*"):
            self.durable[str(path)] = FOLDER if path.is_dir() else File(path.read_bytes())
        self.names = dict(self.durable)
        self.pending = []
        self._open = {}

    def call(self, line, data):
        """Do what a line of the record says."""
        what, *words = line.split("\t")
        match what:
            case "open":
                self._opened(int(words[0]), int(words[1]), words[2])
            case "write":
                self._open[int(words[0])].pending.append((int(words[1]), data))
            case "truncate":
                self._open[int(words[0])].pending.append((int(words[1]), None))
            case "sync":
                found = self._open[int(words[0])]
                if isinstance(found, File):
                    found.sync()
                else:
                    self._sync_folder(found)
            case "rename" | "unlink" | "mkdir" | "link" | "symlink":
                self._name((what, *words, None))

    def _opened(self, fd, how, path):
        if how == 2:
            self._open[fd] = File()
            return
        path = path.rstrip("/")
        if path not in self.names:
            self._name(("create", path, "", File()))
        found = self.names[path]
        self._open[fd] = path if found is FOLDER else found
        if how == 1 and isinstance(found, File):
            found.pending.append((0, None))

    def _name(self, change):
        self.pending.append(change)
        _apply(self.names, change)

    def _sync_folder(self, folder):
        here = [change for change in self.pending if _folder_of(change) == folder]
        for change in here:
            _apply(self.durable, change)
        self.pending = [change for change in self.pending if _folder_of(change) != folder]

    def after_cut(self, way, dice):
        """Names and contents as they may be when the power fails now."""
        names = dict(self.durable)
        if way == "most":
            changes = self.pending
        elif way == "least":
            changes = []
        else:
            folders = sorted({_folder_of(change) for change in self.pending})
            kept = {folder: dice.randrange(len(self.pending) + 1) for folder in folders}
            changes = [change for index, change in enumerate(self.pending) if index < kept[_folder_of(change)]]
        for change in changes:
            _apply(names, change)
        chance = {"least": 0.0, "most": 1.0}.get(way, dice.random())
        return {
            path: found if found is FOLDER else found.content(lambda _: dice.random() < chance)
            for path, found in names.items()
        }


def _folder_of(change):
    return str(Path(change[2] or change[1]).parent)


def _apply(names, change):
    what, one, other, file = change
    if what == "create":
        names[one] = file
    elif what == "mkdir":
        names[one] = FOLDER
    elif what == "unlink":
        names.pop(one, None)
    elif one in names:
        names[other] = names[one] if what == "link" else names.pop(one)


def calls_of(record):
    """The calls of a record: lines, with the data that was written."""
    text, at, found = Path(record).read_bytes(), 0, []
    while at < len(text):
        end = text.index(b"\n", at)
        line, at, data = text[at:end].decode(), end + 1, b""
        if line.startswith("write\t"):
            size = int(line.rpartition("\t")[2])
            data, at = text[at : at + size], at + size
        found.append((line, data))
    return found


def rebuild(folder, found):
    """Make the folder as it is after the cut. Shared memory is not on the disk."""
    shutil.rmtree(folder, ignore_errors=True)
    for path, content in sorted(found.items()):
        if content is FOLDER:
            Path(path).mkdir(parents=True, exist_ok=True, mode=0o700)
    for path, content in found.items():
        if content is not FOLDER and not path.endswith("-shm") and Path(path).parent.is_dir():
            Path(path).write_bytes(content)


def cuts(calls, sample, seed):
    """The moments and ways to be tried: (number of calls, way). What is in no file is the same before and after."""
    every = [(number, way) for number in range(len(calls) + 1) for way in WAYS]
    if sample and sample < len(every):
        last = [(len(calls), way) for way in WAYS]
        return sorted({*random.Random(seed).sample(every, sample), *last})
    return every


def after_each(folder, calls, wanted, seed):
    """Each of those cuts with what the disk has after it. The folder has what was there before."""
    disk, done = Disk(folder), 0
    for number, way in wanted:
        for line, data in calls[done:number]:
            disk.call(line, data)
        done = number
        yield number, way, disk.after_cut(way, random.Random(f"{number} {way} {seed}"))
