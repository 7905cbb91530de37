"""From the operator's words to a command's module, and from errors to exit codes.

A command's module is imported only when the command is called. What cron calls every half minute,
`godmode run JOB --scheduled`, goes straight to its module: importing Typer would take a sixth of its time.
Here next to nothing is imported at the top, so that a Ctrl-C soon after Enter already finds `main` at work.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType, TracebackType
    from typing import NoReturn


def main() -> NoReturn:
    """The entry point: never a traceback without --debug; exits 0, 1 or 2."""
    argv = sys.argv[1:]
    if "--debug" not in argv:
        sys.excepthook = _tell_of_bug
    try:
        sys.exit(_run(argv))
    except KeyboardInterrupt as e:
        if sys.stderr.isatty():
            print(file=sys.stderr)  # the terminal's own ^C stands on the line
        _fail(e, "interrupted", 1)
    except BrokenPipeError:  # the reader of a pipe went away, as `| head` does
        import os

        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as e:
        _fail(e, f"{e.strerror or e}{f': {e.filename}' if e.filename else ''}", 1)
    except _errors().GodmodeError as e:
        _fail(e, str(e) if e.exit_code == 2 else _cleaned(str(e)), e.exit_code)  # 2: her own words, as she typed them
    except _psycopg().Error as e:
        from godmode.lib.store.connect import trouble

        _fail(e, _cleaned(str(trouble(e))), 1)


def _errors() -> ModuleType:
    from godmode.lib import errors

    return errors


def _psycopg() -> ModuleType:
    """Asked for only when something else was raised: a command that needs no database does not import it."""
    import psycopg

    return psycopg


def _cleaned(line: str) -> str:
    """The line without the credentials and addresses that must not be shown."""
    from godmode.lib import secrets
    from godmode.lib.notify.redact import redact

    return redact(line, secrets.given())


def _fail(error: BaseException, line: str, code: int) -> NoReturn:
    if "--debug" in sys.argv:
        raise error
    if log := sys.modules.get("godmode.lib.log"):  # but for what is broken off before it is there
        log.event("error", f"godmode: {line}")
    else:
        print(f"godmode: {line}", file=sys.stderr)
    sys.exit(code)


def _tell_of_bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What is nobody's mistake but the program's, in a line; the interpreter exits with 1."""
    print(f"godmode: {kind.__name__}: {error}; `godmode --debug` shows where; please report it", file=sys.stderr)


def _run(argv: Sequence[str]) -> int:
    tick = _tick(argv)
    if tick:
        return _scheduled(*tick)
    from godmode.commands import terminal, words
    from godmode.lib import log

    log.set_up("plain", "info", _cleaned)
    terminal.options.debug = "--debug" in argv
    return words.run(argv)


def _scheduled(config: str | None, job: str) -> int:
    """What cron calls. Modules are no garbage: to look for some among them, again and again until the process ends,
    would take a sixth of a tick."""
    import gc

    gc.disable()
    from pathlib import Path

    from godmode.commands import terminal
    from godmode.commands.run import tick

    gc.freeze()
    gc.enable()
    terminal.options.config = Path(config) if config else None
    return tick.scheduled(job)


def _tick(argv: Sequence[str]) -> tuple[str | None, str] | None:
    """The configuration and job of exactly `[--config FILE] run JOB --scheduled`, which cron and timers call."""
    config = None
    if len(argv) > 2 and argv[0] == "--config":
        config, argv = argv[1], argv[2:]
    if len(argv) == 3 and argv[0] == "run" and argv[2] == "--scheduled" and not argv[1].startswith("-"):
        return config, argv[1]
    return None
