"""How complete and how old what is known of a source is, in words: "4,812 of 4,812 pages, at most 61 min old". Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo

from godmode.lib.notify.wording import count, when
from godmode.lib.store.sync import SyncState, things


def freshness(state: SyncState, now: datetime, zone: tzinfo) -> str | None:
    """The words, as far as they are known. None for a source never read.

    What changed at the source after the last whole sync began is not known, so that is how old things may be. The
    counts are of the last comparison of all ids, carried forward by the syncs since; then they say when that was.
    """
    last = state.read_to or state.last_sync_completed_at
    if last is None:
        return None
    age = f"at most {_words(now - last)} old"
    if not state.completeness:
        return age
    counts = f"{state.completeness['stored']:,} of {state.completeness['at_source']:,} {things(state.source_name)}"
    at = datetime.fromisoformat(state.completeness["at"])
    counted = f" (compared {when(at, now, zone)})" if at < last else ""
    return f"{counts}{counted}, {age}"


def differences(state: SyncState, since: datetime, *, prunes: bool) -> str:
    """What the comparison of all ids mended, where there was one since then and it found something; else "".

    A source that `prunes` forgets old records by itself, which is no difference.
    """
    report = state.completeness
    if not report or datetime.fromisoformat(report["at"]) < since:
        return ""
    return ", ".join(_mended(report["repaired"], 0 if prunes else report["gone"], things(state.source_name)))


def _mended(repaired: int, gone: int, called: str) -> Iterator[str]:
    if repaired:
        yield f"{count(repaired, called[:-1])} fetched that {'was' if repaired == 1 else 'were'} missing"
    if gone:
        yield f"{count(gone, called[:-1])} gone at the source"


def _words(age: timedelta) -> str:
    """Rounded up, so that "at most" holds."""
    minutes = max(1, -(-age // timedelta(minutes=1)))
    if minutes < 180:
        return f"{minutes} min"
    return f"{-(-minutes // 60)} h" if minutes < 2880 else f"{-(-minutes // 1440)} days"
