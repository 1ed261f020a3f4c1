"""What tells the entries of feeds apart, and feeds in JSON."""

import json

import pytest

from tests.server import json_reply, raw
from tests.sync.mirroring import mirroring
from trayapp.endpoints.model import Table


@pytest.fixture
def mirror(tmp_path):
    with mirroring(tmp_path) as mirror:
        yield mirror


def rss(entries):
    items = "".join(f"<item>{''.join(f'<{n}>{v}</{n}>' for n, v in entry.items())}</item>" for entry in entries)
    return raw(f"<rss><channel><title>t</title>{items}</channel></rss>".encode(), "application/rss+xml")


def atom(entries):
    items = "".join(
        f"<entry>{''.join(f'<id>{v}</id>' if n == 'guid' else f'<{n} href={v!r}/>' if n == 'link' else f'<{n}>{v}</{n}>' for n, v in entry.items())}</entry>"  # noqa: E501
        for entry in entries
    )
    return raw(f'<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title>{items}</feed>'.encode(), "text/xml")


def json_feed(entries):
    names = {"guid": "id", "link": "url"}
    items = [{names.get(n, n): v for n, v in entry.items()} for entry in entries]
    return json_reply({"version": "https://jsonfeed.org/version/1.1", "title": "t", "items": items})


FORMS = {"rss": rss, "atom": atom, "json": json_feed}


def post(n, **changed):
    entry = {"title": f"Post {n}", "guid": f"g{n}", "link": f"https://x.test/{n}", "summary": f"text {n}"}
    return {name: value for name, value in (entry | changed).items() if value is not None}


GUIDS = {
    "the same": {"guid": "one"},
    "empty": {"guid": ""},
    "none": {"guid": None},
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("guid", [*GUIDS.values(), "pair"], ids=[*GUIDS, "one pair equal"])
def test_without_guids_of_their_own_entries_are_known_by_their_links(mirror, form, guid):
    def entry(n, **more):
        return post(n, **({"guid": "g1"} if n < 3 else {}), **more) if guid == "pair" else post(n, **guid, **more)

    mirror.sync(form([entry(n) for n in range(1, 8)]))
    edited = [entry(9, title="Post 5"), entry(8), *(entry(n, title="edited") for n in (3, 4)), *map(entry, (5, 6, 7))]
    rows = mirror.sync(form(edited))
    assert (mirror.report.added, mirror.report.changed, mirror.report.deleted) == (2, 2, 0)
    link = "url" if form is json_feed else "link"
    assert {row[link]: row["title"] for row in rows} == {
        **{f"https://x.test/{n}": f"Post {n}" for n in (1, 2, 5, 6, 7, 8)},
        **{f"https://x.test/{n}": "edited" for n in (3, 4)},
        "https://x.test/9": "Post 5",
    }


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_entries_without_guid_and_link_are_known_by_their_content(mirror, form):
    def entry(n, **more):
        return post(n, guid=None, link=None, **more)

    mirror.sync(form(list(map(entry, range(1, 6)))))
    assert any("content" in str(warning) for warning in mirror.report.warnings)
    rows = mirror.sync(form([entry(7, title="Post 2"), entry(1, title="edited"), *map(entry, (2, 3))]))
    assert sorted(row["title"] for row in rows) == sorted(
        ["edited", "Post 1", "Post 2", "Post 2", "Post 3", "Post 4", "Post 5"]
    )


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_guid_counts_more_than_a_link_and_an_explicit_key_more_than_both(mirror, form):
    entries = [post(n, link="https://x.test/") for n in range(4)]
    mirror.sync(form(entries))
    mirror.sync(form([entries[0] | {"title": "edited"}, *entries[1:]]))
    assert (mirror.report.added, mirror.report.changed) == (0, 1)
    mirror.sync(form(entries), path="/other", table=Table(name="others", key=("title",)))
    mirror.sync(form([post(8, title="Post 1")]), path="/other", table=Table(name="others", key=("title",)))
    assert (mirror.report.added, mirror.report.changed) == (0, 1)


@pytest.mark.parametrize(
    ("kind", "version"),
    [
        ("application/feed+json", "https://jsonfeed.org/version/1"),
        ("application/feed+json", "2"),
        ("application/json", "https://jsonfeed.org/version/1.1"),
        ("text/plain", "https:\\/\\/jsonfeed.org\\/version\\/1.1"),
    ],
)
def test_what_leaves_a_feed_in_json_stays(mirror, kind, version):
    def feed(first, count=5):
        items = json.dumps([{"id": str(n), "title": f"Item {n}"} for n in range(first, first - count, -1)])
        return raw(f'{{"version": "{version}", "title": "t", "items": {items}}}'.encode(), kind)

    mirror.add(feed(9))
    assert (mirror.preview.format, mirror.preview.endpoint.table.mode) == ("feed", "upsert")
    mirror.api.route("/items", feed(11))
    rows = mirror.run(mirror.preview.endpoint)
    assert [row["id"] for row in rows] == ["9", "8", "7", "6", "5", "11", "10"]
    assert (mirror.report.added, mirror.report.deleted) == (2, 0)


def test_pages_of_a_feed_in_json_are_followed(mirror):
    def feed(seen):
        page = int(seen.param("page", "1"))
        more = {"next_url": f"{mirror.api.base}/items?page={page + 1}"} if page < 3 else {}
        items = [{"id": f"{page}-{n}"} for n in range(4)]
        return json_reply({"version": "https://jsonfeed.org/version/1.1", **more, "items": items})

    assert len(mirror.add(feed)) == 12


def test_json_with_a_version_is_no_feed_for_that(mirror):
    mirror.add(json_reply({"version": "1.1", "items": [{"id": 1}, {"id": 2}]}))
    assert (mirror.preview.format, mirror.preview.endpoint.table.mode) == ("json", "auto")
