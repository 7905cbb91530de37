"""The installed program on a terminal of a given size, and what is left on it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"  # the alternate screen
HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"  # the cursor


class Terminal:
    """A pseudo-terminal with a program on it. `seen` is all that was written to it so far."""

    def __init__(self, words: Sequence[str | Path], env: Mapping[str, str], columns: int = 80, rows: int = 24) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        env = {name: value for name, value in env.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
        self.process = subprocess.Popen(
            words, env={**env, "TERM": "xterm-256color"}, stdin=theirs, stdout=theirs, stderr=theirs,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(theirs)
        self.seen = ""

    def until(self, holds: Callable[[str], bool]) -> str:
        """Read until what was written fulfils a condition, or the program has ended; all that was written."""
        while not holds(self.seen) and (more := self._read()):
            self.seen += more
        return self.seen

    def _read(self) -> str:
        try:
            return os.read(self._ours, 65536).decode(errors="replace")
        except OSError:  # EIO: nobody is at the other end any more
            return ""

    def types(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def ends(self) -> tuple[int, str]:
        """Read to the end; the exit code and all that was written."""
        self.until(lambda seen: False)
        os.close(self._ours)
        return self.process.wait(timeout=30), self.seen


def lines(seen: str) -> list[str]:
    """The lines as they stand on the terminal, without colours."""
    return CONTROL.sub("", seen).replace("\r", "").rstrip("\n").split("\n")
