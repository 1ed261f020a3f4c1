"""What can go wrong with a secret store, and how the errors of keyring and the libraries below it are told apart."""

from trayapp.errors import EnvironmentProblem
from trayapp.messages import say


class SecretsError(EnvironmentProblem):
    """The secret store failed."""

    code = "keyring_error"


class SecretsLocked(SecretsError):
    """The store is there but locked: a state to try again later, not a failure."""

    code = "keyring_locked"
    action = "unlock_keyring"


class SecretsTimeout(SecretsError):
    """The store did not respond in time; it may be asking its user."""

    code = "keyring_silent"


class NoSecretStore(SecretsError):
    """This session has no secret store."""

    code = "no_keyring"


def described(error: Exception) -> SecretsError:
    """The error to show for one that the store raised.

    The libraries below raise a dozen types, of which only some are keyring's own.
    """
    from keyring.errors import KeyringLocked, NoKeyringError

    names = {base.__name__ for one in (error, error.__cause__) for base in type(one).__mro__}
    if isinstance(error, KeyringLocked) or names & {"LockedException", "PromptDismissedException"}:
        return SecretsLocked(
            say("The keyring is locked"),
            say("It holds the secrets of your endpoints."),
            say("Unlock it, usually by logging in or in your password manager. TraySync then continues."),
        )
    missing = (NoKeyringError, FileNotFoundError, ConnectionError, ImportError)
    if isinstance(error, missing) or "SecretServiceNotAvailableException" in names:
        return no_keyring(_first_line(error))
    return SecretsError(
        say("The keyring reported an error"),
        say("The system's secret store says: {error}.", error=_first_line(error)),
        say("Try again. If that doesn't help, log out and in again."),
    )


def no_keyring(cause: str) -> NoSecretStore:
    """The session has no store; `cause` is why, without a full stop."""
    return NoSecretStore(
        say("There is no keyring"),
        say(
            "TraySync keeps secrets only in the system's secret store, and this session has none: {what}.",
            what=cause,
        ),
        say(
            "Install gnome-keyring, KWallet or KeePassXC, or put the secret into an environment variable (secret_env)."
        ),
    )


def timed_out(seconds: float) -> SecretsTimeout:
    """The store did not respond for so long."""
    return SecretsTimeout(
        say("The keyring doesn't respond"),
        say("The system's secret store didn't respond for {seconds} seconds.", seconds=f"{seconds:g}"),
        say("It may be asking for your password in another window. TraySync will try again."),
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
