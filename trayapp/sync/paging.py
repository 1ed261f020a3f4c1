"""From one page to the next request."""

from urllib.parse import urljoin, urlsplit

import msgspec

from trayapp.endpoints.model import Pages
from trayapp.sync import detect
from trayapp.sync.errors import SyncError
from trayapp.sync.http import Answer, Call
from trayapp.sync.links import next_link, origin, place_of

_raw_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


def next_call(call: Call, answer: Answer, text: bytes, pages: Pages) -> Call | None:
    """The request for the page after `answer`, or None at the end. Raises SyncError when it leads to another server.

    pages.kind is "none", "link" or "next_url"; `text` is the answer's body as JSON text.
    """
    target = _target(answer, text, pages)
    if not target:
        return None
    url = urljoin(answer.url, target)
    if urlsplit(url).scheme not in ("http", "https") or origin(url) != origin(answer.url):
        raise SyncError(
            "The next page is on another server",
            f"{place_of(answer.url)} continues at {place_of(url)}.",
            "If that is right, make an endpoint for that address.",
        )
    return Call(url=url, headers=call.headers)


def _target(answer: Answer, text: bytes, pages: Pages) -> str | None:
    if pages.kind == "none":
        return None
    if pages.kind == "link":
        return next_link(answer.headers.get("Link", ""))
    if pages.path.startswith("header:"):
        return answer.headers.get(pages.path.removeprefix("header:").strip())
    value = value_at(text, pages.path)
    return value if isinstance(value, str) else None


def value_at(text: bytes, path: str) -> object:
    """The JSON value at a dotted path of a body, only that one decoded; None when there is none."""
    try:
        raw = _raw_object.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    names = path.split(".")
    while names:
        # A name may itself have dots ("@odata.nextLink"): the longest that fits counts.
        for count in range(len(names), 0, -1):
            found = raw.get(".".join(names[:count]))
            if found is not None:
                break
        else:
            return None
        names = names[count:]
        if not names:
            return msgspec.json.decode(found)
        try:
            raw = _raw_object.decode(found)
        except msgspec.DecodeError:
            return None
    return None


def detected(answer: Answer, body: object) -> Pages:
    """How the listing goes on from this first page: by link, by an address in the body, or (kind "none") not at all."""
    found = detect.next_url(answer.headers, body)
    if found is None:
        return Pages(kind="none")
    kind, path, _ = found
    return Pages(kind="link") if kind == "link" else Pages(kind="next_url", path=path)
