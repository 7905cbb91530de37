"""proposals: what detectors noticed, one open row per finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from godmode.lib.kernel import Proposal
from godmode.lib.store import audit

AT_MOST = 10  # new proposals in any 60 minutes (specification, Proposals)


@dataclass(frozen=True)
class ProposalRow:
    """One finding."""

    id: int
    type: str
    title: str
    status: str
    confidence: float
    evidence: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    decided_at: datetime | None = None
    remedy: dict[str, Any] | None = None
    shown: str = ""


@dataclass(frozen=True)
class Decided:
    """What became of her word: `decided` now, `already` so, or not: `changed` since it was shown, `over` or `missing`.

    `row` is the proposal as it is now, None where it is missing.
    """

    came_to: str
    row: ProposalRow | None


# What she saw is known by the first characters of its hash: whoever decides by it decides what was shown.
_SHOWN = "left(encode(sha256(convert_to(jsonb_build_array(title, evidence, remedy)::text, 'UTF8')), 'hex'), 12)"
_COLUMNS = ", ".join(f"{_SHOWN} AS shown" if name == "shown" else name for name in ProposalRow.__dataclass_fields__)


def put(conn: Connection, found: Proposal, now: datetime) -> str:
    """Store a finding: `new`, `grown`, `same`, `decided` (rejected or approved before) or `over` (too many this hour).

    The hour's count is taken under a lock, so that two hosts cannot both store the tenth.
    """
    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('godmode.proposals', 0))")
        row = conn.execute(
            """
            SELECT id, status, evidence -> 'count' FROM proposals WHERE dedup_key = %s AND NOT archived
            ORDER BY created_at DESC LIMIT 1
            """,
            (found.dedup_key,),
        ).fetchone()
        if row is None:
            return _insert(conn, found, now)
        if row[1] != "open":
            return "decided"
        # "Unanswered for 5 days" says 6 tomorrow: that is the same finding, and no news for the digest.
        grown = row[2] != found.evidence.get("count")
        conn.execute(
            """
            UPDATE proposals SET
                title = %(title)s, confidence = %(confidence)s, evidence = %(evidence)s, remedy = %(remedy)s,
                updated_at = CASE WHEN %(grown)s THEN %(now)s ELSE updated_at END
            WHERE id = %(id)s
            """,
            {
                "title": found.title, "confidence": found.confidence, "evidence": Jsonb(dict(found.evidence)),
                "remedy": _jsonb(found.remedy), "grown": grown, "now": now, "id": row[0],
            },
        )  # fmt: skip
        return "grown" if grown else "same"


def _insert(conn: Connection, found: Proposal, now: datetime) -> str:
    count = conn.execute(
        "SELECT count(*) FROM proposals WHERE created_at > %s AND NOT archived", (now - timedelta(hours=1),)
    ).fetchone()
    if count and count[0] >= AT_MOST:
        return "over"
    conn.execute(
        """
        INSERT INTO proposals (type, title, confidence, evidence, remedy, dedup_key, created_at, updated_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (
            found.type, found.title, found.confidence, Jsonb(dict(found.evidence)), _jsonb(found.remedy),
            found.dedup_key, now, now,
        ),
    )  # fmt: skip
    return "new"


def _jsonb(value: Mapping[str, Any] | None) -> Jsonb | None:
    return None if value is None else Jsonb(dict(value))


def waiting(conn: Connection, limit: int = 50) -> Sequence[ProposalRow]:
    """Open proposals, the newest news first."""
    with conn.cursor(row_factory=class_row(ProposalRow)) as cursor:
        return cursor.execute(
            f"""
            SELECT {_COLUMNS} FROM proposals WHERE status = 'open' AND NOT archived
            ORDER BY updated_at DESC, confidence DESC, id LIMIT %s
            """,
            (limit,),
        ).fetchall()


def one(conn: Connection, proposal_id: int) -> ProposalRow | None:
    """A proposal by its number."""
    with conn.cursor(row_factory=class_row(ProposalRow)) as cursor:
        return cursor.execute(f"SELECT {_COLUMNS} FROM proposals WHERE id = %s", (proposal_id,)).fetchone()


def decide(
    conn: Connection,
    proposal_id: int,
    verdict: str,
    now: datetime,
    *,
    by: str,
    shown: str | None = None,
    reason: str = "",
) -> Decided:
    """Set an open proposal to `approved` or `rejected`, with its audit row, in one transaction.

    With `shown` only where it is still as it was shown (compare-and-set), so that nobody decides what they did not see.
    """
    with conn.transaction(), conn.cursor(row_factory=class_row(ProposalRow)) as cursor:
        row = cursor.execute(
            f"""
            UPDATE proposals SET status = %(verdict)s, decided_at = %(now)s
            WHERE id = %(id)s AND status = 'open' AND NOT archived
              AND (%(shown)s::text IS NULL OR {_SHOWN} = %(shown)s)
            RETURNING {_COLUMNS}
            """,
            {"id": proposal_id, "verdict": verdict, "now": now, "shown": shown},
        ).fetchone()
        if row is None:
            return _why_not(one(conn, proposal_id), verdict)
        data = {"proposal": row.id, "title": row.title, "shown": row.shown, "by": by, "reason": reason}
        audit.write(conn, now, f"proposal_{verdict}", "decision", success=True, data=data)
        return Decided("decided", row)


def _why_not(row: ProposalRow | None, verdict: str) -> Decided:
    if row is None:
        return Decided("missing", None)
    if row.status == "open":
        return Decided("changed", row)
    return Decided("already" if row.status == verdict else "over", row)
