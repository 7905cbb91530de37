"""Backups as they are kept: each day one, the older ones moved aside, and once a week one brought back as a proof."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from godmode.lib.errors import GodmodeError
from godmode.lib.kernel import JobContext, Notification, Severity
from godmode.lib.store import audit, dump, restore

if TYPE_CHECKING:
    from psycopg import Connection

    from godmode.lib.config import Config

PROVED_EVERY = timedelta(days=7)
TAKEN, PROVED = "backup", "backup_check"
T = TypeVar("T")


def folder(config: Config) -> Path:
    """Where backups are: `backup.folder`, which is relative to the configuration file, or the state folder's own."""
    chosen = config.settings.backup.folder
    return config.beside(chosen) if chosen else config.state / "backups"


def take(config: Config, conn: Connection, now: datetime, to: Path | None = None) -> dump.Backup:
    """Take a backup, note it in the audit log, and move the older ones aside. Raises Usage, DatabaseTrouble."""
    where, keep = to or folder(config), config.settings.backup
    made = _noted(
        conn, now, TAKEN, lambda: dump.make(config, dump.address(config), where, now), lambda b: _of_backup(b)
    )
    dump.rotate(where, keep.keep, keep.keep_aside)
    return made


def prove(config: Config, conn: Connection, path: Path, now: datetime) -> restore.Restored:
    """Bring a backup back into a scratch server, compare all contents, note it. Raises Usage, DatabaseTrouble."""
    scratch = config.state / "scratch"
    return _noted(conn, now, PROVED, lambda: restore.check(config, path, scratch), lambda r: _of_proof(path, r))


def nightly(ctx: JobContext) -> Mapping[str, Any]:
    """Take the day's backup, and prove it where the last proof is a week old; what came of it.

    Raises what made it fail, after she was told.
    """
    conn, now = ctx.store.conn, ctx.clock.now()
    try:
        made = take(ctx.config, conn, now)
        found: dict[str, Any] = {"backup": str(made.path), "bytes": made.size}
        if _is_proof_due(conn, now):
            ctx.check()
            found["rows_proved"] = prove(ctx.config, conn, made.path, now).rows
    except GodmodeError as e:
        day = now.astimezone(ctx.zone).date()
        fix = e.fix or "`godmode db backup` tries again"
        ctx.notify(
            Notification("backup_failed", Severity.WARN, f"The backup failed: {e.message}", fix, f"backup:{day}")
        )
        raise
    return found


def _is_proof_due(conn: Connection, now: datetime) -> bool:
    rows = audit.recent(conn, limit=1, action=PROVED, since=now - PROVED_EVERY + timedelta(hours=1))
    return not (rows and rows[0].success)


def _noted(
    conn: Connection, now: datetime, action: str, step: Callable[[], T], data: Callable[[T], Mapping[str, Any]]
) -> T:
    try:
        made = step()
    except GodmodeError as e:
        audit.write(conn, now, action, "backup", success=False, error=str(e))
        raise
    audit.write(conn, now, action, "backup", success=True, data=data(made))
    return made


def _of_backup(made: dump.Backup) -> Mapping[str, Any]:
    rows = sum(content.rows for content in made.manifest.tables.values())
    return {"file": str(made.path), "bytes": made.size, "rows": rows, "sha256": made.manifest.sha256}


def _of_proof(path: Path, proof: restore.Restored) -> Mapping[str, Any]:
    return {"file": str(path), "tables": proof.tables, "rows": proof.rows}
