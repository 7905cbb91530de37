"""The database: how fast it answers, how large it is, when it was vacuumed, and whether its clock is ours."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain

from godmode.lib.health.finding import Finding, Look, Patient
from godmode.lib.store import vitals
from godmode.lib.store.vitals import Table, Vitals

DEAD_ROWS, DEAD_SHARE = 10_000, 0.2  # from which a table wants a vacuum: twice of what autovacuum waits for
STARTS = 4  # of an embedded server within a day: a boot and an update are two
FROZEN_AGE = 1_500_000_000  # transactions; the server stops at 2,100,000,000


def database(patient: Patient) -> Look:
    """Reachable, or the run would not be here."""
    conn, before = patient.ctx.store.conn, patient.now
    begun = time.monotonic()
    seen = vitals.vitals(conn)
    took = time.monotonic() - begun
    tables = vitals.tables(conn)
    skew = seen.at - (before + timedelta(seconds=took / 2)) if patient.around.real else timedelta(0)
    newest = max((t.vacuumed_at for t in tables if t.vacuumed_at), default=None)
    kind = "embedded " if patient.around.embedded else ""
    detail = (
        f"{kind}PostgreSQL {seen.version} answers in {took * 1000:.0f} ms, {seen.size / 1e6:,.0f} MB, "
        f"last vacuum {_ago(newest, seen.at)}, its clock differs by {abs(skew).total_seconds():.1f} s"
    )
    starts = _starts(patient, seen)
    found = [_slow(patient, took), _clock(patient, skew), _vacuum(patient, seen, tables), _restarts(patient, starts)]
    numbers = {"ms": round(took * 1000), "bytes": seen.size, "clock_ms": round(skew.total_seconds() * 1000)}
    return Look("database", detail, list(chain(*found)), {"database": numbers | {"starts": starts}})


def _starts(patient: Patient, seen: Vitals) -> list[str]:
    """When the server was started, as far as the looks of the last day saw it."""
    last = patient.earlier(patient.now)
    known = (last[1].get("database") or {}).get("starts", []) if last else []
    day_ago = (patient.now - timedelta(days=1)).isoformat()
    return sorted({*(start for start in known if start > day_ago), seen.started_at.isoformat()})[-10:]


def _restarts(patient: Patient, starts: Sequence[str]) -> Iterator[Finding]:
    """An embedded server that is killed comes back by itself; that it is killed again and again is to be known."""
    if patient.around.embedded and len(starts) >= STARTS:
        what = f"the embedded database was started {len(starts)} times within a day"
        yield Finding("database:restarts", what, "`journalctl -k` tells of a lack of memory, its own log of the rest")


def _slow(patient: Patient, took: float) -> Iterator[Finding]:
    if took * 1000 >= patient.limits.database_ms:
        what = f"the database takes {took * 1000:,.0f} ms to answer"
        yield Finding("database:slow", what, "look at the load of its host, and for long transactions", looks=2)


def _clock(patient: Patient, skew: timedelta) -> Iterator[Finding]:
    if abs(skew) >= timedelta(seconds=patient.limits.clock_seconds):
        where = "ahead of" if skew > timedelta(0) else "behind"
        what = f"the database's clock is {abs(skew).total_seconds():,.0f} s {where} this host's"
        yield Finding("database:clock", what, "`timedatectl` on both hosts shows which one is not synchronised")


def _vacuum(patient: Patient, seen: Vitals, tables: Sequence[Table]) -> Iterator[Finding]:
    if seen.frozen_age > FROZEN_AGE:
        what = f"the database is {seen.frozen_age:,} transactions old, and stops at 2,100,000,000"
        yield Finding("database:frozen", what, "`VACUUM FREEZE` it, and see why autovacuum does not")
    old = seen.at - timedelta(days=patient.limits.vacuum_days)
    for table in tables:
        wants = table.dead > max(DEAD_ROWS, DEAD_SHARE * table.live)
        if wants and (table.vacuumed_at is None or table.vacuumed_at < old):
            what = f"{table.name} holds {table.dead:,} dead rows; its last vacuum: {_ago(table.vacuumed_at, seen.at)}"
            yield Finding(f"database:vacuum:{table.name}", what, f"`VACUUM ANALYZE {table.name}`; is autovacuum on?")


def _ago(at: datetime | None, now: datetime) -> str:
    if at is None:
        return "never"
    hours = (now - at).total_seconds() / 3600
    return f"{hours:.0f} h ago" if hours < 48 else f"{hours / 24:.0f} days ago"
