"""What every command does at the terminal: read the configuration once, show a document, ask before acting."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from godmode.lib.errors import Usage, printable

if TYPE_CHECKING:
    from godmode.lib.config import Config


@dataclass
class Options:
    """The words before the command: they hold for all commands."""

    config: Path | None = None
    debug: bool = False


options = Options()


@cache
def config() -> Config:
    """The configuration named by `--config`, or the default one. Raises Usage.

    The environment beside it comes first: the alert that it cannot be read needs secrets too.
    """
    from godmode.lib import config as configuration
    from godmode.lib import paths, secrets_file

    secrets_file.take((options.config or paths.default_config()).absolute())
    return configuration.load(options.config)


def show(document: Mapping[str, Any] | Sequence[Any], as_json: bool, text: str) -> None:
    """Print one JSON document, or the text for a person, without what somebody else's words would do to a terminal."""
    print(json.dumps(document, default=_plain, ensure_ascii=False, indent=2) if as_json else printable(text))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)


def given(option: str, value: str | None) -> str | None:
    """The text of an option, on one line; None where it was left out. Raises Usage for one without anything in it."""
    if value is None:
        return None
    text = " ".join("".join(c if c.isprintable() else " " for c in value).split())
    if not text:
        raise Usage(f"{option} has nothing in it", "leave it out, or say what is meant")
    return text


def finite(option: str, value: float) -> float:
    """A number that an option can be. Raises Usage for nan, which is in every range."""
    if value != value:
        raise Usage(f"{option} takes a number, not nan")
    return value


def confirm(question: str, yes: bool) -> None:
    """Go on only when the operator says so. Raises Usage where nobody can be asked, or on a no."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Usage(f"{question} Nobody is here to answer", "add --yes to go on without being asked")
    if input(f"{question} [y/N] ").strip().lower() not in ("y", "yes"):
        raise Usage("nothing was changed")


def known(words: Iterable[str]) -> Callable[[str], list[str]]:
    """What a shell may complete an argument to: those of the words, as the operator types them, that begin like it."""
    return lambda incomplete: [word for w in words if (word := w.replace("_", "-")).startswith(incomplete)]


def who() -> str:
    """Who sits at the terminal, for the audit log."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a uid without a name, as containers have
        return "unknown"


def local(at: datetime | None, clock: str = "%H:%M") -> str:
    """A time as the operator reads it, in the configured zone: `Tue 24 Nov 08:00`; `never` for None."""
    return at.astimezone(config().zone).strftime(f"%a %d %b {clock}") if at else "never"


def near(at: datetime | None, now: datetime) -> str:
    """A time near `now` in nine characters at most, in the configured zone: `08:00`, `Tue 08:00`, `24 Nov`."""
    if at is None:
        return ""
    here = at.astimezone(config().zone)
    days = abs((here.date() - now.astimezone(config().zone).date()).days)
    return here.strftime("%H:%M" if days == 0 else "%a %H:%M" if days < 7 else "%d %b")


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], longest: int = -1) -> str:
    """Columns of plain text, aligned, without trailing blanks; the headers alone when there are no rows.

    On a terminal the cells of the column `longest` are cut where a row would not fit into a line.
    """
    cells = [list(headers)] + [["" if c is None else str(c) for c in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    if sys.stdout.isatty():
        over = sum(widths) + 2 * (len(widths) - 1) - shutil.get_terminal_size().columns
        widths[longest] = max(widths[longest] - max(over, 0), 30)
    return "\n".join(
        "  ".join(_cut(cell, width).ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )


def _cut(cell: str, width: int) -> str:
    return cell if len(cell) <= width else f"{cell[: width - 1]}…"
