"""The names that servers give to what stands in and around a listing, and the parameters that they take.

Places are dotted paths; a name may have dots itself ("@odata.nextLink"). Where order counts, the likeliest is first.
"""

import re


def folded(name: str) -> str:
    """The name as it is compared where servers differ in how they write one: case does not count."""
    return name.lower()


NEXT_PLACES: tuple[str, ...] = (
    "next_url", "next_page_url", "nextPageUrl", "nextUrl", "next_page", "nextLink", "next_link", "@odata.nextLink",
    "odata.nextLink", "next", "next.href", "next.url", "links.next", "links.next.href", "links.next.url",
    "_links.next", "_links.next.href", "paging.next", "pagination.next", "pagination.next_url", "pagination.next_link",
    "pagination.links.next", "meta.next", "meta.next_url", "meta.pagination.next", "meta.pagination.links.next",
    "meta.pagination.next_url", "meta.links.next", "response.next", "nextPage", "page.next",
)  # fmt: skip
"""Where the next page's address stands.

`next` is Django REST framework's, `next_page_url` Laravel's, `next_page` Zendesk's, `nextLink` Azure's and OData's,
`links.next` JSON:API's, `_links.next.href` HAL's, `paging.next` Facebook's, `meta.next` Tastypie's,
`meta.pagination.links.next` Fractal's.
"""
LINK_LISTS: tuple[str, ...] = ("links", "link", "_links", "meta.links")
"""Where lists of links stand, as OGC API, FHIR and OpenStack (`NAME_links`) write them.

A path to the one with rel "next" is written `links[rel=next]`.
"""
NEXT_HEADERS: tuple[str, ...] = (
    "Next-Page", "Next", "X-Next", "X-Next-Url", "X-Next-Page", "X-Next-Page-Url", "X-Next-Link", "X-Next-Page-Link",
)  # fmt: skip
"""Headers with the next page's address, of servers that don't write a Link header (RFC 8288)."""
NEXT_ADDRESS = re.compile(
    r"(\w+:)?next[_-]?(page|records?|results?|items|set|batch|link)?[_-]?(url|uri|link|href|path|page)?", re.IGNORECASE
)
"""Any other name of a next page's address: `nextRecordsUrl` (Salesforce), `hydra:next` (Hydra), `next_href`."""
ADDRESSES = frozenset({"link", "href", "url"})
"""Names of an address in an object that is called so: HAL's and JSON:API's `next.href`, HubSpot's `next.link`."""

TOTAL_PLACES: tuple[str, ...] = (
    "total", "total_count", "totalCount", "count", "total_results", "totalResults", "totalItems", "total_items",
    "total_records", "recordCount", "numFound", "@odata.count", "meta.total", "meta.total_count", "meta.count",
    "meta.pagination.total", "pagination.total", "pagination.total_count", "paging.total", "page.totalElements",
    "totalElements", "filtered_table_rows_count", "meta.pagination.total_count", "hits.total", "total_rows",
    "nbHits", "totalSize", "hydra:totalItems", "hits.total.value", "response.numFound", "message.total-results",
)  # fmt: skip
"""Where the number of all records stands.

`count` is Django REST framework's, `total_count` GitHub's search's, `totalElements` Spring Data's, `numFound` Solr's,
`hits.total` Elasticsearch's, `nbHits` Algolia's, `totalSize` Salesforce's, `total_rows` CouchDB's,
`filtered_table_rows_count` Datasette's, `message.total-results` Crossref's.
"""
TOTAL_HEADERS: tuple[str, ...] = (
    "X-Total-Count", "X-Total", "X-WP-Total", "Total-Count", "Total-Results", "X-Pagination-Total-Count",
)  # fmt: skip
"""The same as headers: json-server's and Gitea's first, then GitLab's and WordPress's; Yii's is the last."""
PAGES_PLACES: tuple[str, ...] = (
    "total_pages", "totalPages", "pages", "last_page", "lastPage", "page_count", "pageCount", "meta.total_pages",
    "meta.pagination.total_pages", "meta.last_page", "pagination.total_pages", "pagination.pages", "page.totalPages",
    "nbPages",
)  # fmt: skip
"""Where the number of all pages stands: `last_page` is Laravel's, `totalPages` Spring Data's, `nbPages` Algolia's."""
PAGES_HEADERS: tuple[str, ...] = ("X-Total-Pages", "X-WP-TotalPages", "X-Pagination-Page-Count")
"""The same as headers: GitLab's, WordPress's, Yii's."""

