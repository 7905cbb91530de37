"""What the fallback may know while the database or the configuration is away: a file in the state folder.

It holds no secret and no address: of the allowlist the hashes, of the settings what is neither. Every healthy run, and
each change of the allowlist or a control on this host, renews it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, field
from psycopg import Connection

from godmode.lib.errors import Usage
from godmode.lib.paths import private_folder, replace_file
from godmode.lib.sections import Settings
from godmode.lib.store import allowlist, controls

FORMAT = 1
KEPT = ("timezone", "quiet_hours", "operator", "channels", "routes")
OPEN = frozenset({"phone", "chat_id", "from", "user", "team_id", "messaging_service"})  # whom and whence: no secrets


class Mirror(Struct, frozen=True):
    """`allowed` maps the hash of an address to what it may be used for; `settings` is a part of the file's tree."""

    format: int
    comms_enabled: bool
    allowed: dict[str, list[str]] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)

    def allows(self, address: str, purpose: str) -> bool:
        """Whether this address may be reached by this way."""
        return purpose in self.allowed.get(hashed(address), ())


def folder(state: Path) -> Path:
    """Where the fallback keeps its files."""
    return state / "fallback"


def path(state: Path) -> Path:
    return folder(state) / "mirror.json"


def hashed(address: str) -> str:
    """What stands for an address in the file."""
    return sha256(address.encode()).hexdigest()


def read(state: Path) -> Mirror | None:
    """The mirror; None where there is none, or none that can be read."""
    try:
        found = msgspec.json.decode(path(state).read_bytes(), type=Mirror)
    except (OSError, msgspec.DecodeError):
        return None
    return found if found.format == FORMAT else None


def settings(found: Mirror) -> Settings:
    """The settings of the last healthy run, as far as they are kept. Raises Usage where they cannot be used."""
    try:
        return msgspec.convert(found.settings, Settings)
    except msgspec.ValidationError as e:
        raise Usage(f"the mirrored configuration cannot be used: {e}") from None


def renew(conn: Connection, state: Path, of: Settings, clean: Callable[[str], str]) -> bool:
    """Bring the file up to date, where it is not; whether it was written. Raises Usage."""
    held = controls.read(conn)
    allowed = {hashed(entry.address): list(entry.purposes) for entry in allowlist.entries(conn)}
    fresh = Mirror(FORMAT, held is not None and held.comms_enabled, allowed, kept(of, clean))
    if read(state) == fresh:
        return False
    private_folder(folder(state))
    replace_file(path(state), msgspec.json.encode(fresh))
    return True


def kept(of: Settings, clean: Callable[[str], str]) -> dict[str, Any]:
    """The part of the settings that the fallback needs, without what `clean` would take out."""
    tree: dict[str, Any] = msgspec.to_builtins(of)
    return {key: _without(tree[key], clean) for key in KEPT} | {"health": {"fallback": list(of.health.fallback)}}


def _without(value: Any, clean: Callable[[str], str], key: str = "") -> Any:
    if isinstance(value, Mapping):
        pairs = ((name, _without(item, clean, name)) for name, item in value.items() if name != "urls")
        return {name: item for name, item in pairs if item is not None}
    if isinstance(value, list):
        return [_without(item, clean, key) for item in value]
    return None if isinstance(value, str) and key not in OPEN and clean(value) != value else value
