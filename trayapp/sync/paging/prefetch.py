"""Pages fetched before they are asked for, where a listing's numbers tell which requests will come."""

from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue

from trayapp.sync.cancel import INTERNAL, CancelToken
from trayapp.sync.http.client import Client
from trayapp.sync.http.request import Answer, Call


class Prefetcher:
    """Fetches pages in threads of its own, so many as there may be connections. `close` when done.

    `depth` is how many pages are on their way or wait to be taken: one more, so that no connection is ever idle.
    `client` makes a client that ends with the given token; what its requests need must be made for several threads.
    """

    def __init__(self, client: Callable[[CancelToken], Client], cancel: CancelToken, connections: int) -> None:
        self.depth = connections + 1
        self._new_client = client
        self._connections = connections
        self._cancel = cancel
        self._own = CancelToken()
        self._idle: SimpleQueue[Client] = SimpleQueue()
        self._threads: ThreadPoolExecutor | None = None
        self._pages: dict[Hashable, Future[Answer]] = {}

    def want(self, calls: Iterable[Call]) -> None:
        """These calls will probably be asked for next, and no others that were wanted before."""
        if self._threads is None:
            self._start()
        assert self._threads is not None
        pages = self._pages
        self._pages = {}
        for call in calls:
            key = _key(call)
            self._pages[key] = pages.pop(key) if key in pages else self._threads.submit(self._fetch, call)
        for page in pages.values():
            page.cancel()

    def take(self, call: Call) -> Answer | None:
        """The answer to a call, None if it was not wanted. Raises what `Client.fetch` does."""
        page = self._pages.pop(_key(call), None)
        return None if page is None else page.result()

    def forget(self) -> None:
        """Nothing is wanted any more: what was fetched is of a walk that is over."""
        for page in self._pages.values():
            page.cancel()
        self._pages = {}

    def close(self) -> None:
        """End all requests."""
        self._cancel.forget(self._stop)
        self._own.cancel(INTERNAL)
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)

    def _start(self) -> None:
        for _ in range(self._connections):
            self._idle.put(self._new_client(self._own))
        self._threads = ThreadPoolExecutor(self._connections, "prefetch")
        self._cancel.on_cancel(self._stop)

    def _stop(self) -> None:
        self._own.cancel(self._cancel.reason)

    def _fetch(self, call: Call) -> Answer:
        client = self._idle.get()
        try:
            return client.fetch(call)
        finally:
            self._idle.put(client)


def _key(call: Call) -> Hashable:
    return call.url, call.body, tuple(sorted(call.headers.items()))
