"""The names that servers give to what stands in and around a listing, and the parameters that they take.

Places are dotted paths; a name may have dots itself ("@odata.nextLink"). Where order counts, the likeliest is first.
"""

import re


def folded(name: str) -> str:
    """The name as it is compared where servers differ in how they write one: case does not count."""
    return name.lower()


def plain(name: str) -> str:
    """The name without what servers write differently: case, `-`, `_`, `$`, and a prefix as in `@odata.` or `hydra:`.

    Names of over 100 characters are not looked at: "".
    """
    if len(name) > 100:
        return ""
    return re.sub(r"[^a-z0-9]", "", re.split(r"[:.@]", name.lower().rstrip(":.@"))[-1])


HOLDER = re.compile(
    r"page|paging|pager|meta|info|links?$|cursors?$|response|results?$|data$|message|search|navigat|view|next|query|list"
    r"|control|envelope|head|context|summary|collection|feed|channel|batch|hits|total|root|body|content"
)
"""Found in the plain names of objects that say something of a listing; others may be records."""
PAST = re.compile(r"prev|previous|first|self|newer|earlier|back(ward)?$|before$|start(cursor|link|url)$")
"""Plain names of what is about pages before this one begin so."""

NEXT = re.compile(
    r"next(page|records?|results?|items?|set|batch|link|chunk|segment|part|query|search|request|entries|rows)*"
    r"(url|uri|links?|href|path|page|address|location|results?|href|ref|query|request)?"
    r"|(more|older|following|forward|continuation|continue)(page|pages|results?|items?|posts?|records?|entries)?"
    r"(url|uri|link|href|path|page)?|links?next|pagenext|urlnext"
)
"""Plain names of what leads to the next page, where the value is an address.

`next` is Django REST framework's, `next_page_url` Laravel's, `next_page` Zendesk's, `nextLink` Azure's and OData's,
`links.next` JSON:API's, `_links.next.href` HAL's, `paging.next` Facebook's, `nextRecordsUrl` Salesforce's, `hydra:next`
Hydra's.
"""
OLDER = re.compile(r"(more|older|following|forward).*")
"""Those that may lead to something else."""
NO_NEXT = re.compile(r"sync|delta|visit|episode|event|run|due|update|step|action|tick|match|game")
"""Found in plain names of what comes next in the world, not in the listing."""
ADDRESSES = frozenset({"link", "href", "url", "uri", "path", "address", "location", "target"})
"""Plain names of an address in an object: HAL's and JSON:API's `next.href`, HubSpot's `next.link`."""
RELATIONS = frozenset({"rel", "relation", "name", "type", "title", "label"})
"""Plain names of what tells the links in a list apart; a path to the next one is written `links[rel=next]`."""

TOTAL = re.compile(
    r"(x|grand|overall|all|full|search|result|items?|records?|collection)*totals?"
    r"(results?|counts?|items?|records?|rows?|elements?|size|hits|entries|entities|objects|number|num|documents?|docs"
    r"|match(es|ed)?|found|features?|available|of|resources|products|posts|users|all|value|instances|in|query|filtered)*"
    r"|num(ber)?(of)?(found|matched|matches|results?|records?|items|rows|hits|total|entries|objects)"
    r"|(record|item|row|result|results|hit|match|object|document|entity|element|entry|full|all|overall)s?count(all)?"
    r"|records(filtered|total)|nb(hits|results|items|records|total)|(count|found)(all|total)|resultsfound|odatacount"
    r"|(filtered|total)?(table)?rowscount|resultsavailable|availableresults"
)
"""Plain names of the number of all records.

`total_count` is GitHub's search's, `totalElements` Spring Data's, `numFound` Solr's, `hits.total` Elasticsearch's,
`nbHits` Algolia's, `totalSize` Salesforce's, `total_rows` CouchDB's, `filtered_table_rows_count` Datasette's,
`numberMatched` OGC's.
"""
NO_TOTAL = re.compile(r"page|time|byte|price|amount|cost|duration|(milli|in|time)ms$|seconds|score")
"""Found in plain names of other sums."""
WEAK_TOTAL = re.compile(
    r"count|results?|records?|items|hits|rows|matches|found|available|quantity|documents|entries|elements|features"
    r"|objects|resultcount|num|n|nb|cardinality|length"
)
"""Plain names of a number that may as well be that of the page: `count` is Django REST framework's total."""
TOTAL_HEADER = re.compile(
    r"x?(wp|pagination|item|record|result|list|query)*total(count|results?|records?|items?)?|x?(item|record|result)count"
)
"""Plain names of such headers: json-server's and Gitea's `X-Total-Count`, WordPress's `X-WP-Total`, Yii's."""
PAGES = re.compile(
    r"(wp|pagination|result|list)*(total|num|nb|number|max|last|count|all)(of)?pages?(count|number|num)?"
    r"|(pagination)?pages?(total|count|max)|pages|(pagination)?pagecount"
)
"""Plain names of the number of all pages: `last_page` is Laravel's, `totalPages` Spring Data's, `nbPages` Algolia's."""

