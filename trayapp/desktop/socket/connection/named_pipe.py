"""Windows: a named pipe; not tried on Windows yet."""

import queue
import threading

_CHUNK = 65536


class NamedPipe:
    """The pipe as a file; a thread reads it, since such a file has no timeout."""

    def __init__(self, address: str, timeout: float | None) -> None:
        self._file = open(address, "r+b", buffering=0)  # noqa: SIM115 - closed by close()
        self._timeout = timeout
        self._chunks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=self._read, name="pipe", daemon=True).start()

    def _read(self) -> None:
        chunk = b"-"
        while chunk:
            try:
                chunk = self._file.read(_CHUNK) or b""
            except (OSError, ValueError):
                chunk = b""
            self._chunks.put(chunk)

    def send(self, data: bytes) -> None:
        """Send all of it."""
        while data:
            data = data[self._file.write(data) :]

    def receive(self) -> bytes:
        """Some bytes, as soon as there are any; none when the other side has closed."""
        try:
            return self._chunks.get(timeout=self._timeout)
        except queue.Empty:
            raise TimeoutError from None

    def close(self) -> None:
        """Close it."""
        self._file.close()
