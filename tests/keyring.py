"""A keyring in memory; tests have `trayapp.desktop.secrets.keyrings.chosen_keyring` give it for the system's."""

import json


class Keyring:
    """`kept` is all there is, by service and name; so many entries can be written before it fails."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.writes_left = 10**9

    def get_password(self, service: str, user: str) -> str | None:
        return self.kept.get((service, user))

    def set_password(self, service: str, user: str, value: str) -> None:
        if not self.writes_left:
            raise OSError("no more is written")
        self.writes_left -= 1
        self.kept[service, user] = value

    def delete_password(self, service: str, user: str) -> None:
        del self.kept[service, user]

    def names(self) -> set[str]:
        """What there is, but for what is said of it."""
        return {name for _, name in self.kept if not name.endswith("/for")}

    def said_of(self, name: str) -> set[str]:
        """Where the secrets of that name may go."""
        return {each for places in json.loads(self.kept["TraySync", f"{name}/for"]).values() for each in places}
