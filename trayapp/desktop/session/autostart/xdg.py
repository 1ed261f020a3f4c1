"""Linux: a .desktop file in the autostart folder (Desktop Application Autostart Specification 0.5)."""

from pathlib import Path


class XdgEntry:
    """A .desktop file in the autostart folder."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def written(self, command: tuple[str, ...]) -> str:
        """The value of Exec."""
        return _escaped(" ".join(_quoted(argument) for argument in command))

    def read(self) -> str | None:
        """The value of Exec; None when there is no file or the desktop's settings switched it off."""
        try:
            lines = self._file.read_text("utf-8").splitlines()
        except FileNotFoundError:
            return None
        values = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
        values = {name.strip(): value.strip() for name, value in values.items()}
        if values.get("Hidden") == "true" or values.get("X-GNOME-Autostart-enabled") == "false":
            return None
        return values.get("Exec")

    def write(self, command: tuple[str, ...]) -> None:
        """TryExec keeps the desktop quiet when the program was removed without its entry."""
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self._file.with_suffix(".new")
        new.write_text(
            "[Desktop Entry]\nType=Application\nName=TraySync\n"
            "Comment=Keeps local copies of web APIs up to date\nIcon=traysync\n"
            f"TryExec={_escaped(command[0])}\nExec={self.written(command)}\nTerminal=false\n"
            "X-GNOME-Autostart-enabled=true\n",
            "utf-8",
        )
        new.replace(self._file)

    def remove(self) -> None:
        """Delete the file if there is one."""
        self._file.unlink(missing_ok=True)


def _quoted(argument: str) -> str:
    """An argument in the quotes of Exec: Desktop Entry Specification 1.5, "The Exec key"."""
    text = argument.replace("%", "%%")
    if text and not set(text) & set(" \t\n\"'\\><~|&;$*?#()`"):
        return text
    for special in ("\\", '"', "`", "$"):
        text = text.replace(special, "\\" + special)
    return f'"{text}"'


def _escaped(value: str) -> str:
    """A string value of a .desktop file: its own escapes come on top of those of Exec."""
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
