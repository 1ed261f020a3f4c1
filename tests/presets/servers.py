"""Well-known APIs as their manuals describe them, on loopback: their paths, parameters, envelopes, headers and fields.

The data is invented. Pages are shorter than the presets ask for, as servers may cap them.
"""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape

from tests.server import Reply, Seen, json_reply, problem, raw

Record = dict[str, Any]
PAGE = 10


@dataclass(frozen=True)
class Api:
    """One API: `values` fill its preset, `path` is where it then answers, `serve` answers from the present records.

    edited: a record changed as the API would; made: the record with that number. rows: what of the records a table has.
    """

    values: Mapping[str, str]
    path: str
    serve: Callable[[Sequence[Record], Seen], Reply]
    made: Callable[[int], Record]
    edited: Callable[[Record], Record]
    key: str = "id"
    rows: Callable[[Sequence[Record]], list[Record]] = field(default=list)
    secret: str = ""


def _time(number: int, late: bool = False) -> str:
    return f"2024-{6 if late else 2:02}-{number % 28 + 1:02}T{number % 24:02}:15:00Z"


def _cut(records: Sequence[Record], seen: Seen, first: int = 1) -> tuple[list[Record], int]:
    page = int(seen.param("page", str(first))) - first
    return list(records[page * PAGE : (page + 1) * PAGE]), page


def _link(seen: Seen, **changes: str) -> str:
    kept = {name: values[0] for name, values in seen.query.items()}
    return f"{seen.base}{seen.path}?{urlencode({**kept, **changes})}"


# --- GitHub


