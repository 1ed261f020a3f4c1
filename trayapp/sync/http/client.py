"""One request and its response over requests: bounded, cancellable, credentials bound to their origin."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import msgspec

from trayapp.endpoints.model import Endpoint
from trayapp.messages import say
from trayapp.sync.cancel import CancelToken
from trayapp.sync.errors import AuthError, SyncError, TransientError
from trayapp.sync.http import retry
from trayapp.sync.http.auth import Access, Credentials
from trayapp.sync.http.budget import Budgets, HostBudget, Pace
from trayapp.sync.http.failures import server_of, status_error, too_large
from trayapp.sync.http.intake import TooLarge
from trayapp.sync.http.links import Origin, joined, origin, place_of
from trayapp.sync.http.refusal import hidden_refusal, token_refused
from trayapp.sync.http.request import Answer, Call, RequestMade, with_params
from trayapp.sync.http.scrub import scrubbed
from trayapp.sync.http.transport import Deadline, Received, Transport

MAX_REDIRECTS = 10


class Client:
    """Makes one endpoint's requests in one run and counts them. Not thread-safe; `close` when done.

    SyncError when the endpoint's URL is none.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        access: Access,
        cancel: CancelToken,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        budgets: Budgets | None = None,
        pace: Pace | None = None,
        folder: Path | None = None,
    ) -> None:
        """`budgets` is what all clients of the program share, `pace` what those of one endpoint share.

        `folder` is where large answers may be kept.
        """
        self.endpoint = endpoint
        self.made: list[RequestMade] = []
        self.bytes = 0
        self.keep_requests = 1000
        self.requests = 0
        self._access = access
        self._used: list[Credentials] = []
        self._renewed = False
        self._home = server_of(endpoint.url)
        self._cancel = cancel
        self._now = now
        self._deadline = Deadline(endpoint.limits.run)
        self._budgets = budgets or Budgets()
        self._pace = pace or Pace(endpoint.limits.rate)
        self._transport = Transport(endpoint.request, cancel, self._deadline, access.proxy_password, folder)

    def fetch(self, call: Call, patient: bool = True) -> Answer:
        """The answer to a call, if `patient` tried again where that makes sense. Raises SyncErrors and Cancelled."""
        self._renewed = False
        for attempt in range(1, retry.TRIES + 1):
            try:
                return self._follow(call)
            except TransientError as error:
                asked = error.retry_after
                pause = retry.pause_before(attempt, asked, random.random())
                if not patient or attempt == retry.TRIES or (asked is not None and asked > retry.LONGEST_WAIT):
                    raise
                self._deadline.check(pause)
                self._cancel.wait(pause)
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Let go of the connections."""
        self._transport.close()

    def hide(self, text: str) -> str:
        """The text without any secret that was used in this run."""
        for credentials in self._used:
            text = credentials.hide(text)
        return scrubbed(text, self._transport.proxy_secrets)

    def _follow(self, call: Call) -> Answer:
        asked = call.url
        seen = set()
        for _ in range(MAX_REDIRECTS + 1):
            answer, location = self._once(call)
            if location is None:
                refusal = hidden_refusal(
                    asked, answer.url, answer.headers, answer.body, self._identified(call.url), self.hide
                )
                if refusal is not None:
                    raise refusal
                return answer
            target = joined(call.url, location)
            if target in seen:
                raise SyncError(
                    say("The server redirects endlessly"),
                    say("The redirects of {address} lead round in a circle.", address=place_of(asked)),
                    say("Check the address."),
                    code="redirect",
                )
            seen.add(target)
            if not self.endpoint.request.follow_redirects:
                raise SyncError(
                    say("The server redirects"),
                    say("It redirects to {address}.", address=place_of(target)),
                    say("Use that address, or allow redirects for this endpoint."),
                    code="redirect",
                    field="request.follow_redirects",
                )
            call = _redirected(call, target, answer.status)
        raise SyncError(
            say("The server redirects too often"),
            say(
                "{address} leads to more than {number} redirects, one after the other.",
                address=place_of(asked),
                number=MAX_REDIRECTS,
            ),
            say("Use the address that they lead to."),
            code="redirect",
            field="url",
        )

    def _once(self, call: Call) -> tuple[Answer, str | None]:
        place = server_of(call.url)
        credentials = self._noted(self._access.current()) if place == self._home else None
        if credentials is None:
            call = self._for_strangers(call, place)
        received = self._exchange(call, place, credentials)
        if credentials is not None and not self._renewed and token_refused(received.status, received.headers):
            # Once for a page: if the new token is refused as well, another one will not help.
            self._renewed = True
            renewed = self._access.renewed(credentials)
            if renewed is not None:
                received = self._exchange(call, place, self._noted(renewed))
        answer = Answer(
            url=call.url,
            status=received.status,
            headers=received.headers,
            body=received.body,
            large=received.large,
            kept=received.kept,
        )
        if received.is_redirect:
            return answer, received.headers["Location"]
        if not 200 <= answer.status < 300 and answer.status != 304:
            raise status_error(answer.status, answer.headers, answer.body, call.url, self._now(), self.hide)
        return answer, None

    def _identified(self, url: str) -> bool:
        """Whether a request to this URL says who we are."""
        return origin(url) == self._home and self.endpoint.auth.kind != "none"

    def _for_strangers(self, call: Call, place: Origin) -> Call:
        """The call as a server that is not the endpoint's own gets it: only the address, which a server gave.

        Headers and body are for the endpoint's own server, and a chain of redirects that comes back to it finds them
        again. SyncError where the answer without them could be another one, or the address holds a secret.
        """
        endpoint = self.endpoint
        places = {"home": place_of(endpoint.url), "there": place_of(call.url)}
        known = endpoint.auth.kind != "none"
        if _is_upgrade(self._home, place) and (known or endpoint.request.headers or call.body is not None):
            advice = say("Write https:// in the endpoint's address.")
            if known:
                advice = say(
                    "Write https:// in the endpoint's address. Its password or token was sent unencrypted: replace it"
                    " with a new one."
                )
            raise AuthError(
                say("The server requires an encrypted connection"),
                say("{home} redirects to {there}. Others can read what is sent to an http:// address.", **places),
                advice,
                code="unencrypted",
                field="url",
            )
        if call.body is not None:
            raise SyncError(
                say("The server redirects to another server"),
                say("{home} redirects to {there}, which must not receive the request's body.", **places),
                say("If that is intended, create an endpoint for that address."),
                code="redirect",
            )
        if self.hide(call.url) != call.url:
            raise SyncError(
                say("The server would reveal the secret"),
                say(
                    "{home} redirects to {there} with the endpoint's secret in the address. Nothing was sent.", **places
                ),
                say("Report this to the makers of the API, or send the secret in a header."),
                code="secret_exposed",
            )
        return Call(url=call.url, method=call.method)

    def _noted(self, credentials: Credentials) -> Credentials:
        if credentials not in self._used:
            self._used.append(credentials)
        return credentials

    def _exchange(self, call: Call, place: Origin, credentials: Credentials | None) -> Received:
        budget, who = self._budgets.of(call.url), hash(credentials)
        self._wait_for_turn(budget, who)
        with budget.place(self._cancel, self.endpoint.limits.connections, lambda: self._deadline.left):
            self._deadline.check()
            received = self._send(call, place, credentials)
        budget.learn(who, received.status, received.headers, self._now())
        return received

    def _send(self, call: Call, place: Origin, credentials: Credentials | None) -> Received:
        headers = {"Accept": "application/json, */*;q=0.5", **call.headers}
        url = call.url
        if credentials is not None and credentials.header:
            headers[credentials.header[0]] = credentials.header[1]
        if credentials is not None and credentials.query:
            url = with_params(url, [credentials.query])
        started = monotonic()
        received = Received()
        left = self.endpoint.limits.bytes.bytes - self.bytes
        try:
            self._transport.send(
                call.method,
                url,
                headers,
                call.body,
                received,
                limit=left,
                place=place,
                identified=credentials is not None,
            )
        except TooLarge:
            raise too_large(
                say("The responses are larger than the limit of {limit}.", limit=str(self.endpoint.limits.bytes))
            ) from None
        finally:
            self.requests += 1
            self.bytes += received.size
            if len(self.made) < self.keep_requests:
                self.made.append(
                    RequestMade(
                        method=call.method,
                        url=self.hide(call.url),
                        status=received.status,
                        seconds=monotonic() - started,
                        bytes=received.size,
                    )
                )
        return received

    def _wait_for_turn(self, budget: HostBudget, who: int) -> None:
        self._sleep(self._pace.reserve())
        self._sleep(budget.gap(who, self._now()))
        for _ in range(retry.TRIES):
            wait = budget.ask(who, self._now())
            if not wait:
                break
            self._sleep(wait)

    def _sleep(self, seconds: float) -> None:
        self._cancel.check()
        if seconds > 0:
            self._deadline.check(seconds)
            self._cancel.wait(seconds)


def _redirected(call: Call, target: str, status: int) -> Call:
    """The call to make after a redirect: RFC 9110 section 15.4, POST becomes GET as browsers do it."""
    if status == 303 or (status in (301, 302) and call.method == "POST"):
        headers = {name: value for name, value in call.headers.items() if name.lower() != "content-type"}
        return Call(url=target, headers=headers)
    return msgspec.structs.replace(call, url=target)


def _is_upgrade(one: Origin, other: Origin) -> bool:
    """Whether the other server is the same one by https, both at their usual ports."""
    return (one[0], one[2], other[0], other[2]) == ("http", 80, "https", 443) and one[1] == other[1]
