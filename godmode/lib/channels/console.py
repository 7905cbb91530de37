"""The console: a message is printed. The only channel until another is configured."""

from __future__ import annotations

import shutil
import textwrap
from typing import TextIO

from godmode.lib.errors import Transient, printable
from godmode.lib.kernel import Receipt


class Console:
    """Prints to the stream it is handed."""

    name = "console"
    carries = frozenset({"message"})
    local = True

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def send(self, to: str, text: str, key: str) -> Receipt:
        """Print the text. Raises Transient when the stream is gone."""
        try:
            said = printable(text)
            print(_wrapped(said) if self._stream.isatty() else said, file=self._stream, flush=True)
        except OSError as e:
            raise Transient(f"cannot print: {e.strerror}") from e
        return Receipt(id=key)


def _wrapped(text: str) -> str:
    """As wide as the terminal, set in from the second line on; words are not torn, so that commands stay whole."""
    width = max(shutil.get_terminal_size().columns, 40)
    return "\n".join(
        textwrap.fill(line, width, subsequent_indent="   ", break_long_words=False, break_on_hyphens=False)
        for line in text.splitlines()
    )
