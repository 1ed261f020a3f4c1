"""A keyring in a file, shared by processes: PYTHON_KEYRING_BACKEND=tests.file_keyring.FileKeyring."""

import fcntl
import json
import os
from contextlib import contextmanager

from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

VARIABLE = "TESTS_FILE_KEYRING"
"""Names the file."""


class FileKeyring(KeyringBackend):
    priority = 1

    @contextmanager
    def _entries(self):
        with open(os.environ[VARIABLE], "a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            entries = json.loads(file.read() or "{}")
            yield entries
            file.truncate(0)
            file.write(json.dumps(entries))

    def get_password(self, service, username):
        with self._entries() as entries:
            return entries.get(f"{service} {username}")

    def set_password(self, service, username, password):
        with self._entries() as entries:
            entries[f"{service} {username}"] = password

    def delete_password(self, service, username):
        with self._entries() as entries:
            if entries.pop(f"{service} {username}", None) is None:
                raise PasswordDeleteError(username)
