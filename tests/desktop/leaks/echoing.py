"""A server that asks for secrets and then has no manners: it repeats them wherever an answer has room for text."""

import base64
import html
import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from urllib.parse import parse_qs, quote, unquote_plus, urlsplit

from tests.desktop.leaks.marks import Marks
from tests.server import ApiServer, Handler, Reply, Seen, Wire, cut, json_reply, late, problem, raw, redirect

RECORDS = [{"id": number, "name": f"part {number}"} for number in range(1, 25)]


def given(seen: Seen) -> list[str]:
    """Every secret in a request."""
    form = parse_qs(seen.body.decode("latin-1")) if b"=" in seen.body else {}
    texts = [seen.headers.get(name, "") for name in ("Authorization", "Proxy-Authorization", "Cookie", "X-Api-Key")]
    texts += [*seen.query.get("api_key", []), *seen.query.get("token", [])]
    # As it was sent, too; but not from a link of ours, in which it would be encoded once more each time.
    texts += [raw for raw in re.findall(r"[?&](?:api_key|token)=([^&]+)", seen.target) if "%25" not in raw]
    texts += [value for name in ("client_secret", "refresh_token", "device_code") for value in form.get(name, [])]
    found = []
    for text in texts:
        # The cookie is ours: repeated, it would be encoded once more each time.
        text = "; ".join(part for part in text.split("; ") if not part.startswith("session="))
        scheme, _, rest = text.partition(" ")
        if scheme == "Basic":
            login = base64.b64decode(rest).decode()
            password = login.partition(":")[2]
            found += [rest, password]
            found += [unquote_plus(password)] if seen.path.startswith("/token/") else []
        elif text:
            found.append(rest if scheme == "Bearer" else text)
    return [secret for secret in found if "MARK" in secret or len(secret) > 20]


def spelled(secrets: list[str]) -> str:
    """The secrets in all spellings, one after the other."""
    ways: list[Callable[[str], str]] = [
        str,
        lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
        lambda text: quote(text, safe=""),
        lambda text: base64.b64encode(text.encode()).decode(),
        lambda text: base64.b64encode(b"x" + text.encode()).decode(),
        lambda text: text.encode().hex(),
        lambda text: json.dumps(text)[1:-1],
        lambda text: "".join(f"\\u{ord(char):04x}" for char in text),
        html.escape,
        str.upper,
    ]
    return " ".join(way(secret) for secret in secrets for way in ways)


def _plain(secrets: list[str]) -> str:
    return quote(secrets[0], safe="") if secrets else "nothing"


def _good(seen: Seen, said: list[str]) -> Reply:
    """Two pages; the next link, the validators and a cookie carry the secret."""
    secret = _plain(said)
    page = int(seen.param("page", "1"))
    records = RECORDS[:12] if page == 1 else RECORDS[12:]
    link = f'<{seen.base}{seen.path}?page=2&api_key={secret}>; rel="next"' if page == 1 else ""
    headers = {"Link": link} if link else {}
    reply = json_reply(records)
    return replace(
        reply, headers={**reply.headers, **headers, "ETag": f'"{secret}"', "Set-Cookie": f"session={secret}"}
    )


def _single(seen: Seen, said: list[str]) -> Reply:
    return json_reply(RECORDS).with_headers(ETag=f'"{_plain(said)}"', X_Request_Id=_plain(said))


def _raw_status(seen: Seen, said: list[str]) -> Reply:
    """A status line and headers that are none."""

    def send(wire: Wire, reply: Reply) -> None:
        wire.write(f"{spelled(said)}\r\nX {spelled(said)}\r\n\r\n".encode())
        wire.hang_up()

    return replace(raw(b""), send=send)


def _challenge(said: list[str]) -> str:
    return f'Bearer realm="{_plain(said)}", error="invalid_request", error_description="{_plain(said)}"'


