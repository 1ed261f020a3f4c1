"""cURL commands, as browsers and API documentation give them, turned into endpoints; their secrets kept apart.

Options as in curl(1). Both ways of quoting that browsers offer are read: bash, and Windows' cmd with its carets.
"""

import re
import shlex
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import msgspec

from trayapp.endpoints.model import Auth, Endpoint, Request
from trayapp.endpoints.readable import readable, without
from trayapp.endpoints.units import Duration
from trayapp.errors import UserError
from trayapp.messages import say

_WITHOUT_VALUE = {
    "--compressed", "-s", "--silent", "-S", "--show-error", "-L", "--location", "-i", "--include", "-v", "--verbose",
    "-f", "--fail", "--fail-with-body", "-g", "--globoff", "--http1.1", "--http2", "--http1.0", "-#", "--progress-bar",
    "-N", "--no-buffer", "-4", "-6", "--location-trusted", "-O", "--remote-name",
    "--tlsv1.2", "--tlsv1.3", "--path-as-is",
}  # fmt: skip
_IGNORED_WITH_VALUE = {
    "-o", "--output", "-w", "--write-out", "-A", "--user-agent", "-e", "--referer", "--retry", "--connect-timeout",
    "-D", "--dump-header", "--retry-delay", "--retry-max-time", "--max-redirs",
}  # fmt: skip
_WITH_VALUE = {
    "-X": "--request", "-H": "--header", "-d": "--data", "--data-raw": "--data", "--data-ascii": "--data",
    "--data-binary": "--data", "-u": "--user", "-b": "--cookie", "-x": "--proxy", "-m": "--max-time", "-E": "--cert",
    **{name: name for name in (
        "--request", "--header", "--data", "--data-urlencode", "--json", "--user", "--cookie", "--proxy", "--max-time",
        "--cert", "--key", "--cacert", "--url", "--oauth2-bearer",
    )},
}  # fmt: skip
_UNCHECKED = "It switches off the check of the server's certificate; give the server's CA file with --cacert instead."
_REFUSED = {
    "-k": _UNCHECKED,
    "--insecure": _UNCHECKED,
    "-F": "Sending forms with files is no way to read data.",
    "--form": "Sending forms with files is no way to read data.",
    "-T": "It uploads a file.",
    "--upload-file": "It uploads a file.",
    "-n": "Credentials are not read from ~/.netrc; give them with -u.",
    "--netrc": "Credentials are not read from ~/.netrc; give them with -u.",
    "--digest": "Digest authentication is not supported.",
    "--ntlm": "NTLM authentication is not supported.",
    "--negotiate": "Negotiate authentication is not supported.",
    "-I": "It asks for headers only.",
    "--head": "It asks for headers only.",
    "-K": "Options in a file are not read; write them out.",
    "--config": "Options in a file are not read; write them out.",
}
_CMD_PART = re.compile(r'(\s+)|"((?:[^"\\]|\\.|"")*)("?)|(?:[^\s"\\]|\\"?)+', re.DOTALL)
"""Space, what is between quotation marks, or what is not: wherever one ends, another begins."""
_BASH_ESCAPE = re.compile(r"\\(?:(x[0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{1,4}|U[0-9A-Fa-f]{1,8})|([0-7]{1,3})|(.))", re.DOTALL)
"""Within $'…' (https://www.gnu.org/software/bash/manual/html_node/ANSI_002dC-Quoting.html)."""
_BASH_LETTERS = {
    "a": "\a", "b": "\b", "e": "\x1b", "E": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", "'": "'", '"': '"', "?": "?",
}  # fmt: skip
_CMD_ESCAPE = re.compile(r'\\(["\\])|""')

_OF_BROWSERS = re.compile(
    r"(sec-.*|accept-encoding|accept-language|user-agent|connection|host|content-length|priority|dnt|pragma|origin"
    r"|cache-control|upgrade-insecure-requests|referer|if-none-match|if-modified-since|te)$",
    re.IGNORECASE,
)


class Imported(msgspec.Struct, frozen=True):
    """What a cURL command asks for: the endpoint, without its secret, and the secret, None when it has none."""

    endpoint: Endpoint
    secret: str | None = None

    def __repr__(self) -> str:
        return f"Imported({self.endpoint!r}, …)"