MORE_PLACES: tuple[str, ...] = (
    "has_more", "hasMore", "has_next", "hasNext", "more", "meta.has_more", "pagination.has_more", "paging.has_more",
    "pageInfo.hasNextPage", "pagination.has_next", "has_next_page", "hasNextPage",
)  # fmt: skip
"""Where true says that more follows, false that nothing does: `has_more` is Stripe's, `pageInfo` Relay's."""
LAST_PAGE_FLAGS: tuple[str, ...] = ("isLast", "isLastPage", "is_last", "is_last_page", "lastPage")
"""Flags that say the opposite: `isLast` is Atlassian's, `isLastPage` Bitbucket Server's."""
DONE = "done"
"""Salesforce's flag of the last page; false on a job does not mean a listing."""

TOKEN_PLACES: tuple[str, ...] = (
    "next_cursor", "nextCursor", "next_page_token", "nextPageToken", "cursor.next", "cursors.after",
    "paging.cursors.after", "meta.next_cursor", "response_metadata.next_cursor", "pagination.next_cursor",
    "continue", "continuation", "continuationToken", "pageInfo.endCursor", "next", "next_token", "nextToken",
)  # fmt: skip
"""Where a token of the next page stands.

`nextPageToken` is Google's, `paging.cursors.after` Facebook's, `response_metadata` Slack's, `continue` MediaWiki's and
Kubernetes', `continuationToken` Azure's, `pageInfo.endCursor` Relay's, `nextToken` AWS's.
"""
TOKEN_PARAMS: dict[str, tuple[str, ...]] = {
    "next_cursor": ("cursor", "next_cursor", "start_cursor"),
    "nextCursor": ("cursor", "nextCursor"),
    "next_page_token": ("page_token", "next_page_token"),
    "nextPageToken": ("pageToken", "nextPageToken"),
    "next_token": ("next_token", "token"),
    "nextToken": ("nextToken", "token"),
    "endCursor": ("after", "cursor"),
    "after": ("after",),
    "continuation": ("continuation",),
    "continuationToken": ("continuationToken",),
    "next": ("next", "cursor", "after", "_next", "page"),
}
"""Parameters that take them, by the token's own name; `start_cursor` is Notion's, `_next` Datasette's."""
TOKEN_HEADERS: dict[str, tuple[str, ...]] = {
    "X-Next-Page": ("page",),
    "X-Next-Cursor": ("cursor",),
    "X-Cursor": ("cursor",),
    "X-Continuation-Token": ("continuationToken", "continuation"),
}
"""Headers that hold such a token, and parameters that take it: the first is GitLab's."""
NEXT_TOKEN = re.compile(
    r"(x-)?(ms-)?(next|after|(next)?continuation)[_-]?(page|results?|records?)?[_-]?"
    r"(cursor|token|marker|mark|key|id|start|offset|cursor_?mark)|lastevaluatedkey|nextpage|next_page|x-ms-continuation",
    re.IGNORECASE,
)
"""Any other name of a token: `nextCursorMark` (Solr), `next-cursor` (Crossref), `x-ms-continuation` (Cosmos DB)."""
TOKEN_OBJECT = folded("LastEvaluatedKey")
"""DynamoDB's token, which is an object."""
PLAIN_TOKENS = frozenset(map(folded, (
    "cursor", "after", "starting_after", "offset", "page_token", "pageToken", "marker", "continuation",
)))  # fmt: skip
"""Names that may as well repeat what was asked for, unless they stand in one of TOKEN_HOLDERS: Airtable's `offset`."""
TOKEN_HOLDERS = frozenset({"next", "cursors"})
"""Objects with nothing but what leads on: HubSpot's `paging.next.after`, Facebook's `paging.cursors.after`."""
OTHER_TOKEN_PARAMS: dict[str, tuple[str, ...]] = {
    folded("next_token"): ("pagination_token",),
    folded("after_cursor"): ("page[after]", "after"),
    folded("LastEvaluatedKey"): ("ExclusiveStartKey",),
    folded("NextContinuationToken"): ("continuation-token",),
}
"""Parameters that have another name than the token: X's, Zendesk's, DynamoDB's, S3's."""
LAST_RECORD_PARAMS: tuple[str, ...] = ("starting_after", "after", "after_id")
"""Parameters that take the last record's key: the first is Stripe's."""
TOKEN_WITH_FILTERS = "page_info"
"""Shopify's token, which holds all filters, and is refused beside any."""

