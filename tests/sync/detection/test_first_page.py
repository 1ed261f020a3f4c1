import pytest

from tests.server import Listing, json_reply
from trayapp.endpoints.model import Auth, Endpoint, Response, Table
from trayapp.store.mirror.schema import HASH_KEY
from trayapp.sync.cancel import CancelToken
from trayapp.sync.detection.first_page import explore
from trayapp.sync.errors import SyncError
from trayapp.sync.http.auth import Credentials, credentials

RECORDS = [
    {"id": n, "name": f"n{n}", "updated_at": "2026-01-01", "size": 1.5, "ok": True, "x": None} for n in range(25)
]


def look(url, **fields):
    return explore(Endpoint(url=url, **fields), Credentials(), CancelToken())


@pytest.mark.parametrize("pages", ["link", "next_url"])
def test_paging_is_proven_by_a_second_page(api, pages):
    preview = look(api.route("/api/items", Listing(RECORDS, pages=pages, total="header:X-Total-Count")))
    assert (preview.pages.kind, preview.proven, preview.count, preview.total) == (pages, True, 10, 25)
    assert "10 other records" in str(preview.proof)
    assert [request.status for request in preview.requests] == [200, 200]
    assert (preview.key, preview.cursors) == (("id",), ("updated_at",))
    assert [(c.name, c.type) for c in preview.columns] == [
        ("id", "INTEGER"), ("name", "TEXT"), ("updated_at", "TEXT"), ("size", "REAL"), ("ok", "BOOLEAN"), ("x", ""),
    ]  # fmt: skip
    assert preview.rows[0] == (0, "n0", "2026-01-01", 1.5, 1, None)
    assert len(preview.rows) == 20
    assert preview.warnings == ()
    saved = preview.endpoint
    assert (saved.id, saved.table.name, saved.table.key, saved.pages.kind) == ("items", "items", ("id",), pages)


def test_a_next_page_with_the_same_records_proves_nothing(api):
    url = api.route("/items", json_reply({"items": RECORDS[:3], "next": "/items?page=2"}))
    preview = look(url)
    assert not preview.proven
    assert "same records" in str(next(map(str, preview.warnings)))


@pytest.mark.parametrize("more", [{"total": 2345}, {"has_more": True}, {"next_cursor": "x"}])
def test_more_than_can_be_followed_is_a_warning(api, more):
    preview = look(api.route("/items", json_reply({"items": RECORDS, **more})))
    assert not preview.proven
    assert "No way to the next page" in str(next(map(str, preview.warnings)))


def test_one_page_stays_open_for_a_link_that_comes_later(api):
    preview = look(api.route("/items", json_reply(RECORDS)))
    assert (preview.proven, preview.pages.kind, preview.endpoint.pages.kind) == (True, "none", "auto")


def test_an_empty_list_is_told(api):
    preview = look(api.route("/items", json_reply({"data": []})))
    assert "empty for now" in str(next(map(str, preview.warnings)))
    assert preview.endpoint.table.key == (), "it is found when the first records come"


def test_records_without_key_are_known_by_content(api):
    preview = look(api.route("/items", json_reply([{"a": 1.5}, {"a": 1.5}])))
    assert preview.key == (HASH_KEY,)
    assert "No field identifies a record" in str(next(map(str, preview.warnings)))


def test_another_list_that_may_be_meant_is_told(api):
    url = api.route("/items", json_reply({"widgets": RECORDS, "gadgets": RECORDS[:-2]}))
    assert any("another list at “gadgets”" in str(warning) for warning in look(url).warnings)
    assert not any(
        "another list" in str(warning) for warning in look(url, response=Response(records="gadgets")).warnings
    )


def test_what_is_given_wins_over_guesses(api):
    url = api.route("/items", json_reply({"data": RECORDS[:2], "mine": RECORDS[:5]}))
    preview = look(url, response=Response(records="mine"), table=Table(name="t", key=("name",)))
    assert (preview.records_path, preview.count, preview.key) == ("mine", 5, ("name",))
    assert preview.endpoint.table.name == "t"


def test_the_secret_is_in_no_request_shown(api):
    url = api.route("/items", Listing(RECORDS, pages="link"))
    preview = explore(Endpoint(url=url), credentials(Auth(kind="query", name="key"), "s3cret"), CancelToken())
    assert api.requests[0].param("key") == "s3cret"
    assert "s3cret" not in repr(preview)


def test_no_list_is_an_error_with_a_way_out(api):
    with pytest.raises(SyncError, match="no list of records") as caught:
        look(api.route("/items", json_reply({"total": 0, "tickets": []})))
    assert 'response.records = "jmes:@"' in caught.value.next