def _github(records: Sequence[Record], seen: Seen) -> Reply:
    if not seen.headers.get("Accept", "").startswith("application/vnd.github"):
        return json_reply({"message": "Unsupported 'Accept' header", "documentation_url": "https://example"}, 415)
    if seen.param("state") != "all":
        records = [each for each in records if each["state"] == "open"]
    since = seen.param("since")
    records = [each for each in records if each["updated_at"] >= since]
    items, page = _cut(records, seen)
    last = max(1, -(-len(records) // PAGE))
    links = []
    if page + 1 < last:
        links = [f'<{_link(seen, page=str(page + 2))}>; rel="next"', f'<{_link(seen, page=str(last))}>; rel="last"']
    if page:
        links += [f'<{_link(seen, page=str(page))}>; rel="prev"', f'<{_link(seen, page="1")}>; rel="first"']
    reply = json_reply(items, X_GitHub_Media_Type="github.v3; format=json", X_RateLimit_Remaining="4998")
    return reply.with_headers(**({"Link": ", ".join(links)} if links else {}))


def _github_issue(number: int) -> Record:
    at = "https://api.github.com/repos/acme/anvil"
    return {
        "url": f"{at}/issues/{number}",
        "repository_url": at,
        "id": 1_900_000_000 + number,
        "node_id": f"I_kw{number}",
        "number": number,
        "title": f"Anvil № {number} rings",
        "user": {"login": "coyote", "id": 7, "type": "User", "site_admin": False},
        "labels": [{"id": 1, "name": "bug", "color": "d73a4a", "default": True}] if number % 2 else [],
        "state": "closed" if number % 3 == 0 else "open",
        "locked": False,
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "comments": number % 5,
        "created_at": _time(number),
        "updated_at": _time(number),
        "closed_at": _time(number) if number % 3 == 0 else None,
        "author_association": "NONE",
        "body": None if number % 4 == 0 else "It rings.\r\n\r\n- [ ] stop",
        "reactions": {"total_count": 0, "+1": 0, "-1": 0},
        **({"pull_request": {"url": f"{at}/pulls/{number}", "merged_at": None}} if number % 7 == 0 else {}),
    }


# --- GitLab


def _gitlab(records: Sequence[Record], seen: Seen) -> Reply:
    records = [each for each in records if each["updated_at"] >= seen.param("updated_after")]
    items, page = _cut(records, seen)
    pages = -(-len(records) // PAGE)
    headers = {"X-Total": str(len(records)), "X-Total-Pages": str(pages), "X-Page": str(page + 1), "X-Next-Page": ""}
    if page + 1 < pages:
        headers |= {"X-Next-Page": str(page + 2), "Link": f'<{_link(seen, page=str(page + 2))}>; rel="next"'}
    return json_reply(items).with_headers(**headers)


def _gitlab_issue(number: int) -> Record:
    return {
        "id": 84_000_000 + number,
        "iid": number,
        "project_id": 278,
        "title": f"Überlauf {number}",
        "description": "",
        "state": "opened",
        "created_at": _time(number),
        "updated_at": _time(number),
        "closed_at": None,
        "labels": ["bug", "prio::2"],
        "milestone": None,
        "author": {"id": 3, "username": "grete", "name": "Grete", "state": "active"},
        "user_notes_count": 0,
        "time_stats": {"time_estimate": 0, "total_time_spent": 0, "human_time_estimate": None},
        "confidential": False,
        "weight": None,
    }


# --- Stripe


def _stripe(records: Sequence[Record], seen: Seen) -> Reply:
    if seen.headers.get("Authorization") != "Bearer rk_test_made_up":
        return json_reply({"error": {"message": "Invalid API Key provided", "type": "invalid_request_error"}}, 401)
    newest = list(reversed(records))
    after = seen.param("starting_after")
    ids = [each["id"] for each in newest]
    if after and after not in ids:
        return json_reply({"error": {"code": "resource_missing", "message": f"No such customer: '{after}'"}}, 400)
    start = ids.index(after) + 1 if after else 0
    items = newest[start : start + PAGE]
    more = start + PAGE < len(newest)
    return json_reply({"object": "list", "url": "/v1/customers", "has_more": more, "data": items})


def _customer(number: int) -> Record:
    return {
        "id": f"cus_N{number:06}",
        "object": "customer",
        "address": None,
        "balance": -250 * number,
        "created": 1_700_000_000 + number,
        "currency": "eur",
        "delinquent": False,
        "email": f"c{number}@example.org",
        "invoice_settings": {"custom_fields": None, "footer": None},
        "livemode": False,
        "metadata": {"order": "007"} if number % 2 else {},
        "name": f"Zoë {number}",
        "phone": None,
    }


# --- WordPress


def _wordpress(records: Sequence[Record], seen: Seen) -> Reply:
    items, page = _cut(records, seen)
    pages = -(-len(records) // PAGE)
    if page >= pages > 0:
        message = "The page number requested is larger than the number of pages available."
        return json_reply({"code": "rest_post_invalid_page_number", "message": message, "data": {"status": 400}}, 400)
    reply = json_reply(items, X_WP_Total=str(len(records)), X_WP_TotalPages=str(pages))
    return reply.with_headers(
        **({"Link": f'<{_link(seen, page=str(page + 2))}>; rel="next"'} if page + 1 < pages else {})
    )


def _post(number: int) -> Record:
    return {
        "id": 100 + number,
        "date": f"2024-02-{number % 28 + 1:02}T08:00:00",
        "date_gmt": f"2024-02-{number % 28 + 1:02}T07:00:00",
        "guid": {"rendered": f"https://blog.example.org/?p={number}"},
        "modified": "2024-02-29T08:00:00",
        "slug": f"post-{number}",
        "status": "publish",
        "type": "post",
        "link": f"https://blog.example.org/post-{number}/",
        "title": {"rendered": f"Post &#8220;{number}&#8221;"},
        "content": {"rendered": "<p>Words.</p>\n", "protected": False},
        "author": 1,
        "featured_media": 0,
        "sticky": number == 1,
        "meta": {"footnotes": ""},
        "categories": [1, 4],
        "tags": [],
        "_links": {"self": [{"href": f"https://blog.example.org/wp-json/wp/v2/posts/{number}"}]},
    }


# --- Mastodon


def _mastodon(records: Sequence[Record], seen: Seen) -> Reply:
    newest = sorted(records, key=lambda each: int(each["id"]), reverse=True)
    below = seen.param("max_id")
    newest = [each for each in newest if not below or int(each["id"]) < int(below)]
    items = newest[:PAGE]
    if not items:
        return json_reply([])
    # The server names a next page whenever this one is full, also when that is empty.
    links = [f'<{_link(seen, min_id=items[0]["id"])}>; rel="prev"']
    if len(items) == PAGE:
        links.insert(0, f'<{_link(seen, max_id=items[-1]["id"])}>; rel="next"')
    return json_reply(items, Link=", ".join(links))


def _status(number: int) -> Record:
    return {
        "id": str(112_000_000_000_000_000 + number * 9999),
        "created_at": f"2024-02-{number % 28 + 1:02}T08:00:00.000Z",
        "in_reply_to_id": None,
        "sensitive": False,
        "spoiler_text": "",
        "visibility": "public",
        "language": "de",
        "uri": f"https://social.example.org/users/grete/statuses/{number}",
        "replies_count": 0,
        "reblogs_count": number % 4,
        "favourites_count": number % 9,
        "edited_at": None,
        "content": f"<p>Guten Morgen {number} 🌞</p>",
        "reblog": None,
        "account": {"id": "13179", "username": "grete", "acct": "grete", "bot": False},
        "media_attachments": [],
        "mentions": [],
        "tags": [{"name": "wetter", "url": "https://social.example.org/tags/wetter"}],
        "emojis": [],
        "card": None,
        "poll": None,
    }


# --- Hacker News, by Algolia's search


def _hacker_news(records: Sequence[Record], seen: Seen) -> Reply:
    if seen.param("tags") != "story,author_pg":
        return json_reply({"message": "invalid tags", "status": 400}, 400)
    newest = list(reversed(records))
    items, page = _cut(newest, seen, first=0)
    body = {
        "exhaustive": {"nbHits": True, "typo": True},
        "hits": items,
        "hitsPerPage": PAGE,
        "nbHits": len(newest),
        "nbPages": -(-len(newest) // PAGE),
        "page": page,
        "params": "tags=story&hitsPerPage=100",
        "processingTimeMS": 4,
        "query": "",
    }
    return json_reply(body)


def _story(number: int) -> Record:
    return {
        "_highlightResult": {"title": {"matchLevel": "none", "matchedWords": [], "value": f"Story {number}"}},
        "_tags": ["story", "author_pg", f"story_{number}"],
        "author": "pg",
        "children": [number * 10 + 1],
        "created_at": _time(number),
        "created_at_i": 1_700_000_000 + number,
        "num_comments": number % 6,
        "objectID": str(38_000_000 + number),
        "points": number,
        "story_id": 38_000_000 + number,
        "title": f"Story {number}",
        "updated_at": _time(number),
        "url": f"https://example.org/{number}",
    }


# --- feeds


def _arxiv(records: Sequence[Record], seen: Seen) -> Reply:
    if seen.param("search_query") != "cat:cs.DB AND ti:sqlite":
        return problem(400, "Bad query")
    start = int(seen.param("start", "0"))
    entries = "".join(
        f"<entry><id>{each['id']}</id><updated>{each['updated']}</updated><published>{each['published']}</published>"
        f"<title>{escape(each['title'])}</title><summary>  {escape(each['summary'])}\n</summary>"
        + "".join(f"<author><name>{escape(name)}</name></author>" for name in each["authors"])
        + f'<link href="{each["id"]}" rel="alternate" type="text/html"/>'
        f'<arxiv:primary_category xmlns:arxiv="http://arxiv.org/schemas/atom" term="cs.DB"/>'
        f'<category term="cs.DB" scheme="http://arxiv.org/schemas/atom"/></entry>\n'
        for each in records[start : start + PAGE]
    )
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">\n'
        f'<title type="html">ArXiv Query</title><id>http://arxiv.org/api/abc</id><updated>2024-02-02T00:00:00-05:00</updated>'
        '<opensearch:totalResults xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/">'
        f"{len(records)}</opensearch:totalResults>{entries}</feed>"
    )
    return raw(text.encode(), "application/atom+xml; charset=UTF-8")


def _paper(number: int) -> Record:
    return {
        "id": f"http://arxiv.org/abs/2402.{number:05}v1",
        "updated": _time(number),
        "published": _time(number),
        "title": f"On B-trees & <i>pages</i> {number}",
        "summary": "We show that x < y.",
        "authors": ["L. Ada", "Ž. Bo"][: number % 2 + 1],
    }


def _paper_rows(records: Sequence[Record]) -> list[Record]:
    made = []
    for each in records:
        authors: Any = [{"name": name} for name in each["authors"]]
        row = {name: value for name, value in each.items() if name != "authors"}
        made.append(
            {
                **row,
                "author": authors if len(authors) > 1 else authors[0],
                "link": each["id"],
                "arxiv:primary_category": {"term": "cs.DB"},
                "category": ["cs.DB"],
            }
        )
    return made


def _rss(records: Sequence[Record], _: Seen) -> Reply:
    items = "".join(
        f"<item><title>{escape(each['title'])}</title><link>{each['link']}</link>"
        f'<guid isPermaLink="false">{each["guid"]}</guid><pubDate>{each["pubDate"]}</pubDate>'
        f"<description><![CDATA[{each['description']}]]></description></item>"
        for each in records
    )
    head = "<title>News</title><link>https://blog.example.org</link><description>d</description>"
    return raw(f'<?xml version="1.0"?><rss version="2.0"><channel>{head}{items}</channel></rss>'.encode(), "text/xml")


def _item(number: int) -> Record:
    return {
        "title": f"News & more {number}",
        "link": f"https://blog.example.org/{number}",
        "guid": f"tag:blog.example.org,2024:{number}",
        "pubDate": f"{number % 28 + 1:02} Feb 2024 08:00:00 GMT",
        "description": "<p>An <b>item</b></p>",
    }


# --- documents of one page


def _usgs(records: Sequence[Record], _: Seen) -> Reply:
    features = [
        {
            "type": "Feature",
            "properties": {name: value for name, value in each.items() if name not in ("id", "geometry")},
            "geometry": each["geometry"],
            "id": each["id"],
        }
        for each in records
    ]
    metadata = {"generated": 1, "title": "All Earthquakes", "status": 200, "api": "1.14.1", "count": len(records)}
    body = {"type": "FeatureCollection", "metadata": metadata, "features": features, "bbox": [-180, -60, 0, 180, 70, 9]}
    return json_reply(body)


def _quake(number: int) -> Record:
    return {
        "id": f"us7000m{number:03}",
        "mag": number / 10,
        "place": f"{number} km S of Somewhere",
        "time": 1_700_000_000_000 + number,
        "updated": 1_700_000_000_000 + number,
        "tz": None,
        "felt": number if number % 2 else None,
        "status": "automatic",
        "tsunami": 0,
        "ids": f",us7000m{number:03},",
        "type": "earthquake",
        "title": f"M {number / 10} - Somewhere",
        "geometry": {"type": "Point", "coordinates": [-70.5, -20.25, 100 + number]},
    }


def _open_meteo(records: Sequence[Record], seen: Seen) -> Reply:
    if seen.param("latitude") != "50.11" or seen.param("timezone") != "UTC":
        return json_reply({"error": True, "reason": "Latitude must be in range of -90 to 90°."}, 400)
    names = ["time", *seen.param("hourly").split(",")]
    units = {name: "iso8601" if name == "time" else "°C" for name in names}
    body = {
        "latitude": 50.12,
        "longitude": 8.68,
        "generationtime_ms": 0.05,
        "utc_offset_seconds": 0,
        "timezone": "GMT",
        "elevation": 112.0,
        "hourly_units": units,
        "hourly": {name: [each[name] for each in records] for name in names},
    }
    return json_reply(body)


def _hour(number: int) -> Record:
    return {
        "time": f"2024-02-{number // 24 + 1:02}T{number % 24:02}:00",
        "temperature_2m": number / 4 - 3,
        "precipitation": 0.1 if number % 3 else None,
    }


def _ecb(records: Sequence[Record], seen: Seen) -> Reply:
    if seen.param("format") != "csvdata":
        return problem(406, "Not acceptable")
    text = io.StringIO()
    names = ["KEY", "FREQ", "CURRENCY", "CURRENCY_DENOM", "EXR_TYPE", "EXR_SUFFIX", "TIME_PERIOD", "OBS_VALUE"]
    writer = csv.DictWriter(text, names, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(records)
    return raw(text.getvalue().encode(), "application/vnd.sdmx.data+csv;version=1.0.0")


def _rate(number: int) -> Record:
    return {
        "KEY": "EXR.D.USD.EUR.SP00.A",
        "FREQ": "D",
        "CURRENCY": "USD",
        "CURRENCY_DENOM": "EUR",
        "EXR_TYPE": "SP00",
        "EXR_SUFFIX": "A",
        "TIME_PERIOD": f"2024-{number // 28 + 1:02}-{number % 28 + 1:02}",
        "OBS_VALUE": 1 + number / 64,
    }


# --- MediaWiki


def _mediawiki(records: Sequence[Record], seen: Seen) -> Reply:
    wanted = {"action": "query", "list": "categorymembers", "cmtitle": "Category:Käse & Wein", "formatversion": "2"}
    if any(seen.param(name) != value for name, value in wanted.items()):
        return json_reply({"error": {"code": "badvalue", "info": "Unrecognized value"}})
    continued = seen.param("cmcontinue")
    if continued and seen.param("continue") != "-||":
        return json_reply({"error": {"code": "badcontinue", "info": "Invalid continue param"}})
    start = int(continued.split("|")[1]) if continued else 0
    body: dict[str, Any] = {"batchcomplete": True, "query": {"categorymembers": records[start : start + PAGE]}}
    if start + PAGE < len(records):
        body["continue"] = {"cmcontinue": f"page|{start + PAGE}|x", "continue": "-||"}
    return json_reply(body)


def _member(number: int) -> Record:
    at = _time(number)
    return {"pageid": 900 + number, "ns": 0, "title": f"Käse {number}", "type": "page", "timestamp": at}


# --- Zotero


def _zotero(records: Sequence[Record], seen: Seen) -> Reply:
    if seen.headers.get("Zotero-API-Version") != "3":
        return problem(400, "Which version?")
    version = max(each["version"] for each in records)
    records = [each for each in records if each["version"] > int(seen.param("since", "0"))]
    start = int(seen.param("start", "0"))
    headers = {"Total-Results": str(len(records)), "Last-Modified-Version": str(version), "Zotero-API-Version": "3"}
    if start + PAGE < len(records):
        headers["Link"] = (
            f'<{_link(seen, start=str(start + PAGE))}>; rel="next", <https://example.org>; rel="alternate"'
        )
    return json_reply(records[start : start + PAGE]).with_headers(**headers)


def _zotero_item(number: int) -> Record:
    return {
        "key": f"AB{number:06}",
        "version": number,
        "library": {"type": "user", "id": 475425, "name": "Grete"},
        "links": {"self": {"href": f"https://api.zotero.org/users/475425/items/AB{number:06}"}},
        "meta": {"creatorSummary": "Ada", "parsedDate": "2024", "numChildren": 0},
        "data": {"key": f"AB{number:06}", "version": number, "itemType": "book", "title": f"Book {number}", "tags": []},
    }


# --- Shopify


def _shopify(records: Sequence[Record], seen: Seen) -> Reply:
    if seen.headers.get("X-Shopify-Access-Token") != "shpat_made_up":
        return json_reply({"errors": "[API] Invalid API key or access token"}, 401)
    info = seen.param("page_info")
    if info and set(seen.query) - {"page_info", "limit", "fields"}:
        return json_reply({"errors": {"page_info": "Cannot be combined with other parameters"}}, 400)
    start, since = info[1:].split(".") if info else ("0", seen.param("updated_at_min"))
    since = bytes.fromhex(since).decode() if info else since
    records = [each for each in records if each["updated_at"] >= since]
    begin = int(start)
    headers = {}
    if begin + PAGE < len(records):
        token = f"e{begin + PAGE}.{since.encode().hex()}"
        headers["Link"] = f'<{seen.base}{seen.path}?limit=250&page_info={quote(token)}>; rel="next"'
    return json_reply({"products": records[begin : begin + PAGE]}).with_headers(**headers)


def _product(number: int) -> Record:
    return {
        "id": 632_910_392 + number,
        "title": f"Anvil {number}",
        "body_html": "<strong>Heavy</strong>",
        "vendor": "Acme",
        "product_type": "",
        "created_at": "2024-02-01T10:00:00-05:00",
        "handle": f"anvil-{number}",
        "updated_at": _time(number),
        "published_at": None,
        "tags": "iron, heavy",
        "status": "active",
        "variants": [{"id": number, "price": "199.00", "sku": "007", "inventory_quantity": 10}],
        "options": [{"id": number, "name": "Title", "values": ["Default Title"]}],
        "images": [],
        "image": None,
    }


# --- Jira


def _jira(records: Sequence[Record], seen: Seen) -> Reply:
    if not seen.headers.get("Authorization", "").startswith("Basic "):
        return json_reply({"errorMessages": ["Client must be authenticated"], "errors": {}}, 401)
    if seen.param("jql") != 'project = "SUP" ORDER BY created ASC':
        return json_reply({"errorMessages": ["Error in the JQL Query"], "errors": {}}, 400)
    token = seen.param("nextPageToken")
    start = int(token.removeprefix("Ch")) if token else 0
    body: dict[str, Any] = {"issues": records[start : start + PAGE], "isLast": start + PAGE >= len(records)}
    if not body["isLast"]:
        body["nextPageToken"] = f"Ch{start + PAGE}"
    return json_reply(body)


def _jira_issue(number: int) -> Record:
    return {
        "expand": "operations,changelog",
        "id": str(10_000 + number),
        "self": f"https://example.atlassian.net/rest/api/3/issue/{10_000 + number}",
        "key": f"SUP-{number}",
        "fields": {
            "summary": f"Türklinke {number}",
            "status": {"name": "To Do", "id": "1"},
            "assignee": None,
            "labels": [],
            "updated": "2024-02-02T10:00:00.000+0100",
            "customfield_10010": None,
        },
    }


# --- Kinto


def _kinto(records: Sequence[Record], seen: Seen) -> Reply:
    since = seen.param("_since").strip('"')
    if since:
        records = [each for each in records if each["last_modified"] > int(since)]
    else:
        records = [each for each in records if not each.get("deleted")]
    newest = sorted(records, key=lambda each: each["last_modified"], reverse=True)
    before = seen.param("_token")
    left = [each for each in newest if not before or each["last_modified"] < int(before)]
    headers = {"Total-Records": str(len(records)), "ETag": '"1700000009999"'}
    if len(left) > PAGE:
        headers["Next-Page"] = _link(seen, _token=str(left[PAGE - 1]["last_modified"]), _limit=str(PAGE))
    return json_reply({"data": left[:PAGE]}).with_headers(**headers)


def _kinto_record(number: int) -> Record:
    return {
        "id": f"9f1c{number:04}",
        "title": f"Task {number}",
        "done": number % 2 == 0,
        "last_modified": 1000 + number,
    }


# --- all


def _with(**changes: Any) -> Callable[[Record], Record]:
    return lambda record: {**record, **changes}


APIS: dict[str, Api] = {
    "github-issues": Api(
        {"owner": "acme", "repo": "anvil"},
        "/repos/acme/anvil/issues",
        _github,
        _github_issue,
        _with(title="edited", updated_at=_time(1, late=True)),
    ),
    "gitlab-issues": Api(
        {"project": "acme/anvil"},
        "/api/v4/projects/acme%2Fanvil/issues",
        _gitlab,
        _gitlab_issue,
        _with(title="edited", updated_at=_time(1, late=True)),
    ),
    "stripe-list": Api({}, "/v1/customers", _stripe, _customer, _with(name="edited"), secret="rk_test_made_up"),
    "wordpress-posts": Api(
        {"site": "https://blog.example.org"}, "/wp-json/wp/v2/posts", _wordpress, _post, _with(slug="edited")
    ),
    "mastodon-statuses": Api(
        {"site": "https://social.example.org", "account": "13179"},
        "/api/v1/accounts/13179/statuses",
        _mastodon,
        _status,
        _with(content="edited"),
    ),
    "hacker-news": Api(
        {"user": "pg"}, "/api/v1/search_by_date", _hacker_news, _story, _with(points=999), key="objectID"
    ),
    "arxiv-papers": Api(
        {"search": "cat:cs.DB AND ti:sqlite"}, "/api/query", _arxiv, _paper, _with(summary="edited"), rows=_paper_rows
    ),
    "rss-feed": Api(
        {"address": "https://blog.example.org/feed.xml"}, "/feed.xml", _rss, _item, _with(title="edited"), key="guid"
    ),
    "usgs-earthquakes": Api(
        {}, "/earthquakes/feed/v1.0/summary/all_day.geojson", _usgs, _quake, _with(mag=9.5, status="reviewed")
    ),
    "open-meteo": Api(
        {"latitude": "50.11", "longitude": "8.68", "variables": "temperature_2m,precipitation"},
        "/v1/forecast",
        _open_meteo,
        _hour,
        _with(temperature_2m=40.5),
        key="time",
    ),
    "ecb-exchange-rates": Api(
        {"currency": "USD"},
        "/service/data/EXR/D.USD.EUR.SP00.A",
        _ecb,
        _rate,
        _with(OBS_VALUE=1.0625),
        key="TIME_PERIOD",
    ),
    "mediawiki-category": Api(
        {"wiki": "https://de.example.org/w", "category": "Käse & Wein"},
        "/w/api.php",
        _mediawiki,
        _member,
        _with(title="edited"),
        key="pageid",
    ),
    "zotero-items": Api(
        {"library": "475425"},
        "/users/475425/items",
        _zotero,
        _zotero_item,
        lambda record: {**record, "version": 500, "data": {**record["data"], "title": "edited"}},
        key="key",
    ),
    "shopify-products": Api(
        {"shop": "acme"},
        "/admin/api/2025-01/products.json",
        _shopify,
        _product,
        _with(title="edited", updated_at=_time(1, late=True)),
        secret="shpat_made_up",
    ),
    "jira-issues": Api(
        {"site": "https://example.atlassian.net", "email": "grete@example.org", "project": "SUP"},
        "/rest/api/3/search/jql",
        _jira,
        _jira_issue,
        lambda record: {**record, "fields": {**record["fields"], "summary": "edited"}},
        secret="a token: of mine",
    ),
    "kinto-records": Api(
        {"server": "https://kinto.example.org/v1", "collection": "tasks"},
        "/v1/buckets/default/collections/tasks/records",
        _kinto,
        _kinto_record,
        lambda record: {**record, "title": "edited", "last_modified": record["last_modified"] + 5000},
    ),
}