HOLDERS = frozenset(map(folded, (
    "meta", "metadata", "_meta", "info", "paging", "pagination", "pager", "page", "pages", "pageInfo", "page_info",
    "links", "_links", "view", "hydra:view", "next", "cursor", "cursors", "response", "result", "data", "message",
    "response_metadata", "search_metadata", "navigation",
)))  # fmt: skip
"""Objects that may say how a listing goes on; others may be records."""

PAGE_PARAMS: tuple[str, ...] = (
    "page", "p", "pg", "paged", "pageno", "_page", "pageNumber", "page_number", "page[number]", "currentPage",
)  # fmt: skip
"""Page numbers: `paged` is WordPress's, `_page` json-server's, `page[number]` JSON:API's."""
OFFSET_PARAMS: tuple[str, ...] = (
    "offset", "skip", "$skip", "$offset", "start", "startAt", "start_at", "startIndex", "start_index", "from", "_start",
)  # fmt: skip
"""Offsets: `$skip` is OData's, `$offset` Socrata's, `start` Solr's, `startAt` Jira's, `startIndex` SCIM's."""
USUAL_NUMBERS: tuple[str, ...] = (
    "page", "offset", "skip", "_page", "p", "pageNumber", "start", "$skip", "$offset",
)  # fmt: skip
"""Those of both that are tried where nothing names one."""
USUAL_SIZES: tuple[str, ...] = ("limit", "per_page", "page_size", "pageSize", "size", "$top")
"""Page sizes that are tried where nothing names one: `per_page` is GitHub's, `size` Spring Data's, `$top` OData's."""
SIZE_PARAMS = frozenset(map(folded, (
    *USUAL_SIZES, "perPage", "count", "rows", "first", "_limit", "maxResults", "max_results", "take",
)))  # fmt: skip
"""Any page size: `rows` is Solr's, `first` Relay's, `_limit` json-server's, `maxResults` Google's and Jira's."""
# Compiled by their first use, which most runs do without.
POSITION_PARAM = r"(?i)page|offset|skip|start|cursor|after|before|token|since|from|max_id|min_id|next"
"""Found in parameters that say something about the position in a listing."""
NUMBER_PARAM = (
    r"(?i)^_?(page|p|pg|offset|skip|\$skip|start|startat|startindex|from|pagenumber|page_number|page\[number\])$"
)
"""Parameters of an address whose positions are numbers."""
TELLING_HEADER = re.compile(r"link|total|count|next|page|cursor|range|continuation", re.IGNORECASE)
"""Found in headers that say how a listing goes on."""

RECORD_LISTS = frozenset({
    "data", "items", "results", "records", "value", "values", "entries", "rows", "list", "content", "docs",
    "objects", "elements", "nodes", "edges", "features", "hits", "issues", "resources", "result",
})  # fmt: skip
"""Lists that are the records.

`data` is JSON:API's, `results` Django REST framework's, `value` OData's, `content` Spring Data's, `docs` Solr's,
`edges` and `nodes` Relay's, `features` GeoJSON's, `hits` Elasticsearch's.
"""
BESIDE_RECORDS = frozenset({
    "errors", "error", "meta", "metadata", "links", "_links", "included", "facets", "warnings", "messages",
    "aggregations", "columns", "fields", "schema", "filters", "sort", "pagination", "paging", "headers", "@context",
})  # fmt: skip
"""What is not the records: `included` is JSON:API's, `aggregations` Elasticsearch's, `@context` JSON-LD's."""
RECORD_HOLDERS: tuple[str, ...] = ("data", "result", "response", "item", "object", "record")
"""What an object that is the only record stands in."""
FIELD_LISTS: tuple[str, ...] = (
    "columns", "fields", "headers", "header", "column_names", "columnNames", "names", "schema", "cols",
)  # fmt: skip
"""Lists of the fields' names for rows without: `columns` is Datasette's, `fields` ArcGIS's, `cols` Google's charts'."""
TIME_COLUMN = re.compile(r"^(time|times|date|dates|datetime|timestamp|timestamps|t)$", re.IGNORECASE)
"""Columns that a table of measured values has, as Open-Meteo's."""

