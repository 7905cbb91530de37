"""The installed program, killed at a named moment: `mortal.py WORDS…` is `godmode WORDS…`.

A moment is one SQL statement (named after the function of the store that it stands in), the end of a transaction, or
one HTTP request. With MORTAL_LOG the name of each moment is written there, a line each. With MORTAL_DIES=before:N or
after:N the process gets SIGKILL right before or right after the Nth of them.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from functools import wraps
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any

import psycopg

_log = os.environ.pop("MORTAL_LOG", None)
_side, _, _number = os.environ.pop("MORTAL_DIES", "").partition(":")
_moments = count(1)


def _named() -> str:
    """The nearest function of the store, or of the engine, that is at work."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if module.startswith("godmode."):
            return f"{module.rpartition('.')[2]}.{frame.f_code.co_name}"
        frame = frame.f_back
    return "outside"


def _mortal(what: str, call: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(call)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        number = next(_moments)
        if _log:
            with Path(_log).open("a") as file:
                print(f"{number} {what} {_named()}", file=file)
        _die("before", number)
        answer = call(*args, **kwargs)
        _die("after", number)
        return answer

    return wrapped


def _die(side: str, number: int) -> None:
    if side == _side and str(number) == _number:
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    psycopg.Cursor.execute = _mortal("statement", psycopg.Cursor.execute)  # type: ignore[method-assign]
    psycopg.Transaction.__exit__ = _mortal("end of", psycopg.Transaction.__exit__)  # type: ignore[method-assign]
    import httpx

    httpx.Client.send = _mortal("request", httpx.Client.send)  # type: ignore[method-assign]
    from godmode.cli import main as godmode

    godmode()


if __name__ == "__main__":
    main()