MORE_FLAG = re.compile(
    r"(?!next$)(is|has|have|are|there|get)*(more|next)(page|pages|results?|items?|records?|rows|data|available|entries|exist|toload|token|itemsavailable|recordsavailable)*"
    r"|(is|was|are|result|results|response|list)*truncated|exceeded\w*|\w*limitexceeded|(limit|max)reached"
    r"|incomplete(results?)?|(is)?(partial|continued|overflow)|(has|more)?(older|additional|further)(pages?|results?|items?)?"
)
"""Plain names of flags that say that more follows: `has_more` is Stripe's, `hasNextPage` Relay's, ArcGIS's."""
LAST_FLAG = re.compile(
    r"(is|at|on|was|the|reached)*(last|final|end)(page|batch|chunk|ofrecords|oflist|ofresults|ofdata|reached)?"
    r"|(is|all)?(complete|completed|done|finished|exhausted|loaded)|endof\w+|eof|nomore\w*"
)
"""Plain names of flags that say the opposite: `isLast` is Atlassian's, `endOfRecords` GBIF's."""
DONE_FLAG = re.compile(r"(is|all)?(complete|completed|done|finished|exhausted|loaded)|end")
"""Those that on a job do not mean a listing: `done` is Salesforce's."""

TOKEN = re.compile(
    r"(next|(next)?continuation|resumption|more|forward)(page|results?|records?|items?|batch|query|scan)*"
    r"(cursor|token|marker|mark|keys?|id|start|offset|from|cursormark|state|position|params?|bookmark|index|skip)?"
    r"|after(cursor|token|key|id|mark)"
    r"|(last|next)evaluatedkey|(end|next)cursor|continue|resumptiontoken|scrollid|scroll|(paging|page)state|searchafter"
    r"|exclusivestartkey|bookmark"
)
"""Plain names of a token of the next page.

`nextPageToken` is Google's, `next_cursor` Slack's, `continue` MediaWiki's and Kubernetes', `continuationToken` Azure's,
`endCursor` Relay's, `nextToken` AWS's, `nextCursorMark` Solr's, `x-ms-continuation` Cosmos DB's.
"""
PLAIN_TOKEN = re.compile(
    r"cursor|after|startingafter|offset|pagetoken|marker|position|anchor|iterator|resume(from)?|olderthan"
    r"|(max|min|last|since|until|end|start|before)(id|key|cursor|token|seen|value)"
)
"""Those that may as well repeat what was asked for, unless they stand in one of TOKEN_HOLDERS: Airtable's `offset`."""
NO_TOKEN = re.compile(r"sync|delta|csrf|access|auth|refresh|session|api")
"""Found in plain names of tokens for something else: Google's `nextSyncToken` comes with the last page."""
TOKEN_HOLDERS = frozenset({"next", "cursors", "nextpage"})
"""Plain names of objects with nothing but what leads on: HubSpot's `paging.next.after`, Facebook's `cursors.after`."""
TOKEN_OBJECT = re.compile(r"lastevaluatedkey|continue|nextparams|nextpageparams|nextquery")
"""Plain names of tokens that are objects: DynamoDB's, MediaWiki's."""
LONGEST_TOKEN = 8192
"""Characters."""
FAILURE = re.compile(
    r"errors?(message|code|description|info|detail|details)?|faults?|exceptions?|failures?|failed|timedout|timeout"
    r"|partialfailures?(errors?)?|haserrors?|iserror|aborted|terminatedearly"
)
"""Plain names of what says that something went wrong: GraphQL's `errors`, Elasticsearch's `timed_out`."""
SUCCESS_FLAG = re.compile(r"success|succeeded|ok|issuccess|successful")
"""Plain names of flags that are false in a complaint: Slack's and Telegram's, Cloudflare's."""
STATE = re.compile(r"status|state|result|outcome")
"""Plain names of how it went, where the value is a word."""
FAILED_STATES = r"error|fail|failed|failure|partial|incomplete|timeout|timed out|aborted"
REMARK = re.compile(r"remarks?|notes?|warnings?|information|notice|notices|messages?|msg|alerts?|info")
"""Plain names of texts for people: Overpass's `remark`, Alpha Vantage's `Note`."""
ALARMING = (
    r"\berror|timed? ?out|timeout|limit (is |was )?(reached|exceeded)|exceed|rate limit|quota|too many|truncat"
    r"|incomplete|partial|abort|fail|unavailable|not all"
)
"""Found in such texts when the answer is not all there."""
HARMLESS = re.compile(
    r"id$|uuid|guid|version|etag|hash|request|trace|session|date|time|stamp|updated|created|generated|modified|expire"
    r"|licen|copyright|lang|locale|curren|countr|code|type|kind|status|state$|name|title|host|server|node$|build|commit"
    r"|revision|checksum|digest|signature|unit|zone|region|env|schema|query|^q$|href|url|uri|mail|phone|colou?r|format"
    r"|charset|encod|seed|descri|message|text|note|source|provider|author|owner|user|attribution|terms|docs?$|help"
    r"|context|error|warn|debug|filter|sort|order|include|facet|aggreg|crs|bbox|geometry|serial|sha$|md5|ref$|key$"
)
"""Found in plain names of texts that lead nowhere, whatever they look like."""
_LIKELY_TOKENS = ("cursor", "token", "after", "continu", "mark", "next")