def is_curl(text: str) -> bool:
    """Whether a text that was pasted is a cURL command rather than an address."""
    return re.match(r"\s*(\$\s*)?curl(\.exe)?\s", text) is not None


def import_curl(text: str) -> Imported:
    """The endpoint that a cURL command reads. Raises UserError for what can't be read or must not be done."""
    words = _words(text)
    try:
        return _Command(words).imported()
    except ValueError:  # it quotes what it could not read, which may be a password
        raise _error("An address or a number in it is not valid.") from None


def _error(cause: str, next: str = "Correct the command.") -> UserError:
    return UserError(say("The cURL command can't be used"), cause, next)


def _words(text: str) -> list[str]:
    text = re.sub(r"^\s*\$\s*", "", text.strip())
    try:
        words = _cmd_words(text) if re.search(r"\^[\"\r\n]|\^$", text) else shlex.split(_bash(text), comments=False)
    except ValueError as error:
        raise _error(f"A quote is not closed ({error}).") from error
    if not words or not re.fullmatch(r"(.*/)?curl(\.exe)?", words[0]):
        raise _error("It does not begin with curl.")
    return words[1:]


def _bash(text: str) -> str:
    """The command with what shlex does not know taken out: continued lines and $'…' with its escapes."""
    # A field of one line turns the breaks into separators or spaces when the command is pasted.
    text = re.sub(r"\\(\r?\n|\u2028| +(?=-))", " ", text)

    def plain(found: re.Match[str]) -> str:
        return shlex.quote(_BASH_ESCAPE.sub(_unescaped, found[1]))

    return re.sub(r"\$'((?:[^'\\]|\\.)*)'", plain, text, flags=re.DOTALL)


def _unescaped(found: re.Match[str]) -> str:
    hexadecimal, octal, other = found.groups()
    if hexadecimal or octal:
        code = int(hexadecimal[1:], 16) if hexadecimal else int(octal, 8) & 0xFF
        return chr(code) if code <= 0x10FFFF and not 0xD800 <= code < 0xE000 else "\ufffd"
    return _BASH_LETTERS.get(other, found[0])


def _cmd_words(text: str) -> list[str]:
    """Words as Windows' cmd.exe hands them on: carets escape, double quotes hold together, \\" is a quote."""
    text = re.sub(r"\^\r?\n", " ", text)
    text = re.sub(r"\^(.)", r"\1", text)
    words: list[list[str]] = []
    is_within = False
    for found in _CMD_PART.finditer(text):
        space, quoted, end = found.groups()
        if quoted is not None and not end:
            raise ValueError("No closing quotation")
        if not space and not is_within:
            words.append([])
        if not space:
            bare = found[0].replace('\\"', '"')
            words[-1].append(bare if quoted is None else _CMD_ESCAPE.sub(lambda e: e[1] or '"', quoted))
        is_within = not space
    return ["".join(parts) for parts in words]


def _options(words: list[str]) -> Iterator[tuple[str, str]]:
    """(option under its long name, value); a word that is no option is the --url."""
    left = list(words)
    while left:
        word = left.pop(0)
        if not word.startswith("-") or word == "-":
            yield "--url", word
            continue
        name, value = word, None
        if not word.startswith("--") and len(word) > 2:
            name, value = word[:2], word[2:]  # -XPOST, -HAccept:x
            if name in _WITHOUT_VALUE or name == "-G":
                left.insert(0, f"-{value}")  # -sSk
        elif word.startswith("--") and "=" in word:
            name, value = word.split("=", 1)
        if name in _REFUSED:
            raise _error(f"The option {name} can't be taken over. {_REFUSED[name]}", "Leave it out.")
        if name in _WITHOUT_VALUE:
            continue
        if name in ("-G", "--get"):
            yield "--get", ""
            continue
        if name not in _WITH_VALUE and name not in _IGNORED_WITH_VALUE:
            raise _error(f"The option {name} is not known here.", "Leave it out if it is not needed.")
        if value is None:
            if not left:
                raise _error(f"The option {name} lacks its value.")
            value = left.pop(0)
        if name in _WITH_VALUE:
            yield _WITH_VALUE[name], value