KEYS: tuple[str, ...] = (
    "id", "_id", "uuid", "guid", "key", "uid", "sha", "ID", "Id", "@id", "pk", "code", "slug", "iid", "number",
)  # fmt: skip
"""Fields that tell records apart: `_id` is MongoDB's, `sha` Git's, `@id` JSON-LD's, `pk` Django's, `iid` GitLab's."""
OTHER_KEY = re.compile(r"(^|_)(id|uuid|guid|key|code|no|nr)$|I[dD]$")
"""Any other name of such a field."""
IDS: tuple[str, ...] = ("id", "_id", "uuid", "guid", "uid", "ID", "Id", "@id", "sha")
"""Those of the keys that show that an object is a record."""
CHANGE_TIME = re.compile(r"(updated|modified|changed|last_?edit|last_?update|timestamp)", re.IGNORECASE)
"""Found in fields with the time of the last change."""

ERRORS = frozenset({"error", "errors"})
"""What a complaint stands in: `errors` is GraphQL's and JSON:API's."""
COMPLAINTS = ERRORS | {
    "fault", "exception", "error_message", "errorMessage", "error_code", "errorCode", "error_description",
}  # fmt: skip
"""Members of a complaint: `fault` is SOAP's, `error_description` OAuth's."""
COMPLAINT_TEXTS: tuple[str, ...] = ("message", "msg", "detail", "title")
"""Members that are a complaint's where nothing else is there: `detail` and `title` are RFC 9457's."""
COMPLAINT_WORDS: tuple[str, ...] = (
    "detail", "message", "error_description", "messages", "title", "error", "errors", "reason",
)  # fmt: skip
"""Where a complaint's words for people stand: RFC 9457's first."""
COMPLAINT_CODES: tuple[str, ...] = ("error", "code", "error_code", "errorCode", "status", "type", "message")
"""Where a complaint's code stands."""
SUCCESS_FLAGS: tuple[str, ...] = ("ok", "success")
"""Flags that are false in a complaint: Slack's and Telegram's, Cloudflare's."""
BESIDE_OBJECT = frozenset({
    "ok", "success", "status", "status_code", "statusCode", "code", "message", "messages", "msg", "detail",
    "details", "title", "type", "instance", "reason", "request_id", "requestId", "trace", "trace_id", "timestamp",
    "path", "documentation_url", "help", "jsonrpc", "api_version", "apiVersion", "version", "took", "duration",
    "meta", "metadata", "links", "_links", "jsonapi", "included", "warnings", "@context", "@odata.context",
})  # fmt: skip
"""What stands beside what an answer is about, or in a complaint: RFC 9457's, Spring's, JSON:API's, OData's names."""
OF_LISTING = frozenset({
    "next", "previous", "prev", "next_url", "next_page", "nextPage", "next_cursor", "nextCursor", "nextPageToken",
    "next_page_token", "nextToken", "next_token", "cursor", "cursors", "has_more", "hasMore", "has_next", "hasNext",
    "more", "continue", "pageInfo", "paging", "pagination", "page", "pages", "total", "total_count", "totalCount",
    "totalElements", "total_pages", "totalPages", "totalItems", "total_items", "totalResults", "total_results",
    "count", "limit", "offset", "per_page", "perPage", "pageSize", "page_size", "_embedded", "@odata.nextLink",
    "@odata.count", "numFound",
})  # fmt: skip
"""What an object has that is a listing without its records: those of the names above that no record has."""
_USUAL: dict[str, str] = {folded(name): name for name in (*BESIDE_OBJECT, *COMPLAINTS, *OF_LISTING)}


def usual(name: str) -> str:
    """The usual spelling of a name that XML writes with other capitals."""
    return _USUAL.get(folded(name), name)
