"""Half a configuration is none: what a channel lacks is named, with where it comes from."""

from __future__ import annotations

from godmode.lib.errors import Usage


def require(channel: str, **halves: object) -> None:
    """Raise Usage for the first half that is empty; a name in capitals is a secret, another one a key."""
    for name, value in halves.items():
        if value:
            continue
        if name.isupper():
            raise Usage(f"channels.{channel}: the secret {name} is not set", f"set {name} or {name}_FILE")
        key = name.replace("__", ".")
        section = "" if "." in key else f"channels.{channel}."
        raise Usage(f"channels.{channel}: {section}{key} is not set", f"set {section}{key} in the configuration")
