"""A third party's OAuth2 provider (npm's oidc-provider), unmodified, and somebody at a browser who signs in there."""

import html
import os
import re
import shutil
import socket
import subprocess
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
import requests

from trayapp.endpoints.model import Auth

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "traysync-tests" / "oidc-provider"
SECRET = "a secret: with % and + & more"


def installed() -> Path:
    """The folder with the provider, installed first if it is not there in the version wanted.

    Skips the test where it can't be, or fails it when the variable CI says that nothing may be missing.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return _missing("node and npm are not installed")
    CACHE.mkdir(parents=True, exist_ok=True)
    done = CACHE / "installed"
    lock = (HERE / "package-lock.json").read_text()
    if not done.exists() or done.read_text() != lock:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, CACHE)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        try:
            result = subprocess.run(command, cwd=CACHE, capture_output=True, text=True, timeout=300)
        except subprocess.TimeoutExpired:
            return _missing("npm took longer than 5 minutes")
        if result.returncode:
            return _missing(f"npm could not install it: {result.stderr[-500:]}")
        done.write_text(lock)
    shutil.copy(HERE / "provider.mjs", CACHE)
    return CACHE


def _missing(why: str) -> Any:
    if os.environ.get("CI") == "true":
        pytest.fail(f"the OAuth2 provider is missing: {why}")
    pytest.skip(f"*** SKIPPED: the OAuth2 provider is missing: {why}")


class Provider:
    """The running provider; a context manager. ttl: seconds that access tokens are good.

    Its client "registered" must come back to `port`.
    """

    def __init__(self, ttl: int = 600) -> None:
        self._ttl = ttl
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]

    def __enter__(self) -> "Provider":
        command = [str(shutil.which("node")), "provider.mjs", str(self._ttl), str(self.port)]
        self._process = subprocess.Popen(
            command, cwd=installed(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self._process.stdout is not None
        self.base = self._process.stdout.readline().decode().strip()
        if not self.base:
            with self._process:
                self._process.kill()
            version = subprocess.run([command[0], "--version"], capture_output=True, text=True, check=False).stdout
            _missing(f"node {version.strip()} does not run it")
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:
            self._process.kill()

    def seen(self) -> dict[str, Any]:
        found: dict[str, Any] = requests.get(f"{self.base}/seen", timeout=10).json()
        return found

    def grants(self, kind: str) -> list[str]:
        """The statuses of the token requests of a kind, in order."""
        return [grant.split()[-1] for grant in self.seen()["grants"] if grant.startswith(kind)]

    def auth(self, kind: Any = "oauth2_client", client: str = "machine", **fields: Any) -> Auth:
        return Auth(kind=kind, client_id=client, token_url=f"{self.base}/token", **fields)

    def desktop(self, client: str = "desktop", **fields: Any) -> Auth:
        """For somebody who signs in in the browser."""
        scopes = ("openid", "items:read")
        return self.auth("oauth2_code", client, auth_url=f"{self.base}/auth", scopes=scopes, **fields)

    def device(self) -> Auth:
        """For somebody who types in a code."""
        return self.auth("oauth2_code", "device", device_url=f"{self.base}/device/auth", scopes=("openid",))


class Browser:
    """Somebody at a browser: signs in wherever a page asks for it. `refuses` cancels instead.

    `page` is the text of the last page, once `closed` was called.
    """

    def __init__(self, refuses: bool = False) -> None:
        self.refuses = refuses
        self.opened: list[str] = []
        self.codes: list[str] = []
        self.page = ""
        self._threads: list[threading.Thread] = []

    def open_page(self, url: str) -> None:
        self.opened.append(url)
        thread = threading.Thread(target=self.visit, args=(url,))
        self._threads.append(thread)
        thread.start()

    def show_code(self, code: str, url: str) -> None:
        self.codes.append(code)

    def closed(self) -> str:
        for thread in self._threads:
            thread.join(20)
        return self.page

    def visit(self, url: str) -> None:
        with requests.Session() as session:
            answer = session.get(url, timeout=10)
            for _ in range(10):
                cancel = re.search(r'href="([^"]*/abort)"', answer.text)
                form = re.search(r'<form[^>]*action="([^"]+)"[^>]*>(.*?)</form>', answer.text, re.DOTALL)
                if self.refuses and cancel:
                    answer = session.get(urljoin(answer.url, html.unescape(cancel[1])), timeout=10)
                elif form:
                    target = urljoin(answer.url, html.unescape(form[1]))
                    answer = session.post(target, data=self._filled_in(form[2]), timeout=10)
                else:
                    break
            self.page = answer.text

    @staticmethod
    def _filled_in(form: str) -> dict[str, str]:
        fields = {"login": "alice", "password": "pässword"}
        sent = {}
        for tag in re.findall(r"<input[^>]*>", form):
            name = re.search(r'name="([^"]+)"', tag)
            value = re.search(r'value="([^"]*)"', tag)
            if name:
                sent[name[1]] = html.unescape(value[1]) if value else fields.get(name[1], "yes")
        return sent
