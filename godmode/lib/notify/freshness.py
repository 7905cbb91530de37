"""How complete and how old what is known of a source is, in words: "4,812 of 4,812 pages, at most 61 min old". Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from godmode.lib.store.sync import SyncState

THINGS = {"notion": "pages", "n8n": "executions", "hubspot": "contacts"}


def freshness(state: SyncState, now: datetime) -> str | None:
    """The words, as far as they are known: the counts are of the last comparison of all ids. None for one never read.

    What changed at the source after the last good sync began is not known, so that is how old things may be.
    """
    last = state.last_sync_started_at if state.last_sync_success and not state.limited else state.last_sync_completed_at
    if last is None or state.last_sync_completed_at is None:
        return None
    age = f"at most {_words(now - last)} old"
    if not state.completeness:
        return age
    counts = f"{state.completeness['stored']:,} of {state.completeness['at_source']:,}"
    return f"{counts} {THINGS.get(state.source_name, 'records')}, {age}"


def _words(age: timedelta) -> str:
    """Rounded up, so that "at most" holds."""
    minutes = max(1, -(-age // timedelta(minutes=1)))
    if minutes < 180:
        return f"{minutes} min"
    return f"{-(-minutes // 60)} h" if minutes < 2880 else f"{-(-minutes // 1440)} days"