def last_of(path: str) -> str:
    """The last name of a dotted path, or that of a header."""
    return path.removeprefix("header:").rpartition(".")[2]


def is_token(name: str) -> bool:
    """Whether a member of that name may be a token of the next page."""
    text = plain(name)
    return bool(TOKEN.fullmatch(text) or PLAIN_TOKEN.fullmatch(text)) and not NO_TOKEN.search(text)


def is_of_paging(name: str) -> bool:
    """Whether a member of that name says where a page stands in its listing: it comes and goes as the list grows."""
    text = plain(name)
    if PAST.match(text) or any(
        pattern.fullmatch(text)
        for pattern in (NEXT, TOKEN, PLAIN_TOKEN, TOKEN_OBJECT, MORE_FLAG, LAST_FLAG, TOTAL, WEAK_TOTAL, PAGES)
    ):
        return True
    return any(pattern.fullmatch(text) for pattern in (PAGE_PARAM, OFFSET_PARAM, SIZE_PARAM))


def token_rank(path: str) -> int:
    """The likeliest tokens first."""
    name = plain(last_of(path))
    return next((rank for rank, part in enumerate(_LIKELY_TOKENS) if part in name), len(_LIKELY_TOKENS))


TOKEN_PARAMS: dict[str, tuple[str, ...]] = {
    "nextcursor": ("cursor", "next_cursor", "nextCursor", "start_cursor", "after"),
    "nextpagetoken": ("pageToken", "page_token", "nextPageToken", "next_page_token"),
    "nexttoken": ("next_token", "nextToken", "token", "pagination_token"),
    "endcursor": ("after", "cursor"),
    "after": ("after",),
    "aftercursor": ("page[after]", "after"),
    "continuation": ("continuation",),
    "continuationtoken": ("continuationToken", "continuation"),
    "nextcontinuationtoken": ("continuation-token",),
    "next": ("next", "cursor", "after", "_next", "page"),
    "lastevaluatedkey": ("ExclusiveStartKey",),
    "nextpage": ("page",),
}
"""Parameters that take a token, by its own plain name.

`start_cursor` is Notion's, `_next` Datasette's, `pagination_token` X's, `page[after]` Zendesk's, `ExclusiveStartKey`
DynamoDB's, `continuation-token` S3's; the header `X-Next-Page` is GitLab's.
"""
LAST_RECORD_PARAMS: tuple[str, ...] = ("starting_after", "after", "after_id", "since_id", "last_id", "min_id")
"""Parameters that take the last record's key where keys grow: the first is Stripe's."""
BEFORE_RECORD_PARAMS: tuple[str, ...] = ("before", "max_id", "before_id", "until_id")
"""The same where keys fall: `before` is Discord's, `max_id` Mastodon's."""
UNASKED_CURSORS: tuple[tuple[str, str], ...] = (("cursor", ""), ("after", ""), ("page_token", ""), ("cursorMark", "*"))
"""Parameters, and what they begin with, of tokens that come only when they are asked for: Solr's is the last."""
TOKEN_WITH_FILTERS = "page_info"
"""Shopify's token, which holds all filters, and is refused beside any."""

PAGE_PARAM = re.compile(
    r"(pagination|paging|page|current|req|request|result|offset|start|get)*(page|pg|pagenum|pagenumber|pageindex|pageno|paged)"
    r"(number|num|no|index|page|id|from)?|p|pg|paged|pagina|seite"
)
"""Plain names of page numbers: `paged` is WordPress's, `_page` json-server's, `page[number]` JSON:API's."""
OFFSET_PARAM = re.compile(
    r"(result|page|record|row|pagination|paging|start|query)*(offset|skip)(number|index|value)?"
    r"|start(at|index|position|row|record|from|item)?|from|first(result|record|row|index)?"
)
"""Plain names of offsets: `$skip` is OData's, `start` Solr's, `startAt` Jira's, `startIndex` SCIM's and WFS's,
`resultOffset` ArcGIS's.
"""
USUAL_NUMBERS: tuple[str, ...] = (
    "page", "offset", "skip", "_page", "p", "pageNumber", "start", "$skip", "$offset", "startIndex", "resultOffset",
    "page[number]", "pagination[page]", "page_number", "pageIndex",
)  # fmt: skip
"""Those of both that are tried where nothing names one."""
USUAL_SIZES: tuple[str, ...] = (
    "limit",
    "per_page",
    "page_size",
    "pageSize",
    "size",
    "$top",
    "count",
    "perPage",
    "rows",
)
"""Page sizes that are tried where nothing names one: `per_page` is GitHub's, `size` Spring Data's, `$top` OData's."""
SIZE_PARAM = re.compile(
    r"(page|pagination|paging|result|results|record|max|items|get|query)*(limit|perpage|size|count|results|rows|take"
    r"|items|recordcount|top|max)|first|n|num|hits|ps"
)
"""Plain names of any page size: `rows` is Solr's, `first` Relay's, `_limit` json-server's, `maxResults` Google's."""
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
