"""The user's crontab: godmode's block in it, and nothing else of it touched, byte for byte."""

from __future__ import annotations

import os
import re
import subprocess

from godmode.lib.errors import GodmodeError, Usage
from godmode.lib.schedule.calling import PATH
from godmode.lib.schedule.cron import END, marker

_MARK = re.compile(rb"^# (BEGIN|END) godmode(?: (.*))?$")
_OURS = re.compile(rb"^[^#\n]*\bgodmode\b.* run [a-z0-9-]+ --scheduled\b", re.MULTILINE)
_SHELL = re.compile(rb"""^[ \t]*["']?SHELL["']?[ \t]*=[ \t]*["']?(.*?)["']?[ \t]*$""", re.MULTILINE)
_BOURNE = frozenset({b"sh", b"ash", b"bash", b"dash", b"ksh", b"mksh", b"zsh"})  # shells that read a block's lines
_EDIT = "mend it with `crontab -e`, then try again"


def blocks(content: bytes) -> dict[str, tuple[int, int]]:
    """Where the blocks of all installations stand, by name: first byte, and the one after the last.

    Raises Usage when a marker is missing or stands twice.
    """
    found: dict[str, tuple[int, int]] = {}
    name, start, at = "", -1, 0
    for number, line in enumerate(content.splitlines(keepends=True), 1):
        if match := _MARK.match(line.rstrip(b"\n")):
            named = os.fsdecode(match[2] or b"")
            opens = match[1] == b"BEGIN"
            if opens != (start < 0) or (not opens and named != name) or (opens and named in found):
                raise _damaged(number, line)
            if opens:
                name, start = named, at
            else:
                found[name], start = (start, at + len(line)), -1
        at += len(line)
    if start >= 0:
        raise Usage(f'the crontab\'s godmode block is damaged: "{marker(END, name)}" is missing', _EDIT)
    return found


def _damaged(number: int, line: bytes) -> Usage:
    said = os.fsdecode(line.rstrip())
    return Usage(f'the crontab\'s godmode block is damaged: line {number}, "{said}", has no other half', _EDIT)


def with_block(content: bytes, name: str, block: str) -> bytes:
    """The crontab with this block in the place of the one of the same name, or at the end. Raises Usage."""
    start, end = blocks(content).get(name, (len(content), len(content)))
    ended = b"" if start == 0 or content[start - 1 : start] == b"\n" else b"\n"
    return content[:start] + ended + os.fsencode(fitted(content, name, block)) + content[end:]


def fitted(content: bytes, name: str, block: str) -> str:
    """The block as it stands in this crontab: one whose SHELL cannot read the lines gets it back below them.

    A SHELL line of a crontab holds for all lines after it. Raises Usage.
    """
    start, _ = blocks(content).get(name, (len(content), len(content)))
    hers = max(_SHELL.finditer(content, 0, start), key=re.Match.start, default=None)
    if hers is None or hers[1].rpartition(b"/")[2] in _BOURNE:
        return block
    lines = block.splitlines(keepends=True)
    first = next(at for at, line in enumerate(lines) if not line.startswith("#"))
    back = f"{os.fsdecode(hers[0])}\n"
    return "".join([*lines[:first], "SHELL=/bin/sh\n", *lines[first:-1], back, lines[-1]])


def without_block(content: bytes, name: str) -> bytes:
    """The crontab without the block of this name. Raises Usage."""
    start, end = blocks(content).get(name, (0, 0))
    return content[:start] + content[end:]


def strays(content: bytes) -> list[int]:
    """The numbers of lines outside of any block that start jobs as well. Raises Usage."""
    inside = blocks(content).values()
    at = [match.start() for match in _OURS.finditer(content)]
    return [content[:a].count(b"\n") + 1 for a in at if not any(start <= a < end for start, end in inside)]


def read() -> bytes:
    """The user's crontab, empty when there is none. Raises Usage where there is no cron, or it is not for this user."""
    done = _crontab("-l")
    if done.returncode == 0:
        return done.stdout
    said = done.stderr.decode(errors="replace")
    if "no crontab for" in said or "No such file" in said:
        return b""
    raise Usage(f"cannot read your crontab: {_line(said)}", "see /etc/cron.allow and /etc/cron.deny")


def write(content: bytes) -> None:
    """Put this in the place of the user's crontab; nothing at all removes it. Raises Usage, GodmodeError."""
    done = _crontab("-", given=content) if content else _crontab("-r")
    if done.returncode != 0:
        raise Usage(f"cron refuses the crontab: {_line(done.stderr.decode(errors='replace'))}", "nothing was changed")
    if read() != content:
        raise GodmodeError("the crontab is not as it was written: somebody else changes it too", "see `crontab -l`")


def _crontab(word: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    env = {**os.environ, "LC_ALL": "C", "PATH": f"{os.environ.get('PATH', '')}:{PATH}"}
    try:
        return subprocess.run(["crontab", word], input=given, capture_output=True, check=False, env=env)
    except OSError:
        raise Usage(
            "there is no program `crontab` here", "`apt-get install cron`, or use `godmode schedule systemd`"
        ) from None


def _line(said: str) -> str:
    return " ".join(said.split()) or "it says nothing"
