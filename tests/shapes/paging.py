"""Ways in which listings go on, each as a third party would serve them."""

from collections.abc import Callable, Sequence
from typing import Any

from tests.server import Listing, Reply, Seen, json_reply, problem

Records = Sequence[dict[str, Any]]
Serve = Callable[[Callable[[], Records]], Callable[[Seen], Reply]]
"""From a function that gives the present records to a handler."""


def listing(**options: Any) -> Serve:
    """The test server's own kinds."""
    return lambda records: lambda seen: Listing(records(), **({"size": 10} | options))(seen)


def numbered(
    name: str = "page",
    first: int = 1,
    envelope: Callable[[list[Any], int, int], Any] | None = None,
    size: int = 10,
    past: Callable[[list[Any]], Reply] | None = None,
    headers: Callable[[int, int], dict[str, str]] | None = None,
) -> Serve:
    """Page numbers. envelope: (items, page from 0, total) → body; past: what comes past the end, of the last page."""

    def serve(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
        def handler(seen: Seen) -> Reply:
            everything = list(records())
            page = int(seen.param(name, str(first))) - first
            items = everything[page * size : (page + 1) * size]
            if not items and page > 0 and past is not None:
                return past(everything[(len(everything) - 1) // size * size :])
            body = envelope(items, page, len(everything)) if envelope else items
            return json_reply(body).with_headers(**(headers(page, len(everything)) if headers else {}))

        return handler

    return serve


def offsets(
    name: str = "offset",
    first: int = 0,
    envelope: Callable[[list[Any], int, int], Any] | None = None,
    size: int = 10,
    past: Reply | None = None,
) -> Serve:
    """Positions. envelope: (items, offset from 0, total) → body."""

    def serve(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
        def handler(seen: Seen) -> Reply:
            everything = list(records())
            start = int(seen.param(name, str(first))) - first
            items = everything[start : start + size]
            if not items and start > 0 and past is not None:
                return past
            return json_reply(envelope(items, start, len(everything)) if envelope else items)

        return handler

    return serve


def tokens(
    param: str,
    answer: Callable[[list[Any], str | None], Any],
    size: int = 10,
    read: Callable[[Seen], str] | None = None,
    headers: Callable[[str | None], dict[str, str]] | None = None,
) -> Serve:
    """Opaque tokens. answer: (items, token of the next page or None) → body; read: the token of a request."""

    def serve(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
        def handler(seen: Seen) -> Reply:
            everything = list(records())
            token = read(seen) if read else seen.param(param)
            start = int(token.removeprefix("t-")) if token else 0
            items = everything[start : start + size]
            following = f"t-{start + size}" if start + size < len(everything) else None
            return json_reply(answer(items, following)).with_headers(**(headers(following) if headers else {}))

        return handler

    return serve


def after_last(param: str = "starting_after", size: int = 10) -> Serve:
    """Stripe's kind: the last record's id says where to go on, `has_more` whether."""

    def serve(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
        def handler(seen: Seen) -> Reply:
            everything = list(records())
            after = seen.param(param)
            start = next((i + 1 for i, each in enumerate(everything) if str(each["id"]) == after), 0)
            items = everything[start : start + size]
            return json_reply({"object": "list", "data": items, "has_more": start + size < len(everything)})

        return handler

    return serve


def graphql(size: int = 10) -> Serve:
    """A connection; the query and its variables come in a POST body."""

    def serve(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
        def handler(seen: Seen) -> Reply:
            everything = list(records())
            after = (seen.json().get("variables") or {}).get("after")
            start = int(after.removeprefix("c")) if after else 0
            items = everything[start : start + size]
            info = {"hasNextPage": start + size < len(everything), "endCursor": f"c{start + len(items)}"}
            edges = [{"cursor": f"c{start + i + 1}", "node": item} for i, item in enumerate(items)]
            return json_reply({"data": {"viewer": {"issues": {"edges": edges, "pageInfo": info}}}})

        return handler

    return serve


def notion(size: int = 10) -> Serve:
    """A cursor in the JSON body of a POST, with `has_more`."""

    def serve(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
        def handler(seen: Seen) -> Reply:
            everything = list(records())
            token = seen.json().get("start_cursor")
            start = int(token) if token else 0
            more = start + size < len(everything)
            cursor = str(start + size) if more else None
            return json_reply({"results": everything[start : start + size], "next_cursor": cursor, "has_more": more})

        return handler

    return serve


def mediawiki(size: int = 10) -> Serve:
    """A `continue` object whose members all go into the next request."""

    def serve(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
        def handler(seen: Seen) -> Reply:
            everything = list(records())
            start = int(seen.param("aifrom", "0"))
            body: dict[str, Any] = {"batchcomplete": True, "query": {"allpages": everything[start : start + size]}}
            if start + size < len(everything):
                body["continue"] = {"aifrom": str(start + size), "continue": "-||"}
                if start and seen.param("continue") != "-||":
                    return problem(400, "Bad continue")
            return json_reply(body)

        return handler

    return serve


def ogc(size: int = 10) -> Serve:
    """OGC API: links with relations in a list."""

    def serve(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
        def handler(seen: Seen) -> Reply:
            everything = list(records())
            start = int(seen.param("startindex", "0"))
            links = [{"rel": "self", "href": f"{seen.base}{seen.target}"}, {"rel": "alternate", "href": "?f=html"}]
            if start + size < len(everything):
                links.insert(1, {"rel": "next", "href": f"{seen.base}{seen.path}?startindex={start + size}"})
            return json_reply({"items": everything[start : start + size], "links": links, "numberReturned": size})

        return handler

    return serve


def with_holes(size: int = 4) -> Serve:
    """A cursor listing in which some pages are empty although more follows."""

    def serve(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
        def handler(seen: Seen) -> Reply:
            everything = list(records())
            step = int(seen.param("cursor", "0"))
            start = step // 2 * size
            items = everything[start : start + size] if step % 2 == 0 else []
            more = step % 2 == 0 or start + size < len(everything)
            more = more and start + size < len(everything)
            return json_reply({"items": items, "next_cursor": str(step + 1) if more else None})

        return handler

    return serve


def dropping_parameters() -> Serve:
    """The next link forgets the filter of the first request."""

    def serve(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
        def handler(seen: Seen) -> Reply:
            mine = list(records()) if seen.param("state") == "open" else [{"id": 9000 + n} for n in range(25)]
            page = int(seen.param("page", "1"))
            more = page * 10 < len(mine)
            following = f"{seen.base}{seen.path}?page={page + 1}" if more else None
            return json_reply({"items": mine[(page - 1) * 10 : page * 10], "next": following})

        return handler

    return serve


def strict(*known: str, serve: Serve) -> Serve:
    """Refuses parameters that it does not know."""

    def made(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
        handler = serve(records)
        return lambda seen: handler(seen) if set(seen.query) <= {*known} else problem(400, "Unknown parameter")

    return made


def sized(count: int) -> Serve:
    """Without other pages; `limit` makes the only one longer."""
    return lambda records: lambda seen: json_reply(records()[: int(seen.param("limit", str(count)))])


def filtering(_: int) -> Serve:
    """Any parameter asks for the records with that field."""

    def made(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
        def handler(seen: Seen) -> Reply:
            wanted = [(name, value) for name, values in seen.query.items() for value in values]
            return json_reply([each for each in records() if all(str(each.get(n)) == v for n, v in wanted)])

        return handler

    return made


def whole(count: int, serve: Callable[[int], Serve] | None = None) -> tuple[Serve, dict[str, Any]]:
    """A listing that has no more than this many records, of a server that may know of paging."""

    def first(records: Records) -> list[Any]:
        return list(records)[:count]

    def made(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
        return (serve or (lambda _: listing(pages="none")))(count)(lambda: first(records()))

    return made, {"rows": first, "counts": (1, 1, 1) if count < 20 else (2, 1, 2), "silent": True}


def envelope(**names: str) -> Callable[[list[Any], int, int], Any]:
    """A body with the items and facts about the page under these names; dotted names nest."""

    def body(items: list[Any], page: int, total: int) -> Any:
        facts = {
            "items": items,
            "page": page + 1,
            "page0": page,
            "total": total,
            "pages": (total + 9) // 10,
            "size": 10,
            "more": (page + 1) * 10 < total,
            "offset": page,
        }
        made: dict[str, Any] = {}
        for fact, path in names.items():
            place = made
            *parents, last = [path] if path.startswith("@") else path.split(".")
            for parent in parents:
                place = place.setdefault(parent, {})
            place[last] = facts[fact]
        return made

    return body


PAGING: dict[str, tuple[Serve, dict[str, Any]]] = {
    "top-level array, one page": (listing(pages="none"), {}),
    "array at data, one page": (listing(pages="none", items="data"), {}),
    "array two levels down": (listing(pages="none", items="response.result"), {}),
    "Link header": (listing(pages="link"), {}),
    "Link header, relative": (listing(pages="link", relative=True), {}),
    "Link header and X-Total-Count": (listing(pages="link", total="header:X-Total-Count"), {}),
    "next": (listing(pages="next_url"), {}),
    "next, relative": (listing(pages="next_url", relative=True), {}),
    "next and count (Django)": (listing(pages="next_url", items="results", total="count"), {}),
    "next_url": (listing(pages="next_url", at="next_url", items="results"), {}),
    "next_page_url (Laravel)": (listing(pages="next_url", at="next_page_url", items="data", total="total"), {}),
    "links.next (JSON:API)": (listing(pages="next_url", at="links.next", items="data"), {}),
    "links.next.href": (listing(pages="next_url", at="links.next.href", items="data"), {}),
    "_links.next.href (HAL)": (listing(pages="next_url", at="_links.next.href", items="_embedded.orders"), {}),
    "@odata.nextLink": (listing(pages="next_url", at="@odata.nextLink", items="value"), {}),
    "paging.next": (listing(pages="next_url", at="paging.next", items="data"), {}),
    "meta.pagination.links.next": (listing(pages="next_url", at="meta.pagination.links.next", items="data"), {}),
    "Next-Page header (Kinto)": (listing(pages="next_url", at="header:Next-Page", items="data"), {}),
    "links[] with rel next (OGC)": (ogc(), {}),
    "next link that drops a filter": (dropping_parameters(), {"query": "?state=open"}),
    "page from 1, total_pages": (numbered(envelope=envelope(items="data", page="page", pages="total_pages")), {}),
    "page from 0, totalPages (Spring)": (
        numbered(
            first=0, envelope=envelope(items="content", page0="number", pages="totalPages", total="totalElements")
        ),
        {},
    ),
    "page and total": (numbered(envelope=envelope(items="items", page="page", total="total")), {}),
    "page and has_more": (numbered(envelope=envelope(items="items", more="has_more")), {}),
    "page without a word": (numbered(), {}),
    "page from 0 without a word": (numbered(first=0), {}),
    "page without a word, 7 a page": (numbered(size=7), {}),
    "page from 0 without a word, 13 a page": (numbered(first=0, size=13), {}),
    "page without a word, 33 a page": (numbered(size=33), {}),
    "page, 13 a page, unknown parameters refused": (strict("page", serve=numbered(size=13)), {}),
    "page from 0, 7 a page, unknown parameters refused": (strict("page", serve=numbered(first=0, size=7)), {}),
    "page, 33 a page, 404 past the end": (numbered(size=33, past=lambda _: problem(404, "No such page")), {}),
    "_page (json-server)": (numbered("_page"), {}),
    "p": (numbered("p", envelope=envelope(items="hits", page="p", total="total")), {}),
    "page[number] (JSON:API)": (
        numbered("page[number]", envelope=envelope(items="data", total="meta.total")),
        {"query": "?page[number]=1"},
    ),
    "X-WP-TotalPages": (
        numbered(headers=lambda page, total: {"X-WP-Total": str(total), "X-WP-TotalPages": str((total + 9) // 10)}),
        {},
    ),
    "X-Next-Page (GitLab)": (
        numbered(headers=lambda page, total: {"X-Next-Page": str(page + 2) if (page + 1) * 10 < total else ""}),
        {},
    ),
    "page, 404 past the end": (numbered(past=lambda _: problem(404, "No such page")), {}),
    "page, 400 past the end": (numbered(past=lambda _: problem(400, "Page out of range")), {}),
    "page, last page repeated past the end": (numbered(past=lambda last: json_reply(last)), {}),
    "page size capped by the server": (
        listing(pages="page", size_param="per_page", cap=10),
        {"query": "?per_page=200"},
    ),
    "offset and total": (offsets(envelope=envelope(items="items", offset="offset", total="total")), {}),
    "offset without a word": (offsets(), {}),
    "offset without a word, 7 a page": (offsets(size=7), {}),
    "offset from 1 without a word, 13 a page": (offsets(first=1, size=13), {}),
    "offset without a word, 33 a page": (offsets(size=33), {}),
    "offset, 13 a page, unknown parameters refused": (strict("offset", "limit", serve=offsets(size=13)), {}),
    "$skip without a word, 7 a page": (offsets("$skip", size=7), {}),
    "skip": (offsets("skip", envelope=envelope(items="products", total="total", offset="skip")), {}),
    "$skip (OData)": (offsets("$skip", envelope=envelope(items="value", total="@odata.count")), {}),
    "startAt (Jira)": (offsets("startAt", envelope=envelope(items="issues", offset="startAt", total="total")), {}),
    "start": (offsets("start", envelope=envelope(items="docs", offset="start", total="numFound")), {}),
    "startIndex from 1 (SCIM)": (
        offsets("startIndex", first=1, envelope=envelope(items="Resources", total="totalResults")),
        {"query": "?startIndex=1"},
    ),
    "offset, 416 past the end": (offsets(past=problem(416, "Range")), {}),
    "next_cursor": (tokens("cursor", lambda items, token: {"items": items, "next_cursor": token}), {}),
    "nextPageToken (Google)": (
        tokens("pageToken", lambda items, token: {"items": items, **({"nextPageToken": token} if token else {})}),
        {},
    ),
    "next_page_token": (
        tokens("page_token", lambda items, token: {"items": items, "next_page_token": token or ""}),
        {},
    ),
    "paging.cursors.after (Graph API)": (
        tokens("after", lambda items, token: {"data": items, "paging": {"cursors": {"after": token}} if token else {}}),
        {},
    ),
    "response_metadata.next_cursor (Slack)": (
        tokens(
            "cursor",
            lambda items, token: {"ok": True, "members": items, "response_metadata": {"next_cursor": token or ""}},
        ),
        {},
    ),
    "meta.next_cursor": (tokens("cursor", lambda items, token: {"data": items, "meta": {"next_cursor": token}}), {}),
    "continuationToken": (
        tokens("continuationToken", lambda items, token: {"value": items, "continuationToken": token}),
        {},
    ),
    "nextToken (AWS)": (tokens("nextToken", lambda items, token: {"items": items, "nextToken": token}), {}),
    "next is a token": (tokens("next", lambda items, token: {"items": items, "next": token}), {}),
    "cursor in a header": (
        tokens("cursor", lambda items, _: items, headers=lambda token: {"X-Next-Cursor": token} if token else {}),
        {},
    ),
    "starting_after (Stripe)": (after_last(), {}),
    "start_cursor in a POST body (Notion)": (notion(), {"body": "{}"}),
    "GraphQL connection": (
        graphql(),
        {"body": '{"query": "query($after: String) { viewer { issues(first: 10, after: $after) { id } } }"}'},
    ),
    "continue object (MediaWiki)": (mediawiki(), {}),
    "cursor with empty pages": (with_holes(), {}),
    "7 of more, no way but a larger limit": (sized(7), {"refused": "The further pages can't be found"}),
    "7 records in all": whole(7),
    "13 records in all": whole(13),
    "33 records in all": whole(33),
    "7 in all, unknown parameters refused": whole(7, lambda _: strict(serve=listing(pages="none"))),
    "33 in all, unknown parameters refused": whole(33, lambda _: strict(serve=listing(pages="none"))),
    "13 in all, a full page": whole(13, lambda size: numbered(size=size)),
    "13 in all, a full page counted from 0": whole(13, lambda size: numbered(first=0, size=size)),
    "33 in all, a full page, 404 past the end": whole(
        33, lambda size: numbered(size=size, past=lambda _: problem(404, "No such page"))
    ),
    "7 in all, a full page by offset": whole(7, lambda size: offsets(size=size)),
    "33 in all, other parameters filter": whole(33, filtering),
}
