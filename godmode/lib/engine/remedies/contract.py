"""What a kind of remedy is to engine/corrections.py: a small file each, and a line in the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from psycopg import Connection

from godmode.lib.errors import GodmodeError
from godmode.lib.kernel import Job


class Void(GodmodeError):
    """A yes that has nothing to do any more, or may not: the world is not as it was when it was proposed."""

    category = "void"
    alert_from = 0


@dataclass(frozen=True)
class Place:
    """Where a remedy works. `job` finds a job as the file configures it (raises Usage), `n8n` gives what acts in n8n
    (raises Usage where it is not configured)."""

    conn: Connection
    now: datetime
    job: Callable[[str], Job]
    n8n: Callable[[], Any] = lambda: None


@dataclass(frozen=True)
class Change:
    """A remedy in words: what it `does`, and what was done once it `did`. `undo` says what undoing does, "" where that
    cannot be; then `final` says why."""

    does: str
    did: str
    undo: str = ""
    final: str = ""


@dataclass(frozen=True)
class Figure:
    """Something that is counted over a week, by which a change is judged later: what it is called, and what of what
    (see store/corrections.py, COUNTED)."""

    what: str
    counted: str
    of: str


class Way(Protocol):
    """How a kind of remedy is carried out. The remedy handed in is always of its kind (see lib/remedies.py).

    `look` says what it is like now and raises Void where there is nothing to do; `apply` does it once and returns what
    it is known by afterwards; `after` says from that what it is like then. One that changes godmode's own database
    runs inside the transaction that also writes the correction.
    """

    def describe(self, remedy: Any) -> Change: ...

    def look(self, place: Place, remedy: Any) -> Mapping[str, Any]: ...

    def apply(self, place: Place, remedy: Any, before: Mapping[str, Any]) -> str: ...

    def after(self, remedy: Any, made: str) -> Mapping[str, Any]: ...

    def measure(self, place: Place, remedy: Any) -> Figure | None: ...


@runtime_checkable
class Reversible(Protocol):
    """`still` raises Void where it is not as it was left, so that undoing would undo somebody else's doing."""

    def still(self, place: Place, remedy: Any, after: Mapping[str, Any]) -> None: ...

    def undo(self, place: Place, remedy: Any, before: Mapping[str, Any], after: Mapping[str, Any]) -> None: ...


@runtime_checkable
class Outside(Protocol):
    """A way that reaches outside, and can ask there what it did since a moment: what that is known by, or None when
    surely nothing. Raises a GodmodeError where that cannot be told."""

    def done(self, place: Place, remedy: Any, before: Mapping[str, Any], since: datetime) -> str | None: ...


@runtime_checkable
class BackFromOutside(Outside, Reversible, Protocol):
    """The same of what was taken back."""

    def undone(self, place: Place, remedy: Any, since: datetime) -> str | None: ...
