"""From the operator's words to a command's module, and from errors to exit codes.

A command's module is imported only when the command is called. What cron calls every half minute,
`godmode run JOB --scheduled`, goes straight to its module: importing Typer would take a sixth of its time.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from godmode.commands import terminal
from godmode.lib.errors import GodmodeError

if TYPE_CHECKING:
    from types import TracebackType

    import psycopg


def main() -> NoReturn:
    """The entry point: never a traceback without --debug; exits 0, 1 or 2."""
    argv = sys.argv[1:]
    terminal.options.debug = "--debug" in argv
    if not terminal.options.debug:
        sys.excepthook = _tell_of_bug
    try:
        sys.exit(_run(argv))
    except GodmodeError as e:
        _fail(e, str(e), e.exit_code)
    except KeyboardInterrupt as e:
        if sys.stderr.isatty():
            print(file=sys.stderr)  # the terminal's own ^C stands on the line
        _fail(e, "interrupted", 1)
    except BrokenPipeError:  # the reader of a pipe went away, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as e:
        _fail(e, f"{e.strerror or e}{f': {e.filename}' if e.filename else ''}", 1)
    except _database_error() as e:
        from godmode.lib.store.connect import trouble

        _fail(e, str(trouble(e)), 1)


def _database_error() -> type[psycopg.Error]:
    """Asked for only when something was raised: a command that needs no database does not import it."""
    import psycopg

    return psycopg.Error


def _fail(error: BaseException, line: str, code: int) -> NoReturn:
    if terminal.options.debug:
        raise error
    print(f"godmode: {line}", file=sys.stderr)
    sys.exit(code)


def _tell_of_bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What is nobody's mistake but the program's, in a line; the interpreter exits with 1."""
    print(f"godmode: {kind.__name__}: {error}; `godmode --debug` shows where; please report it", file=sys.stderr)


def _run(argv: Sequence[str]) -> int:
    tick = _tick(argv)
    if tick:
        terminal.options.config, job = tick
        return _scheduled(job)
    from godmode.commands import words

    return words.run(argv)


def _scheduled(job: str) -> int:
    """What cron calls. Modules are no garbage: to look for some among them, again and again until the process ends,
    would take a sixth of a tick."""
    gc.disable()
    from godmode.commands.run import tick

    gc.freeze()
    gc.enable()
    return tick.scheduled(job)


def _tick(argv: Sequence[str]) -> tuple[Path | None, str] | None:
    """The configuration and job of exactly `[--config FILE] run JOB --scheduled`, which cron and timers call."""
    config = None
    if len(argv) > 2 and argv[0] == "--config":
        config, argv = Path(argv[1]), argv[2:]
    if len(argv) == 3 and argv[0] == "run" and argv[2] == "--scheduled" and not argv[1].startswith("-"):
        return config, argv[1]
    return None
