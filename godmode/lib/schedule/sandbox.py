"""What a unit of systemd may not do. Pure: lines for its [Service] section.

The numbers of `systemd-analyze security` are held by a test, and that all works within by one that boots them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_EVERYWHERE = (
    "NoNewPrivileges=yes",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "LockPersonality=yes",
    "SystemCallArchitectures=native",
    "SystemCallErrorNumber=EPERM",
    "UMask=0077",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=~@resources",
)
# A user's own manager may not set up what needs a mount namespace or a capability. ProtectProc and ProcSubset are left
# out on purpose: who holds a claim is looked up in /proc, and one that is not seen would count as dead.
_SYSTEM = (
    "ProtectSystem=strict",
    "PrivateMounts=yes",
    "PrivateDevices=yes",
    "DevicePolicy=closed",
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "KeyringMode=private",
)
_HOMES, _TMP = ("/home/", "/root/", "/run/user/"), ("/tmp/", "/var/tmp/")


@dataclass(frozen=True)
class Folders:
    """Where a run reads and writes. `state` is made before a unit starts, and keeps its mode; `reads` is the rest:
    the program, the configuration, the chats. `short_socket` says that the embedded server's is in /run/godmode,
    `backups` where each night's backup goes, if one is taken.
    """

    state: str = "/var/lib/godmode"
    reads: tuple[str, ...] = ()
    short_socket: bool = False
    backups: str | None = None


def job(folders: Folders, *, system: bool, embedded: bool) -> list[str]:
    """For a run: files of its own to write, the network, and as root the embedded server's socket."""
    lines = [*_EVERYWHERE, "MemoryDenyWriteExecute=yes", "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6"]
    lines += ["SystemCallFilter=~@privileged"]
    if not system:
        return lines
    capability = "CAP_DAC_OVERRIDE" if embedded else "CAP_DAC_READ_SEARCH"  # the socket is its server's; your chats
    return [*lines, *_SYSTEM, *_places(folders), f"CapabilityBoundingSet={capability}"]


def server(folders: Folders, *, system: bool, jit: bool) -> list[str]:
    """For the embedded server: no network, and as root what it takes to start it as its own user and to stop it."""
    lines = [*_EVERYWHERE, "RestrictAddressFamilies=AF_UNIX"]
    lines += [] if jit else ["MemoryDenyWriteExecute=yes"]
    if not system:
        return lines
    return [*lines, *_SYSTEM, *_places(folders), *_serving(folders), "PrivateNetwork=yes", "IPAddressDeny=any"]


def keeper(folders: Folders) -> list[str]:
    """For root's run that brings a backup back into a scratch server: what a job may, and what a server takes."""
    lines = [*_EVERYWHERE, "MemoryDenyWriteExecute=yes", "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6"]
    return [*lines, *_SYSTEM, *_places(folders), *_serving(folders)]


def _serving(folders: Folders) -> Iterator[str]:
    """What root needs to start a server as its own user, to stop it, and to know it again."""
    if folders.short_socket:
        yield from ("RuntimeDirectory=godmode", "RuntimeDirectoryPreserve=yes")
    yield "ReadWritePaths=-/var/lib/godmode-postgres"
    capabilities = "CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_KILL CAP_SETGID CAP_SETUID CAP_SYS_PTRACE"
    yield f"CapabilityBoundingSet={capabilities}"


def _places(folders: Folders) -> Iterator[str]:
    """Of homes and of others' temporary files a run sees what it reads there, and nothing else."""
    state = folders.state
    shown = _outermost(path for path in (*folders.reads, state) if path.startswith((*_HOMES, *_TMP)))
    yield f"ProtectHome={'tmpfs' if any(path.startswith(_HOMES) for path in shown) else 'yes'}"
    yield "PrivateTmp=yes"
    yield from (f"BindReadOnlyPaths={quoted(f'-{path}')}" for path in shown if path != state)
    for path in (state, *([folders.backups] if folders.backups else [])):
        yield f"{'BindPaths' if path.startswith((*_HOMES, *_TMP)) else 'ReadWritePaths'}={quoted(f'-{path}')}"


def _outermost(paths: Iterable[str]) -> list[str]:
    """The paths that lie in none of the others."""
    kept: list[str] = []
    for path in sorted(set(paths)):
        if not any(path.startswith(f"{outer}/") for outer in kept):
            kept.append(path)
    return kept


def quoted(word: str) -> str:
    """A word as systemd takes it within a line: quoted where it has to be, a percent sign doubled."""
    plain = word.replace("%", "%%")
    if plain and not set(plain) & set(" \t\"'\\$;"):
        return plain
    escaped = plain.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
