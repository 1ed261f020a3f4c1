"""Servers that say wrong things, and such as want to know who asks."""

from collections.abc import Callable
from typing import Any

from tests.server import (
    Guarded,
    Reply,
    Seen,
    basic,
    bearer,
    header_key,
    json_reply,
    login_page,
    nested,
    problem,
    query_key,
)
from tests.shapes.paging import listing, numbered
from tests.shapes.shape import Record, Records, Serve, Shape, always, answering

SECRET = "pässwörd: %41+&"


def _next_is_itself(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
    return lambda seen: json_reply({"items": records()[:10], "next": f"{seen.base}{seen.target}"})


def _circle(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
    def handler(seen: Seen) -> Reply:
        page = int(seen.param("page", "1"))
        following = f"{seen.path}?page={page % 3 + 1}"
        return json_reply({"items": records()[page * 10 - 10 : page * 10], "next": following})

    return handler


def _elsewhere(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
    return lambda _: json_reply({"items": records()[:10], "next": "http://localhost:9/api/items?page=2"})


def _more_than_reachable(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
    def handler(seen: Seen) -> Reply:
        page = int(seen.param("page", "1"))
        return json_reply({"items": records()[page * 10 - 10 : page * 10], "page": page, "total": 2345})

    return handler


def _growing_total(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
    def handler(seen: Seen) -> Reply:
        page = int(seen.param("page", "1"))
        return json_reply({"items": records()[page * 10 - 10 : page * 10], "page": page, "total": 30 + page})

    return handler


def _parameters_ignored(total: bool) -> Serve:
    def serve(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
        more = {"total": 99} if total else {}
        return lambda _: json_reply({"items": _some(records()), **more})

    return serve


def _some(records: Records) -> list[Record]:
    return [each for each in records if each["id"] <= 20 or each["id"] == 900]


def _guarded(check: Callable[[Seen], bool]) -> Serve:
    return lambda records: Guarded(check, listing(pages="link")(records))


def _login_behind(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
    """Pages for everybody, of which the second is for members."""

    def handler(seen: Seen) -> Reply:
        return login_page() if seen.param("page") else listing(pages="link")(records)(seen)

    return handler


def _broken_in_the_middle(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
    def handler(seen: Seen) -> Reply:
        return problem(403, "Forbidden") if seen.param("page") == "3" else listing(pages="link")(records)(seen)

    return handler


def _twice(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
    """Pages that overlap by one record."""

    def handler(seen: Seen) -> Reply:
        start = int(seen.param("cursor", "0"))
        items = records()[start : start + 10]
        more = start + 10 < len(records())
        return json_reply({"items": items, "next_cursor": str(start + 9) if more else None})

    return handler


def _limited_to(limit: int) -> Serve:
    """Like search engines: beyond so many records the server refuses to go."""

    def serve(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
        def handler(seen: Seen) -> Reply:
            page = int(seen.param("page", "1"))
            if page * 10 > limit:
                return problem(400, f"Only the first {limit} results can be reached")
            return json_reply({"items": records()[page * 10 - 10 : page * 10], "page": page, "total": len(records())})

        return handler

    return serve


def _envelope_fields(items: list[Any], page: int, total: int) -> Any:
    return {"data": items, "links": {"self": "/x", "next": None}, "meta": {"page": page + 1, "total": total}}


QUIRKS: dict[str, Shape] = {
    "bearer token": Shape(
        _guarded(bearer(SECRET.encode().decode("ascii", "ignore"))), auth="bearer", secret="psswrd: %41+&"
    ),
    "basic, with a colon and umlauts": Shape(_guarded(basic("jörg", SECRET)), auth="basic:jörg", secret=SECRET),
    "key in a header": Shape(_guarded(header_key("X-Api-Key", "k-1")), auth="header:X-Api-Key", secret="k-1"),
    "key in the query": Shape(_guarded(query_key("api_key", "k&1=ü")), auth="query:api_key", secret="k&1=ü"),
    "wrong password": Shape(
        _guarded(basic("me", "right")),
        auth="basic:me",
        secret="wrong",
        refused="The server does not accept the credentials",
    ),
    "no password": Shape(_guarded(bearer("right")), refused="The server does not accept the credentials"),
    "a login page": Shape(always(login_page()), refused="The server requires a sign-in"),
    "a login page on page 2": Shape(_login_behind, refused="The server requires a sign-in"),
    "next points at itself": Shape(_next_is_itself, refused="The further pages can't be found"),
    "pages in a circle": Shape(_circle, refused="The pages repeat"),
    "next on another server": Shape(_elsewhere, refused="The next page is on another server"),
    "more promised, no way there": Shape(_parameters_ignored(total=True), refused="The further pages can't be found"),
    "20 records, paging parameters ignored": Shape(_parameters_ignored(total=False), rows=_some),
    "total larger than what can be reached": Shape(
        _more_than_reachable, incomplete="The server reports 2,345 records, but sent 40"
    ),
    "no further than 20 records": Shape(_limited_to(20), refused="The server rejects the request"),
    "totals that disagree from page to page": Shape(
        _growing_total, incomplete="The server reports 31 records, but sent 40"
    ),
    "pages that overlap": Shape(_twice),
    "next is null, meta has page and total": Shape(numbered(envelope=_envelope_fields)),
    "page 3 forbidden": Shape(_broken_in_the_middle, refused="The server denies access"),
    "not found": Shape(always(problem(404, "Not Found")), refused="There is nothing at this address"),
    "server error": Shape(always(problem(501, "Not Implemented")), refused="The server has a problem"),
    "100,000 levels deep": Shape(always(nested(100_000)), refused="The response is nested too deeply"),
    "a message and a code with status 200": Shape(
        answering(lambda _: json_reply({"code": 404, "message": "No such thing", "path": "/api"})),
        refused="The response has no list of records",
    ),
    "an error object with status 200": Shape(
        answering(lambda _: json_reply({"error": {"code": 17, "message": "Quota used up"}})),
        refused="The response has no list of records",
    ),
}