def _half(said: list[str], before: str, length: int, filling: str = "-") -> str:
    """A text whose `length`th character is the middle of the first secret."""
    secret = _plain(said)
    return before + filling * (length - len(before) - len(secret) // 2) + secret


Misuse = Callable[[Seen, list[str]], Reply]
MISUSES: Mapping[str, Misuse] = {
    "good": _good,
    "single": _single,
    "refused": lambda _, said: json_reply({"error": spelled(said)}, 401, WWW_Authenticate=_challenge(said)),
    "forbidden": lambda _, said: problem(403, spelled(said), spelled(said)),
    "title": lambda _, said: problem(400, said[0] if said else "", _plain(said)),
    "gone": lambda _, said: raw(spelled(said).encode(), "text/plain", 404),
    "limited": lambda _, said: json_reply({"message": spelled(said)}, 429, Retry_After="7200"),
    "retry-after": lambda _, said: json_reply({}, 429, Retry_After=_plain(said)).with_headers(Retry_After="7200"),
    "cut-text": lambda _, said: raw(_half(said, "", 2000, " ").encode(), "text/plain", 400),
    "not-json": lambda _, said: raw(f'{{"token": "{said[0] if said else ""}", nope'.encode()),
    "not-json-at-once": lambda _, said: raw(f"{spelled(said)} nope".encode()),
    "one-word": lambda _, said: raw(json.dumps(spelled(said)).encode()),
    "rival": lambda _, said: json_reply({"zzz": RECORDS, said[0] if said else "x": RECORDS}),
    "object": lambda _, said: json_reply({"status": "ok", "message": spelled(said)}),
    "hidden-refusal": lambda _, said: json_reply({"error": "unauthorized", "message": spelled(said)}),
    "still-asking": lambda _, said: json_reply(RECORDS, WWW_Authenticate=_challenge(said)),
    "login-page": lambda seen, said: redirect(f"{seen.base}/login/{_plain(said)}?back={_plain(said)}"),
    "elsewhere": lambda seen, said: redirect(f"http://localhost:{urlsplit(seen.base).port}/x/{_plain(said)}"),
    "loop": lambda seen, said: redirect(f"{seen.base}{seen.path}?again={_plain(said)}"),
    "lost": lambda seen, said: redirect(f"{seen.base}/lost/{_plain(said)}"),
    "bad-location": lambda _, said: redirect(_half(said, "ftp://files.example/", 100)),
    "bad-link": lambda _, said: json_reply({"items": RECORDS, "next": _half(said, "https://a b\\", 100)}),
    "far-link": lambda _, said: json_reply({"items": RECORDS, "next": f"http://127.0.0.9/{_plain(said)}"}),
    "charset": lambda _, said: raw(b"id,name\n1,a\xff\n2,b\n", f"text/csv; charset={_plain(said)}"),
    "packed": lambda _, said: raw(b"nothing").with_headers(Content_Encoding=_plain(said)),
    "kind": lambda _, said: raw(b"nothing", f"application/{_plain(said)}"),
    "root": lambda _, said: raw(f"<k-{_plain(said).replace('%', '-')}><a></k>".encode(), "application/xml"),
    "csv": lambda _, said: raw(f'id,name\n1,a\n2,b,{_plain(said)},"\n'.encode(), "text/csv"),
    "lines": lambda _, said: raw(f'{{"id": 1}}\n{{"id": "{_plain(said)}" nope\n'.encode(), "application/x-ndjson"),
    "page": lambda _, said: raw(f"<html><title>{html.escape(spelled(said))}</title>".encode(), "text/html"),
    "broken": lambda _, said: problem(500, spelled(said), spelled(said)),
    "cut": lambda _, said: cut(raw(f'[{{"id": 1, "note": "{_plain(said)}"}}, {{"id": 2'.encode() * 9)),
    "garbage": _raw_status,
    "slow": lambda _, said: late(raw(spelled(said).encode(), "text/plain", 500), 3.0),
}
LONG = 14
"""The page at which a "long" listing stops until it is released."""
TRANSIENT = frozenset({"broken", "cut", "garbage", "slow"})
"""Those that a run tries again, which takes seconds."""


class EchoServer(ApiServer):
    """Paths are /MISUSE/NAME. What was said for one NAME, to the sign-in service or the API, is repeated to all."""

    def __init__(self, marks: Marks) -> None:
        super().__init__()
        self._marks = marks
        self._said: dict[str, list[str]] = {}
        self._tokens = 0
        self._guard = threading.Lock()
        self.released = threading.Event()
        """Whether the last page but one of a "long" listing, and the last one, are sent."""
        self.waiting = threading.Event()
        """Whether somebody waits for that."""
        for name, misuse in MISUSES.items():
            self.route(f"/{name}/*", self._misusing(misuse))
        self.route("/login/*", raw(b"<html><form></form>", "text/html"))
        self.route("/long/*", self._long)
        self.route("/token/*", self._token)
        self.route("/device/*", self._device)
        self.route("/device-echo/*", self._device)

    def _known(self, seen: Seen) -> list[str]:
        """What was said for the endpoint so far, the newest first."""
        name = seen.path.rpartition("/")[2]
        with self._guard:
            before = self._said.setdefault(name, [])
            now = [each for each in given(seen) if each not in before]
            self._said[name] = [*now, *before]
            return list(self._said[name])

    def _misusing(self, misuse: Misuse) -> Handler:
        return lambda seen: misuse(seen, self._known(seen))

    def _token(self, seen: Seen) -> Reply:
        said = self._known(seen)
        name = seen.path.rpartition("/")[2]
        if name.endswith("-no-grant"):
            return json_reply({"error": "invalid_grant", "error_description": spelled(said)}, 400)
        if name.endswith("-no-service"):
            return problem(418, spelled(said), spelled(said))
        if name.endswith("-no-token"):
            return json_reply({"error": said[0] if said else "", "access_token": None}, 400)
        with self._guard:
            self._tokens += 1
            number = self._tokens
        tokens = {
            "access_token": self._marks(f"access token {number} of {name}", odd="-._~"),
            "refresh_token": self._marks(f"refresh token {number} of {name}"),
        }
        with self._guard:
            # Who asks for a token may be another process than before, and know none of the older ones.
            self._said[name] = [*tokens.values(), *given(seen)]
        return json_reply({**tokens, "token_type": "Bearer", "expires_in": 3600})

    def _device(self, seen: Seen) -> Reply:
        said = self._known(seen)
        page = f"{seen.base}/login/device"
        if seen.path.startswith("/device-echo/"):
            page += f"?said={_plain(said)}"
        return json_reply(
            {"device_code": "c" * 30, "user_code": "ABCD", "verification_uri": page, "expires_in": 60, "interval": 1}
        )

    def _long(self, seen: Seen) -> Reply:
        """A listing by cursors, long enough to be kept, that stops near its end. Its own cursor is the secret."""
        said = self._known(seen)
        page = int(seen.param("cursor", "1"))
        if page >= LONG and not self.released.is_set():
            self.waiting.set()
            while not self.released.wait(0.05) and not self._listener.stopping.is_set():
                pass
        records = [{"id": page * 1000 + number, "name": "x" * 2000} for number in range(50)]
        body = {"items": records, "next": str(page + 1) if page <= LONG else None, "sync": _plain(said)}
        return json_reply(body)
