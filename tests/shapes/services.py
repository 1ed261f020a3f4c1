"""Ways in which well-known services' listings go on, each with the names that its documentation gives."""

from collections.abc import Callable, Sequence
from typing import Any

from tests.server import Reply, Seen, json_reply
from tests.shapes.paging import numbered, offsets, tokens
from tests.shapes.shape import Record, Records, Serve, Shape


def _by_mark(param: str, body: Callable[[list[Any], str, int], Any]) -> Serve:
    """Deep paging that begins with `*` and always names a next mark, also behind the end."""

    def serve(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
        def handler(seen: Seen) -> Reply:
            mark = seen.param(param)
            if mark != "*" and not mark.startswith("m"):
                return json_reply({"items": []}, 400)
            start = 0 if mark == "*" else int(mark.removeprefix("m"))
            items = list(records())[start : start + 10]
            return json_reply(body(items, f"m{start + len(items)}", len(records())))

        return handler

    return serve


def _by_link(body: Callable[[list[Any], str | None, int], Any]) -> Serve:
    """The next page's address in the body; with the total."""

    def serve(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
        def handler(seen: Seen) -> Reply:
            start = int(seen.param("c", "0"))
            items = list(records())[start : start + 10]
            more = start + 10 < len(records())
            return json_reply(body(items, f"/api/items?c={start + 10}" if more else None, len(records())))

        return handler

    return serve


def _fhir(items: list[Any], following: str | None, total: int) -> Any:
    links = [{"relation": "self", "url": "/api/items"}]
    links += [{"relation": "next", "url": following}] if following else []
    entries = [{"fullUrl": f"u{each['id']}", "resource": each} for each in items]
    return {"resourceType": "Bundle", "type": "searchset", "total": total, "link": links, "entry": entries}


def _fhir_rows(records: Records) -> list[Record]:
    return [{"fullUrl": f"u{each['id']}", "resource": each} for each in records]


def _hydra(items: list[Any], following: str | None, total: int) -> Any:
    view = {"@id": "/api/items", "@type": "hydra:PartialCollectionView"}
    view |= {"hydra:next": following} if following else {}
    return {"@id": "/api/items", "hydra:member": items, "hydra:totalItems": total, "hydra:view": view}


def _salesforce(items: list[Any], following: str | None, total: int) -> Any:
    more = {"nextRecordsUrl": following} if following else {}
    return {"totalSize": total, "done": following is None, "records": items, **more}


def _ckan(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
    """A next address on every page, also on the empty ones behind the end."""

    def handler(seen: Seen) -> Reply:
        start = int(seen.param("offset", "0"))
        links = {"start": "/api/items", "next": f"/api/items?offset={start + 10}"}
        return json_reply({"success": True, "result": {"records": records()[start : start + 10], "_links": links}})

    return handler


def _endless_links(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
    def handler(seen: Seen) -> Reply:
        page = int(seen.param("page", "1"))
        return json_reply(records()[page * 10 - 10 : page * 10]).with_headers(Link=f'<?page={page + 1}>; rel="next"')

    return handler


def _last_names_itself(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
    def handler(seen: Seen) -> Reply:
        page = int(seen.param("page", "1"))
        last = (len(records()) + 9) // 10
        items = records()[page * 10 - 10 : page * 10]
        return json_reply({"items": items, "total": len(records()), "next": f"/api/items?page={min(page + 1, last)}"})

    return handler


def _cursor_that_stays(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
    """Behind the end, the cursor is the one that was sent: for those who wait for more."""

    def handler(seen: Seen) -> Reply:
        start = int(seen.param("cursor", "0"))
        items = records()[start : start + 10]
        return json_reply({"items": items, "next_cursor": str(start + len(items))})

    return handler


def _token_at_the_end(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
    """One page, just full, with a token: nothing comes after it."""

    def handler(seen: Seen) -> Reply:
        ended = bool(seen.param("cursor"))
        return json_reply({"items": [] if ended else records(), "next_cursor": None if ended else "c1"})

    return handler


def _token_at_the_end_of_filters(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
    """A token that goes back nobody knows how, and a server that takes any name for a filter."""

    def handler(seen: Seen) -> Reply:
        return json_reply({"items": [] if seen.query else records()[:10], "next_cursor": None if seen.query else "c1"})

    return handler


def _dynamo(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
    """The key to go on from is an object, and goes into the body under another name."""

    def handler(seen: Seen) -> Reply:
        after = seen.json().get("ExclusiveStartKey", {"id": 0})["id"]
        left = [each for each in records() if each["id"] > after]
        more = {"LastEvaluatedKey": {"id": left[9]["id"]}} if len(left) > 10 else {}
        return json_reply({"Items": left[:10], "Count": len(left[:10]), **more})

    return handler


def _bitbucket(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
    def handler(seen: Seen) -> Reply:
        start = int(seen.param("start", "0"))
        items = records()[start : start + 10]
        last = start + 10 >= len(records())
        following = None if last else start + 10
        return json_reply({"size": len(items), "isLastPage": last, "values": items, "nextPageStart": following})

    return handler


def _cosmos(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
    """A token in a header, which goes back in a header of that name."""

    def handler(seen: Seen) -> Reply:
        start = int(seen.headers.get("x-ms-continuation", "0"))
        more = {"x-ms-continuation": str(start + 10)} if start + 10 < len(records()) else {}
        return json_reply({"_rid": "x", "Documents": records()[start : start + 10]}).with_headers(**more)

    return handler


def _openstack(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
    def handler(seen: Seen) -> Reply:
        left = [each for each in records() if each["id"] > int(seen.param("marker", "0"))]
        links = [{"rel": "next", "href": f"/api/items?marker={left[9]['id']}"}] if len(left) > 10 else []
        return json_reply({"servers": left[:10], "servers_links": links})

    return handler


def _content_range(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
    """PostgREST's way: the place of the page in the whole, in a header."""

    def handler(seen: Seen) -> Reply:
        start = int(seen.param("offset", "0"))
        items = records()[start : start + 10]
        return json_reply(items, 206).with_headers(Content_Range=f"{start}-{start + len(items) - 1}/{len(records())}")

    return handler


def _holes(**facts: bool) -> Serve:
    """Numbered pages of which the third is empty, though there are more."""

    def serve(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
        def handler(seen: Seen) -> Reply:
            page = int(seen.param("page", "1"))
            place = page if page < 3 else page - 1
            items: Sequence[Any] = [] if page == 3 else records()[place * 10 - 10 : place * 10]
            pages = (len(records()) + 9) // 10 + 1
            known = {"total_pages": pages, "has_more": page < pages, "total": len(records())}
            return json_reply({"items": items, "page": page, **{name: known[name] for name in facts}})

        return handler

    return serve


def _reddit(items: list[Any], token: str | None) -> Any:
    children = [{"kind": "t3", "data": each} for each in items]
    return {"kind": "Listing", "data": {"after": token, "dist": len(items), "children": children}}


def _in_header(name: str, param: str) -> Serve:
    return tokens(param, lambda items, _: items, headers=lambda token: {name: token} if token else {})


def _address_in_header(name: str) -> Serve:
    return tokens("c", lambda items, _: items, headers=lambda token: {name: f"/api/items?c={token}"} if token else {})


def _fiscal(items: list[Any], page: int, total: int) -> Any:
    more = f"&page%5Bnumber%5D={page + 2}&page%5Bsize%5D=10" if (page + 1) * 10 < total else None
    return {
        "data": items,
        "meta": {"count": len(items), "labels": {}, "total-count": total, "total-pages": (total + 9) // 10},
        "links": {"self": f"&page%5Bnumber%5D={page + 1}", "prev": None, "next": more},
    }


def _arcgis(items: list[Any], start: int, total: int) -> Any:
    more = {"exceededTransferLimit": True} if start + len(items) < total else {}
    return {
        "objectIdFieldName": "id",
        "fields": [{"name": "id", "type": "esriFieldTypeOID"}],
        "features": [{"attributes": each} for each in items],
        **more,
    }


def _wfs(items: list[Any], start: int, total: int) -> Any:
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": each["id"],
                "geometry": None,
                "properties": {name: each[name] for name in each if name != "id"},
            }
            for each in items
        ],
        "numberMatched": total,
        "numberReturned": len(items),
        "timeStamp": "2026-11-30T10:00:00.000Z",
    }


def _before(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
    """The newest first, and those before an id (Discord)."""

    def handler(seen: Seen) -> Reply:
        newest = sorted(records(), key=lambda each: -each["id"])
        before = int(seen.param("before") or 10**9)
        return json_reply([each for each in newest if each["id"] < before][: int(seen.param("limit") or 5)])

    return handler


def _json_server_1(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
    """All as a bare list, but an envelope when it is asked by page."""

    def handler(seen: Seen) -> Reply:
        if "_page" not in seen.query:
            return json_reply(list(records()))
        page, pages = int(seen.param("_page")), (len(records()) + 9) // 10
        facts = {"first": 1, "prev": None, "next": page + 1 if page < pages else None, "last": pages, "pages": pages}
        return json_reply({**facts, "items": len(records()), "data": records()[page * 10 - 10 : page * 10]})

    return handler


def _sharepoint(items: list[Any], following: str | None, total: int) -> Any:
    return {"d": {"results": items, **({"__next": following} if following else {})}}


def _by_unasked(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
    """A cursor that comes only to those who ask for one, if with an empty one."""

    def handler(seen: Seen) -> Reply:
        start = int((seen.param("cursor") or "c0")[1:])
        more = "cursor" in seen.query and start + 25 < len(records())
        return json_reply({"contacts": records()[start : start + 25], "cursor": f"c{start + 25}" if more else None})

    return handler


def _equal_pages(records: Callable[[], Records]) -> Callable[[Seen], Reply]:
    """Records that are equal on every page; only the Link header tells the pages apart."""

    def handler(seen: Seen) -> Reply:
        page = int(seen.param("page", "1"))
        count = len(records()[page * 10 - 10 : page * 10])
        more = {"Link": f'</api/items?page={page + 1}>; rel="next"'} if page * 10 < len(records()) else {}
        return json_reply([{"level": ("info", "warn")[n % 2]} for n in range(count)]).with_headers(**more)

    return handler


def _equal_rows(records: Records) -> list[Record]:
    return [{"level": ("info", "warn")[n % 10 % 2]} for n in range(len(records))]


SERVICES: dict[str, Shape] = {
    "links.next is the rest of a query (Fiscal Data)": Shape(numbered("page[number]", envelope=_fiscal)),
    "exceededTransferLimit (ArcGIS)": Shape(
        offsets("resultOffset", envelope=_arcgis),
        rows=lambda r: [{"attributes": each} for each in r],
        counts=(2, 0, 3),
    ),
    "numberMatched and startIndex (WFS)": Shape(
        offsets("startIndex", envelope=_wfs),
        rows=lambda r: [{**each, "geometry": None} for each in r],
    ),
    "before=ID, the size in the address (Discord)": Shape(_before, query="?limit=10"),
    "before=ID without a word": Shape(_before),
    "a list, but an envelope by page (json-server 1)": Shape(_json_server_1),
    "d.__next (SharePoint)": Shape(_by_link(_sharepoint)),
    "a cursor only for those who ask": Shape(_by_unasked),
    "equal records on every page": Shape(_equal_pages, rows=_equal_rows, counts=(0, 0, 1)),
    "meta.next_token (X)": Shape(
        tokens("pagination_token", lambda items, token: {"data": items, "meta": {"next_token": token} if token else {}})
    ),
    "paging.next.after (HubSpot)": Shape(
        tokens("after", lambda items, t: {"results": items, **({"paging": {"next": {"after": t}}} if t else {})})
    ),
    "offset is a token (Airtable)": Shape(
        tokens("offset", lambda items, token: {"records": items, **({"offset": token} if token else {})})
    ),
    "data.after (Reddit)": Shape(
        tokens("after", _reddit),
        rows=lambda r: [{"kind": "t3", "data": each} for each in r],
        counts=(2, 0, 3),
    ),
    "pages.next.starting_after (Intercom)": Shape(
        tokens(
            "starting_after",
            lambda items, t: {"data": items, "pages": {"next": {"starting_after": t} if t else None, "page": 1}},
        )
    ),
    "meta.after_cursor (Zendesk)": Shape(
        tokens("page[after]", lambda items, t: {"tickets": items, "meta": {"has_more": bool(t), "after_cursor": t}})
    ),
    "cursor (Square)": Shape(
        tokens("cursor", lambda items, token: {"customers": items, **({"cursor": token} if token else {})})
    ),
    "LastEvaluatedKey (DynamoDB)": Shape(_dynamo, body="{}"),
    "nextRecordsUrl (Salesforce)": Shape(_by_link(_salesforce)),
    "nextPageStart, isLastPage (Bitbucket)": Shape(_bitbucket),
    "nextCursorMark (Solr)": Shape(
        _by_mark(
            "cursorMark",
            lambda items, mark, total: {"response": {"numFound": total, "docs": items}, "nextCursorMark": mark},
        ),
        query="?cursorMark=*",
    ),
    "message.next-cursor (Crossref)": Shape(
        _by_mark(
            "cursor",
            lambda items, mark, total: {"message": {"total-results": total, "items": items, "next-cursor": mark}},
        ),
        query="?cursor=*",
    ),
    "link[] with relation next (FHIR)": Shape(_by_link(_fhir), rows=_fhir_rows),
    "hydra:next (API Platform)": Shape(_by_link(_hydra)),
    "servers_links (OpenStack)": Shape(_openstack),
    "a list of facts and records (World Bank)": Shape(
        numbered(envelope=lambda items, page, total: [{"page": page + 1, "pages": 4, "total": total}, items])
    ),
    "$offset (Socrata)": Shape(offsets("$offset")),
    "Content-Range (PostgREST)": Shape(_content_range),
    "X-Pagination-Page-Count (Yii)": Shape(
        numbered(headers=lambda _, total: {"X-Pagination-Page-Count": str((total + 9) // 10)})
    ),
    "x-ms-continuation (Cosmos DB)": Shape(_cosmos),
    "X-Next-Token header": Shape(_in_header("X-Next-Token", "next_token")),
    "X-Next-Page-Token header": Shape(_in_header("X-Next-Page-Token", "pageToken")),
    "Next-Cursor header": Shape(_in_header("Next-Cursor", "cursor")),
    "X-Next-Page header with an address": Shape(_address_in_header("X-Next-Page")),
    "X-Next-Link header": Shape(_address_in_header("X-Next-Link")),
    "a next address for ever (CKAN)": Shape(_ckan),
    "a Link header for ever": Shape(_endless_links),
    "the last page names itself, with the total": Shape(_last_names_itself),
    "a cursor that stays at the end": Shape(_cursor_that_stays),
    "a token that leads to an empty page": Shape(_token_at_the_end),
    "a token that leads to an empty page, other parameters filter": Shape(
        _token_at_the_end_of_filters, refused="The further pages can't be found"
    ),
    "an empty page in the middle, total_pages": Shape(_holes(total_pages=True)),
    "an empty page in the middle, has_more": Shape(_holes(has_more=True)),
    "an empty page in the middle, total": Shape(_holes(total=True)),
    "a token under a name nobody knows": Shape(
        tokens("zz", lambda items, token: {"items": items, "nextMarker": token}),
        refused="The further pages can't be found",
    ),
}
