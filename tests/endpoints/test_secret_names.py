"""Names of headers and parameters of well-known APIs: which of them carry secrets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trayapp.endpoints.secret_names import is_secret, names_secret

RANDOM = "Zx81QpLm30vT9aB7kD2f"

SECRETS = """
    X-Api-Key x-api-key X-API-KEY X-API-Token Api-Key apikey api_key apiKey APIKEY ApiKey api-key X-ApiKey
    X-RapidAPI-Key X-ELS-APIKey X-MBX-APIKEY X-CMC_PRO_API_KEY x-goog-api-key X-Goog-Api-Key DD-API-KEY
    DD-APPLICATION-KEY Ocp-Apim-Subscription-Key subscription-key Subscription-Key x-functions-key X-Auth-Key
    X-TBA-Auth-Key X-Cisco-Meraki-API-Key X-Redmine-API-Key hapikey access_key accesskey accessKey secret_key
    app_key appkey user_key auth_key master_key MAP_KEY license_key private_key wskey X-JFrog-Art-Api
    X-Yandex-API-Key x-api-access-key developer_key consumer_key consumerSecret access_token accessToken token
    X-Token X-Auth-Token PRIVATE-TOKEN Private-Token JOB-TOKEN X-Gitlab-Token X-Shopify-Access-Token
    X-Shopify-Storefront-Access-Token X-Figma-Token X-Vault-Token X-Plex-Token Circle-Token X-Finnhub-Token
    X-CSRF-Token X-Amz-Security-Token auth_token authToken authtoken api_token apiToken apitoken refresh_token
    refreshToken id_token session_token private_token feed_token rss_token sas_token bearer_token X-Access-Token
    Authorization-Token secret client_secret clientSecret X-Client-Secret app_secret X-App-Secret password passwd
    pwd user_password userPassword passphrase otp jwt credentials X-Amz-Credential client_assertion assertion
    Authorization Proxy-Authorization authorization Cookie cookie sessionid session_id JSESSIONID PHPSESSID key auth
    x-rapidapi-key rapidapi_key wstoken sastoken usertoken X-Bearer x-cred creds X-Kennwort api_sig Api-Auth api_sign
    sig signature X-Amz-Signature X-Signature appid pass X-Key X-Auth Auth sid session hmac code
"""

OTHERS = """
    page_token pageToken next_token nextToken nextPageToken NextToken X-Next-Token X-Next-Page-Token sync_token
    nextSyncToken syncToken continuationToken continuation_token x-ms-continuation skip_token cursorToken deltaToken
    nexttoken pagetoken synctoken continuationtoken X-Next-pagetoken
    startToken resume_token scroll_token pagination_token max_tokens tokens tokens_per_page token_type token_count
    sort_key sortKey key_field keyField order_key group_key category_key categoryKey category keys keyword keywords
    primary_key foreign_key partition_key cache_key row_key ExclusiveStartKey LastEvaluatedKey issue_key project_ids
    public_key publicKey site_key Idempotency-Key monkey turkey hockey keyboard author authors author_id authored_by
    authority Authority X-Author authenticated Accept Accept-Language Content-Type If-None-Match If-Modified-Since
    X-Requested-With User-Agent Origin Referer X-Team X-Request-Id X-Forwarded-For Prefer Notion-Version
    X-GitHub-Api-Version OpenAI-Organization client_id app_id user username login email user_id q query filter
    fields include expand sort order limit offset page per_page since until updated_after language lang country
    state status format type name id secretary password_changed_at cookies_accepted signed_in designer signal
    assignee pages passenger compass pwdays session_type authtype api_version apis keyed code_challenge country_code
    postal_code error_code codes barcode zipcode passed tokenized secrets_count
"""


@pytest.mark.parametrize("name", SECRETS.split())
def test_names_of_secrets(name):
    assert is_secret(name, RANDOM)


@pytest.mark.parametrize("name", OTHERS.split())
@pytest.mark.parametrize("value", [RANDOM, "x", "5"])
def test_names_of_other_things(name, value):
    assert not is_secret(name, value)
    assert not names_secret(name)


@pytest.mark.parametrize("value", ["s3cret", "440a", "Ab-12", "a b1", "DEMO_KEY_1", "1234567890", "%41", "ü"])
def test_doubtful_names_of_values_that_are_no_words(value):
    assert is_secret("key", value)


@pytest.mark.parametrize("value", ["status", "created_at", "440", "-1.5", "Munich", "a,b", "Issue.Type", "first name"])
def test_doubtful_names_of_plain_values(value):
    assert not is_secret("key", value)
    assert is_secret("api_key", value)


@pytest.mark.parametrize(("value", "secret"), [("DE", False), ("418", False), ("SKU-1234-5678", False), (RANDOM, True)])
def test_a_code_is_a_secret_if_chance_has_made_it(value, secret):
    assert is_secret("code", value) is secret


@pytest.mark.parametrize("value", ["", " ", "{token}", "{row_id}"])
def test_no_value_is_no_secret(value):
    assert not is_secret("api_key", value)
    assert is_secret("api_key", "{token}x")


@given(name=st.text(max_size=300), value=st.text(max_size=300))
def test_any_name_has_an_answer(name, value):
    assert is_secret(name, value) in (True, False)
    if names_secret(name):
        assert is_secret(name, "x")
