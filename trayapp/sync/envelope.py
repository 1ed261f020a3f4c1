"""What an answer says beside its records about how the listing goes on, under whatever name. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_HOLDERS = frozenset(
    {
        "meta", "metadata", "_meta", "info", "paging", "pagination", "pager", "page", "pages", "pageinfo", "page_info",
        "links", "_links", "view", "hydra:view", "next", "cursor", "cursors", "response", "result", "data", "message",
        "response_metadata", "search_metadata", "navigation",
    }
)  # fmt: skip
"""Objects that may say it, in lower case; others may be records."""
_DEPTH = 3

_ADDRESS_NAME = re.compile(
    r"(\w+:)?next[_-]?(page|records?|results?|items|set|batch|link)?[_-]?(url|uri|link|href|path|page)?", re.IGNORECASE
)
_ADDRESS = re.compile(r"https?://|/|\?")
_TOKEN_NAME = re.compile(
    r"(x-)?(ms-)?(next|after|(next)?continuation)[_-]?(page|results?|records?)?[_-]?"
    r"(cursor|token|marker|mark|key|id|start|offset|cursor_?mark)|lastevaluatedkey|nextpage|next_page|x-ms-continuation",
    re.IGNORECASE,
)
_PLAIN_TOKENS = ("cursor", "after", "starting_after", "offset", "page_token", "pagetoken", "marker", "continuation")
"""Names that may as well repeat what was asked for, unless they stand in an object `next`."""
_LAST_PAGE = ("isLast", "isLastPage", "is_last", "is_last_page", "lastPage", "done")
_PARAMS: dict[str, tuple[str, ...]] = {
    "next_token": ("pagination_token",),
    "after_cursor": ("page[after]", "after"),
    "lastevaluatedkey": ("ExclusiveStartKey",),
    "nextcontinuationtoken": ("continuation-token",),
}


def addresses(body: Any) -> Iterator[tuple[str, str]]:
    """(dotted path, value) of what looks like the address of a next page."""
    for names, value in _members(body):
        named = _ADDRESS_NAME.fullmatch(names[-1]) or (
            names[-1].lower() in ("link", "href", "url") and len(names) > 1 and _ADDRESS_NAME.fullmatch(names[-2])
        )
        if named and isinstance(value, str) and _ADDRESS.match(value):
            yield ".".join(names), value


def tokens(headers: Mapping[str, str], body: Any, sure: bool = False) -> Iterator[tuple[str, Any]]:
    """(path, value) of what looks like a token of the next page; a path is dotted, or "header:NAME".

    None where the answer says that it is the last page. sure: only what can't be the present page's.
    """
    for name, value in headers.items():
        if _TOKEN_NAME.fullmatch(name) and value and not _ADDRESS.match(value):
            yield f"header:{name}", value
    if is_last_page(body):
        return
    for names, value in _members(body):
        if _is_token(names, value, sure):
            yield ".".join(names), value


def is_last_page(body: Any) -> bool:
    """Whether a flag says that this is the last page."""
    return isinstance(body, dict) and any(body.get(name) is True for name in _LAST_PAGE)


def says_it_goes_on(body: Any) -> str | None:
    """The name of the flag that says this is not the last page, or None."""
    if not isinstance(body, dict):
        return None
    return next((name for name in _LAST_PAGE[:-1] if body.get(name) is False), None)


def params_for(path: str) -> tuple[str, ...]:
    """Parameters that may take the token at that path, the likeliest first."""
    in_header = path.startswith("header:")
    name = path.removeprefix("header:").rpartition(".")[2]
    plain = re.sub(r"^(x-)?(ms-)?(next[_-]?|end[_-]?)?", "", name, flags=re.IGNORECASE)
    guesses: tuple[str, ...]
    if in_header:
        plain = plain.lower().replace("-", "_")
        camel = re.sub(r"_(\w)", lambda letter: letter[1].upper(), plain)
        guesses = (plain, f"next_{plain}", camel, "cursor", "after" if "after" in plain else "token")
    else:
        guesses = (*_PARAMS.get(name.lower(), ()), plain[:1].lower() + plain[1:], name, "cursor")
    return tuple(dict.fromkeys(guess for guess in guesses if guess))


def _is_token(names: tuple[str, ...], value: Any, sure: bool) -> bool:
    if isinstance(value, bool) or not value or not isinstance(value, str | int | dict):
        return False
    name = names[-1]
    if isinstance(value, dict):
        return name.lower() == "lastevaluatedkey"
    if isinstance(value, str) and _ADDRESS.match(value) and name.lower() not in ("cursor", "offset"):
        return False
    if _TOKEN_NAME.fullmatch(name):
        return True
    below_next = len(names) > 1 and names[-2].lower() in ("next", "cursors")
    opaque = not sure and isinstance(value, str) and not value.isdigit()
    return name.lower() in _PLAIN_TOKENS and (below_next or opaque)


def _members(body: Any, names: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not isinstance(body, dict) or len(names) >= _DEPTH:
        return
    for name, value in body.items():
        yield (*names, name), value
        if isinstance(value, dict) and name.lower() in _HOLDERS:
            yield from _members(value, (*names, name))
