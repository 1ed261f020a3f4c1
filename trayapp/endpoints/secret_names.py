"""Which names of headers, parameters and fields mean that their value is a secret. Pure."""

import re

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_SECRETS = _set("""
    apikey appkey authkey accesskey secretkey privatekey masterkey subscriptionkey wskey apitoken authtoken accesstoken
    bearertoken sessiontoken secret appsecret clientsecret password passwd passwort kennwort pwd passphrase passcode otp
    jwt bearer cred creds credential credentials authorization cookie sessionid jsessionid phpsessid assertion
""")
"""Last words of a name that leave no doubt."""
_OPENING = _set("""
    api app application access admin auth consumer dev developer encryption function functions license master private
    secret security shared signing subscription webhook
""")
"""What stands before "key" where it opens something; a sort_key, a primary key or a page's opens nothing."""
_MAY_OPEN = _set("account client customer map partner project read server service session trial user write")
_GOING_ON = _set("""
    page pages paging pagination next prev previous continuation continue sync cursor scroll start resume skip delta
    change changes after before offset list position marker
""")
"""What stands before "token" where it says how a listing goes on."""
_DOUBTFUL = _set("key auth sig signature sign appid pass pin sid session hmac")
"""Names of secrets, and of filters as well: the value tells."""
_PREFIXES = _set("x amz ms goog hub api")
_WHOLE = frozenset({"x-jfrog-art-api", "x-goog-iam-authorization-token"})
_PLAIN_VALUE = re.compile(r"[A-Za-z]+([ _.,:-][A-Za-z]+)*|[+-]?\d{1,9}(\.\d+)?")
_RANDOM_VALUE = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[\w/+.~=-]{20,}")
_PLACEHOLDER = re.compile(r"\{[A-Za-z_]\w*\}")


def is_secret(name: str, value: str) -> bool:
    """Whether a header, a parameter or a field of a body carries a secret. An empty value is none, nor a {placeholder}.

    A name like `key` or `auth` is also one of filters; then a value of plain words, or a small number, is no secret. A
    `code` is one only where it looks like chance has made it, as for Azure's functions.
    """
    if not value.strip() or _PLACEHOLDER.fullmatch(value):
        return False
    if names_secret(name):
        return True
    *before, last = _words(name) or [""]
    if last == "code":
        return not before and bool(_RANDOM_VALUE.fullmatch(value))
    # Of a name like sort_key nothing is left to doubt.
    bare = all(word in _PREFIXES or word.isdigit() for word in before)
    doubtful = (last in _DOUBTFUL and bare) or (last == "key" and before[-1:] and before[-1] in _MAY_OPEN)
    return bool(doubtful) and not _PLAIN_VALUE.fullmatch(value)


def names_secret(name: str) -> bool:
    """Whether whatever has that name is a secret."""
    words = _words(name)
    if name.lower() in _WHOLE:
        return True
    if not words:
        return False
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    if last in _SECRETS or last.endswith(("apikey", "secret", "password")):
        return True
    if last.endswith("token"):
        return (last.removesuffix("token") or before) not in _GOING_ON
    if last == "id":
        return before == "session"
    return last == "key" and (before in _OPENING or before.endswith("api"))


def _words(name: str) -> list[str]:
    """The words of a name, however they are joined: X-Api-Key, api_key, apiKey."""
    return [word.lower() for word in _WORD.findall(name)]
