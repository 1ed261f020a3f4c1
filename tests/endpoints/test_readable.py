"""Secrets that the settings of an endpoint hold readably."""

import pytest

from trayapp.endpoints.model import Endpoint
from trayapp.endpoints.readable import lifted, readable
from trayapp.endpoints.settings import SettingsError

SECRET = "Zx81QpLm30vT9aB7kD2f"


@pytest.mark.parametrize(
    "rest",
    [
        f"/items;jsessionid={SECRET}",
        f"/items;v=2;access_token={SECRET}/more?page=1",
        f"/items#access_token={SECRET}&token_type=bearer",
        f"/items?page=1#token={SECRET}",
    ],
)
def test_a_secret_where_no_authentication_carries_one_is_refused(rest):
    endpoint = Endpoint(url=f"https://api.example.com{rest}")
    assert [each.auth for each in readable(endpoint)] == [None]
    with pytest.raises(SettingsError):
        lifted(endpoint)


@pytest.mark.parametrize(
    "rest", ["/items;v=2;format=json", "/a;b/c;d", "/items#top", "/items#L10", "/items;sort_key=a"]
)
def test_other_parameters_of_a_path_are_none(rest):
    assert not readable(Endpoint(url=f"https://api.example.com{rest}"))
