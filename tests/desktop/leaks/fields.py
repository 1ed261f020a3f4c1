"""Every field that takes a secret, each with an endpoint that uses it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from shlex import quote as shell
from urllib.parse import quote

from tests.desktop.leaks.marks import Marks

VARIABLE = "TRAYSYNC_K9_TOKEN"
USER = "walter"


@dataclass(frozen=True)
class Kept:
    """A field of which a secret is in the keyring or a variable: its part of settings.toml, and what is stored.

    toml: after `[[endpoint]]` with id and url, `{base}` and `{id}` stand for the server and the endpoint. stored: the
    names of the fields of the keyring. proxied: the requests go through a proxy.
    """

    name: str
    toml: str
    stored: tuple[str, ...] = ("secret",)
    proxied: bool = False


KEPT = (
    Kept("bearer", 'auth.kind = "bearer"'),
    Kept("basic", f'auth.kind = "basic"\nauth.user = "{USER}"'),
    Kept("header", 'auth.kind = "header"\nauth.name = "X-Api-Key"'),
    Kept("query", 'auth.kind = "query"\nauth.name = "api_key"'),
    Kept("cookie", 'auth.kind = "header"\nauth.name = "Cookie"'),
    Kept(
        "oauth2_client",
        'auth.kind = "oauth2_client"\nauth.client_id = "me"\nauth.token_url = "{base}/token/{id}"',
    ),
    Kept(
        "oauth2_code",
        'auth.kind = "oauth2_code"\nauth.client_id = "me"\nauth.token_url = "{base}/token/{id}"\n'
        'auth.device_url = "{base}/device/{id}"',
        ("secret", "refresh_token"),
    ),
    Kept("proxy", f'request.proxy = "{{base}}"\nrequest.proxy_user = "{USER}"', ("proxy",), proxied=True),
    Kept("variable", f'auth.kind = "bearer"\nauth.secret_env = "{VARIABLE}"', ()),
)


@dataclass(frozen=True)
class Typed:
    """A field as it is given to `add` or `preview`: arguments, what is piped in, and variables, of an address and a
    secret; `readable` says that the secret is in the arguments."""

    name: str
    arguments: Callable[[str, str], list[str]]
    stdin: Callable[[str], str] = lambda _: ""
    variables: Callable[[str], Mapping[str, str]] = field(default=lambda _: {})


def _piped(name: str, *auth: str) -> Typed:
    return Typed(name, lambda url, _: [url, "--auth", *auth, "--secret-stdin"], lambda secret: f"{secret}\n")


def _with_login(url: str, secret: str) -> str:
    return url.replace("://", f"://{USER}:{quote(secret, safe='')}@")


TYPED = (
    _piped("bearer", "bearer"),
    _piped("basic", f"basic:{USER}"),
    _piped("header", "header:X-Api-Key"),
    _piped("query", "query:api_key"),
    Typed(
        "oauth2_client",
        lambda url, _: [
            url,
            "--auth",
            "oauth2_client:me@{0}/token/{2}".format(*url.rsplit("/", 2)),
            "--secret-stdin",
        ],
        lambda secret: f"{secret}\n",
    ),
    Typed(
        "variable",
        lambda url, _: [url, "--auth", "bearer", "--secret-env", "K9_TOKEN"],
        variables=lambda secret: {"K9_TOKEN": secret},
    ),
    Typed("address, login", lambda url, secret: [_with_login(url, secret)]),
    Typed("address, query", lambda url, secret: [f"{url}?token={quote(secret, safe='')}"]),
    Typed("--header", lambda url, secret: [url, "--header", f"X-Api-Key: {secret}"]),
    Typed("--header Authorization", lambda url, secret: [url, "--header", f"Authorization: Bearer {secret[:18]}"]),
    Typed("--param", lambda url, secret: [url, "--param", f"token={secret}"]),
    Typed("curl -H", lambda url, secret: ["--curl", f"curl -H {shell(f'X-Api-Key: {secret}')} {url}"]),
    Typed("curl -u", lambda url, secret: ["--curl", f"curl -u {shell(f'{USER}:{secret}')} {url}"]),
    Typed("curl -b", lambda url, secret: ["--curl", f"curl -b {shell(f'sid={secret}')} {url}"]),
    Typed("curl, piped", lambda url, _: ["--curl", "-"], lambda secret: f"curl --oauth2-bearer {shell(secret)} URL"),
    Typed(
        "proxy in the environment",
        lambda url, _: [f"http://upstream.example/{url.split('/', 3)[3]}"],
        variables=lambda secret: {"http_proxy": secret, "no_proxy": ""},
    ),
)
UNUSABLE: Mapping[str, Callable[[str, str], list[str]]] = {
    "address with a slash in the password": lambda url, secret: [url.replace("://", f"://{USER}:{secret}/@")],
    "address with a hash in the password": lambda url, secret: [url.replace("://", f"://{USER}:{secret[:18]}#@")],
    "address with a token for a user": lambda url, secret: [url.replace("://", f"://{secret[:18]}@")],
    "address without a server": lambda url, secret: [f"https://{USER}:{secret[:18]}@/items"],
    "curl with an open quote": lambda url, secret: ["--curl", f"curl -H 'X-Api-Key: {secret[:18]} {url}"],
    "curl with a port that is none": lambda url, secret: ["--curl", f"curl https://{USER}:{secret[:18]}/x@host/"],
    "curl with two secrets": lambda url, secret: ["--curl", f"curl -u me:{secret[:18]} -b sid={secret[:18]}x {url}"],
    "curl with a secret in its body": lambda url, secret: ["--curl", f"curl -d password={secret[:18]} {url}"],
    "header without a colon": lambda url, secret: [url, "--header", f"Authorization Bearer {secret[:18]}"],
    "parameter without an equals sign": lambda url, secret: [url, "--param", f"token:{secret[:18]}"],
    "two secrets": lambda url, secret: [
        url,
        "--header",
        f"X-Api-Key: {secret[:18]}",
        "--param",
        f"token={secret[-12:]}",
    ],
    "secret in a body": lambda url, secret: [url, "--json-body", f'{{"password": "{secret[:18]}"}}'],
    "bad body with a secret": lambda url, secret: [url, "--json-body", f'{{"password": "{secret[:18]}",'],
}
"""Mistakes in arguments, of which messages quote."""


def settings(kept: Kept, misuse: str, base: str, before: str = "") -> tuple[str, str]:
    """(id, its table in settings.toml) of an endpoint with that field at that misuse; the id begins so."""
    id = f"{before}{kept.name}-{misuse}".replace("_", "-").lower()
    server = "http://upstream.example" if kept.proxied else base
    more = kept.toml.format(base=base, id=id)
    more += "" if misuse in ("good", "long") else '\npages.kind = "none"'
    more += '\nrequest.timeout = "1s"' if misuse == "slow" else ""
    return id, f'\n[[endpoint]]\nid = "{id}"\nurl = "{server}/{misuse}/{id}"\nmanual = true\n{more}\n'


def make(marks: Marks, kept: Kept, id: str, stored: str) -> str:
    """The mark that is the secret of that field of an endpoint."""
    return marks(f"{kept.name} ({stored}), {id}")
