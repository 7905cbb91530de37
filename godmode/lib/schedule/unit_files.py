"""godmode's units where systemd reads them: written, enabled, and taken out again."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from godmode.lib.errors import GodmodeError, Usage
from godmode.lib.schedule.units import MADE, NEWEST, SERVER

SYSTEM = Path("/etc/systemd/system")
_BOOTED = Path("/run/systemd/system")


def folder(system: bool) -> Path:
    """Where an administrator's units are, or this user's own."""
    if system:
        return SYSTEM
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd" / "user"


def version() -> int:
    """Which systemd is on this machine; where there is none, the units are for a new one elsewhere."""
    try:
        said = subprocess.run(["systemctl", "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return NEWEST
    match = re.match(r"systemd (\d+)", said)
    return int(match[1]) if match else NEWEST


def there(where: Path) -> dict[str, str]:
    """The units in a folder that godmode made, by name. Raises Usage when one cannot be read."""
    try:
        texts = {p.name: p.read_text(encoding="utf-8") for p in where.glob("godmode*.*") if p.is_file()}
    except (OSError, UnicodeDecodeError) as e:
        raise Usage(f"cannot read the units in {where}: {e}", "see who owns them") from e
    return {name: text for name, text in texts.items() if text.startswith(MADE)}


def owner(text: str) -> str:
    """The name of the installation whose unit this is; nothing for the default one."""
    return text.splitlines()[0].removeprefix(MADE).removesuffix(".").removeprefix(" of ")


def install(files: Mapping[str, str], where: Path, system: bool, name: str) -> bool:
    """Write the units, take out those of jobs that are no more, and start the timers; whether a file had to change.

    Raises Usage when another installation's are there or nothing can be written, GodmodeError when systemd refuses.
    """
    found = _own(where, name)
    changed = found != dict(files)
    write({file: text for file, text in files.items() if found.get(file) != text}, where)
    _take_out([file for file in found if file not in files], where, system)
    _systemctl(system, "daemon-reload")
    _systemctl(system, "enable", "--now", "--quiet", *(file for file in files if file.endswith(".timer")))
    return changed


def write(files: Mapping[str, str], where: Path) -> None:
    """Write the files into a folder, which is made where it is missing. Raises Usage."""
    try:
        where.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (where / name).write_text(text, encoding="utf-8")
    except OSError as e:
        raise Usage(f"cannot write the units into {where}: {e.strerror}", "see who owns it") from e


def uninstall(where: Path, system: bool, name: str) -> list[str]:
    """Stop the timers and the embedded server's service, and take out the units; which they were. Raises as install."""
    found = sorted(_own(where, name))
    if found:
        booted()
        _take_out(found, where, system)
        _systemctl(system, "daemon-reload")
    return found


def _own(where: Path, name: str) -> dict[str, str]:
    found = there(where)
    others = sorted({owner(text) or "the default configuration" for text in found.values() if owner(text) != name})
    if others:
        raise Usage(
            f"the units in {where} are of {others[0]}",
            "take them out with that one's `godmode schedule systemd --uninstall`, or use `godmode schedule cron`",
        )
    return found


def _take_out(files: Sequence[str], where: Path, system: bool) -> None:
    if timers := [file for file in files if file.endswith(".timer")]:
        _systemctl(system, "disable", "--now", "--quiet", *timers)
    if SERVER in files:
        _systemctl(system, "stop", SERVER)
    try:
        for file in files:
            (where / file).unlink(missing_ok=True)
    except OSError as e:
        raise Usage(f"cannot take the units out of {where}: {e.strerror}", "as root, or with --user") from e


def booted() -> None:
    """Raises Usage where it is not systemd that runs this machine."""
    if not _BOOTED.is_dir():
        raise Usage("systemd does not run this machine", "use `godmode schedule cron`, or --out DIR for another one")


def _systemctl(system: bool, *words: str) -> None:
    argv = ["systemctl", *([] if system else ["--user"]), *words]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
    except OSError as e:
        raise Usage(f"cannot run systemctl: {e.strerror}", "use `godmode schedule cron`") from e
    if done.returncode != 0:
        said = " ".join(done.stderr.split()) or f"it ended with {done.returncode}"
        raise GodmodeError(f"`{' '.join(argv[: 3 if system else 4])}` failed: {said}", "see `journalctl -xe`")
