"""Where an endpoint sends its secrets: what a person's word for one of them holds for, and nothing else."""

from typing import Literal, get_args

from trayapp.endpoints.model import Endpoint
from trayapp.sync.http.failures import bad_address
from trayapp.sync.http.links import origin

Field = Literal["secret", "refresh_token", "access_token", "proxy"]
"""The secrets that an endpoint may have, as the keyring names them."""
FIELDS: tuple[Field, ...] = get_args(Field)

_DEFAULT_PORTS = {"http": 80, "https": 443}


def fields_of(endpoint: Endpoint) -> tuple[Field, ...]:
    """The secrets that the endpoint's settings have a use for; the variable `auth.secret_env` is a "secret", too."""
    own: tuple[Field, ...] = () if endpoint.auth.kind == "none" else ("secret",)
    signed_in: tuple[Field, ...] = ("refresh_token", "access_token") if endpoint.auth.kind == "oauth2_code" else ()
    return (*own, *signed_in, *(("proxy",) if endpoint.request.proxy_user else ()))


def destinations(endpoint: Endpoint, field: Field) -> frozenset[str]:
    """Everywhere that secret travels, and whose word is taken for it that this is the place, in words for people.

    A client's secret and what renews a sign-in go to the sign-in service, and what they buy goes to the server: for
    both there is one word. In which header or parameter a secret is sent makes no difference, as the server that gets
    it is the same. Raises SyncError for an address that is none.
    """
    request, auth = endpoint.request, endpoint.auth
    proxy = {f"proxy {place(request.proxy)}"} if request.proxy else set()
    if field == "proxy":
        return frozenset(proxy)
    trusted = {f"CA file {request.ca_file}"} if request.ca_file else set()
    server = place(endpoint.url)
    # Behind one address may be many servers, told apart by that header alone.
    if host := next((value for name, value in request.headers.items() if name.strip().lower() == "host"), ""):
        server = f"{server} as {host}"
    if not auth.kind.startswith("oauth2"):
        return frozenset({server, *proxy, *trusted})
    services = {f"sign-in service {place(url)}" for url in (auth.token_url, auth.device_url) if url}
    return frozenset({*services, f"{server} (access tokens)", *proxy, *trusted})


def place(url: str) -> str:
    """A URL's origin as people write it, like https://api.example.com. Raises SyncError for what is no URL."""
    try:
        scheme, host, port = origin(url)
    except ValueError as error:
        raise bad_address(url) from error
    host = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return f"{scheme}://{host}" if port == _DEFAULT_PORTS.get(scheme) else f"{scheme}://{host}:{port}"