class _Command:
    def __init__(self, words: list[str]) -> None:
        self.url = ""
        self.method = ""
        self.headers: dict[str, str] = {}
        self.data: list[str] = []
        self.json = False
        self.get = False
        self.request: dict[str, Any] = {}
        self.secrets: list[tuple[Auth, str]] = []
        for name, value in _options(words):
            self._take(name, value)

    def _take(self, name: str, value: str) -> None:
        if name == "--url":
            if self.url:
                raise _error("It names more than one address.")
            self.url = value if "://" in value else f"https://{value}"
            urlsplit(self.url)  # ValueError when it is none
        elif name == "--request":
            self.method = value.upper()
        elif name == "--header":
            self._take_header(value)
        elif name in ("--data", "--data-urlencode", "--json"):
            if value.startswith("@"):
                raise _error("It reads its data from a file.", "Write the data into the command.")
            self.json = self.json or name == "--json"
            self.data.append(_encoded(value) if name == "--data-urlencode" else value)
        elif name == "--get":
            self.get = True
        elif name == "--user":
            user, _, password = value.partition(":")
            self.secrets.append((Auth(kind="basic", user=user), password))
        elif name == "--oauth2-bearer":
            self.secrets.append((Auth(kind="bearer"), value))
        elif name == "--cookie":
            if "=" not in value:
                raise _error(
                    "It reads its cookies from a file.", "Write the cookies into the command: -b 'name=value'."
                )
            self.secrets.append((Auth(kind="header", name="Cookie"), value))
        elif name == "--proxy":
            self.request["proxy"] = value if "://" in value else f"http://{value}"
        elif name == "--max-time":
            self.request["timeout"] = Duration.parse(f"{value}s")
        else:
            self.request[{"--cacert": "ca_file", "--cert": "client_cert", "--key": "client_key"}[name]] = value

    def _take_header(self, line: str) -> None:
        if line.startswith("@"):
            raise _error("It reads its headers from a file.", "Write the headers into the command.")
        name, colon, value = line.partition(":")
        name, value = name.strip(), value.strip()
        if not colon or not value:
            return  # "Name:" takes a header away, which ours never sends
        if not _OF_BROWSERS.match(name):
            self.headers[name] = value

    def imported(self) -> Imported:
        if not self.url:
            raise _error("It names no address.")
        body = "&".join(self.data) if not self.json else "".join(self.data)
        if self.get and body:
            parts = urlsplit(self.url)
            self.url = urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, body)))))
            body = ""
        method = self.method or ("POST" if body else "GET")
        if method not in ("GET", "POST"):
            raise _error(f"It asks with {method}, which changes things instead of reading them.", "Use GET or POST.")
        request = Request(
            method="POST" if method == "POST" else "GET", headers=self.headers, json=self._body(body), **self.request
        )
        endpoint = Endpoint(url=self.url, request=request)
        for each in readable(endpoint):
            if each.auth is None:
                raise _error(f"Its body carries a secret: {each.name}.", "Leave it out if the server does not need it.")
            self.secrets.append((each.auth, each.value))
            endpoint = without(endpoint, each)
        kinds = {(auth.kind, auth.name, secret) for auth, secret in self.secrets}
        if len(kinds) > 1:
            names = " and ".join(sorted({auth.name or auth.kind for auth, _ in self.secrets}))
            raise _error(f"It carries more than one secret: {names}.", "Leave out those the server does not need.")
        auth, secret = self.secrets[0] if self.secrets else (Auth(), None)
        return Imported(msgspec.structs.replace(endpoint, auth=auth), secret)

    def _body(self, body: str) -> Any:
        if not body:
            return None
        try:
            decoded = msgspec.json.decode(body.encode())
        except (msgspec.DecodeError, UnicodeEncodeError):
            # curl's own default; anything that is no JSON is sent as it is.
            self.headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
            return body
        return decoded if isinstance(decoded, dict | list) and b"null" not in body.encode() else body


def _encoded(value: str) -> str:
    """--data-urlencode: the part after the first = is encoded, or all of it."""
    name, equals, content = value.partition("=")
    return f"{name}={quote(content)}" if equals and name else quote(content if equals else value)
