"""Guesses about an answer from its own shape: what tells its records apart, how the listing goes on."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from trayapp.endpoints.naming import slug
from trayapp.sync import envelope
from trayapp.sync.links import next_link

_NEXT_PLACES = (
    "next_url", "next_page_url", "nextPageUrl", "nextUrl", "next_page", "nextLink", "next_link", "@odata.nextLink",
    "odata.nextLink", "next", "next.href", "next.url", "links.next", "links.next.href", "links.next.url",
    "_links.next", "_links.next.href", "paging.next", "pagination.next", "pagination.next_url", "pagination.next_link",
    "pagination.links.next", "meta.next", "meta.next_url", "meta.pagination.next", "meta.pagination.links.next",
    "meta.pagination.next_url", "meta.links.next", "response.next", "nextPage", "page.next",
)  # fmt: skip
_LINK_LISTS = ("links", "link", "_links", "meta.links")
"""Where lists of links stand; a path to the one with rel "next" is written `links[rel=next]`."""
_TOTAL_PLACES = (
    "total", "total_count", "totalCount", "count", "total_results", "totalResults", "totalItems", "total_items",
    "total_records", "recordCount", "numFound", "@odata.count", "meta.total", "meta.total_count", "meta.count",
    "meta.pagination.total", "pagination.total", "pagination.total_count", "paging.total", "page.totalElements",
    "totalElements", "filtered_table_rows_count", "meta.pagination.total_count", "hits.total", "total_rows",
    "nbHits", "totalSize", "hydra:totalItems", "hits.total.value", "response.numFound", "message.total-results",
)  # fmt: skip
MORE_PLACES = (
    "has_more", "hasMore", "has_next", "hasNext", "more", "meta.has_more", "pagination.has_more", "paging.has_more",
    "pageInfo.hasNextPage", "pagination.has_next", "has_next_page", "hasNextPage",
)  # fmt: skip
TOKEN_PLACES = (
    "next_cursor", "nextCursor", "next_page_token", "nextPageToken", "cursor.next", "cursors.after",
    "paging.cursors.after", "meta.next_cursor", "response_metadata.next_cursor", "pagination.next_cursor",
    "continue", "continuation", "continuationToken", "pageInfo.endCursor", "next", "next_token", "nextToken",
)  # fmt: skip
PAGES_PLACES = (
    "total_pages", "totalPages", "pages", "last_page", "lastPage", "page_count", "pageCount", "meta.total_pages",
    "meta.pagination.total_pages", "meta.last_page", "pagination.total_pages", "pagination.pages", "page.totalPages",
    "nbPages",
)  # fmt: skip
_KEY_NAMES = (
    "id",
    "_id",
    "uuid",
    "guid",
    "key",
    "uid",
    "sha",
    "ID",
    "Id",
    "@id",
    "pk",
    "code",
    "slug",
    "iid",
    "number",
)


def find(value: Any, path: str) -> Any:
    """What stands at a dotted path, or None. A name with dots in it is found too ("@odata.nextLink")."""
    if isinstance(value, dict) and path in value:
        return value[path]
    head, _, rest = path.partition(".")
    if isinstance(value, dict) and rest and head in value:
        return find(value[head], rest)
    return None


def next_url(headers: Mapping[str, str], body: Any) -> tuple[str, str, str] | None:
    """(kind, path, target) of the next page where the answer gives its address: Link header first, then the body."""
    target = next_link(headers.get("Link", ""))
    if target is not None:
        return "link", "", target
    for path in _NEXT_PLACES:
        target = find(body, path)
        if isinstance(target, str) and _is_address(target):
            return "next_url", path, target
    others = [name for name in body if name.endswith("_links")] if isinstance(body, dict) else []
    for path in (*_LINK_LISTS, *others):
        target = linked(find(body, path), "next")
        if target is not None:
            return "next_url", f"{path}[rel=next]", target
    for path, target in envelope.addresses(body):
        return "next_url", path, target
    return None


def linked(value: Any, relation: str) -> str | None:
    """The target of that relation in a list of links, or None.

    OGC API and OpenStack write `[{"rel": "next", "href": …}]`, FHIR `[{"relation": "next", "url": …}]`.
    """
    for link in value if isinstance(value, list) else ():
        if isinstance(link, dict) and relation in (link.get("rel"), link.get("relation")):
            target = link.get("href", link.get("url"))
            return target if isinstance(target, str) else None
    return None


def _is_address(text: str) -> bool:
    return bool(re.match(r"(https?://|/|\?|\./)", text)) or ("?" in text and "=" in text)


def total(headers: Mapping[str, str], body: Any) -> int | None:
    """How many records the server says there are, or None."""
    for name in ("X-Total-Count", "X-Total", "X-WP-Total", "Total-Count", "Total-Results", "X-Pagination-Total-Count"):
        if headers.get(name, "").isdigit():
            return int(headers[name])
    ranged = re.fullmatch(r"(?:\w+ +)?(?:\d+-\d+|\*)/(\d+)", headers.get("Content-Range", "").strip())
    if ranged is not None and not headers["Content-Range"].lstrip().startswith("bytes"):
        return int(ranged[1])
    for path in _TOTAL_PLACES:
        value = find(body, path)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
    return None


def total_pages(headers: Mapping[str, str], body: Any) -> int | None:
    """How many pages the server says there are, or None."""
    for name in ("X-Total-Pages", "X-WP-TotalPages", "X-Pagination-Page-Count"):
        if headers.get(name, "").isdigit():
            return int(headers[name])
    for path in PAGES_PLACES:
        value = find(body, path)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return None


def signs_of_more(headers: Mapping[str, str], body: Any, count: int) -> str | None:
    """Why the listing seems to go on although no next address is given, in words; None when nothing says so."""
    said = total(headers, body)
    if said is not None and said > count:
        return f"the server says there are {said:,} records, the answer has {count:,}"
    for path in MORE_PLACES:
        if find(body, path) is True:
            return f"the answer says there is more ({path})"
    flag = envelope.says_it_goes_on(body)
    if flag is not None:
        return f"the answer says there is more ({flag})"
    if not (envelope.is_last_page(body) or any(find(body, path) is False for path in MORE_PLACES)):
        for path in TOKEN_PLACES:
            value = find(body, path)
            if value not in (None, "", False, 0) and not isinstance(value, list):
                return f"the answer names a next page ({path})"
        for path, _ in envelope.tokens(headers, body, sure=True):
            return f"the answer names a next page ({path})"
    pages = total_pages(headers, body)
    if pages is not None and pages > 1:
        return f"the server says there are {pages:,} pages"
    return None


def key_of(records: Sequence[Mapping[str, Any]], table: str) -> tuple[str, ...]:
    """The field, or two fields, that tell these records apart; () when there are none or nothing is unique.

    A usual name wins, then the first fitting field; only texts and integers, present and different in every record.
    """
    if not records:
        return ()
    singular = slug(table).removesuffix("s")
    preferred = (*_KEY_NAMES[:1], f"{singular}_id", f"{singular}Id", f"{singular}_key", *_KEY_NAMES[1:])
    fields = [name for name in records[0] if _identifies(records, (name,))]
    for name in preferred:
        if name in fields:
            return (name,)
    likely = [name for name in fields if re.search(r"(^|_)(id|uuid|guid|key|code|no|nr)$|I[dD]$", name)]
    if likely or (fields and len(records) > 1):
        return ((likely or fields)[0],)
    scalars = [name for name in records[0] if _always_scalar(records, name)][:12]
    for index, one in enumerate(scalars):
        for other in scalars[index + 1 :]:
            if len(records) > 1 and _identifies(records, (one, other)):
                return one, other
    return ()


def _always_scalar(records: Sequence[Mapping[str, Any]], name: str) -> bool:
    values = (record.get(name) for record in records)
    return all(isinstance(value, str | int) and not isinstance(value, bool) and value != "" for value in values)


def _identifies(records: Sequence[Mapping[str, Any]], names: tuple[str, ...]) -> bool:
    if not all(_always_scalar(records, name) for name in names):
        return False
    return len({tuple(record[name] for name in names) for record in records}) == len(records)


def cursor_fields(records: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Fields that look like the time of the last change, which incremental runs could ask by."""
    if not records:
        return ()
    pattern = re.compile(r"(updated|modified|changed|last_?edit|last_?update|timestamp)", re.IGNORECASE)
    return tuple(name for name in records[0] if pattern.search(name) and _always_scalar(records, name))
