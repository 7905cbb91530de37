"""proposals: what detectors noticed, one open row per finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection
from psycopg.rows import kwargs_row
from psycopg.types.json import Jsonb

from godmode.lib.kernel import Proposal
from godmode.lib.store import audit, foreign

AT_MOST = 10  # new proposals in any 60 minutes (specification, Proposals)
HOUR = timedelta(hours=1)
SURER = 0.15  # by how much confidence has to rise for a decided finding to be raised again: from 0.7 half the doubt


@dataclass(frozen=True)
class ProposalRow:
    """One finding. What another system wrote into its columns may be of any shape (see foreign.py)."""

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
    before: dict[str, Any] | None = None
    work: int | None = None
    shown: str = ""
    dedup_key: str | None = None


@dataclass(frozen=True)
class Decided:
    """What became of her word: `decided` now, `already` so, or not: `changed` since it was shown, `over` or `missing`.

    `row` is the proposal as it is now, None where it is missing; `work` the number in the retry queue by which its
    remedy is carried out.
    """

    came_to: str
    row: ProposalRow | None
    work: int | None = None


# What a yes is bound to: the finding, what the title says but for its figures, and the remedy with every parameter. So
# "unanswered for 5 days" may become 6, and evidence may grow; another remedy, or other words, are another proposal.
_SHOWN = r"""left(encode(sha256(convert_to(jsonb_build_array(
    type, dedup_key, regexp_replace(title, '[0-9]+([.,:][0-9]+)*', '0', 'g'), remedy)::text, 'UTF8')), 'hex'), 12)"""
_COLUMNS = ", ".join(f"{_SHOWN} AS shown" if name == "shown" else name for name in ProposalRow.__dataclass_fields__)
_ROW = f"SELECT {_COLUMNS} FROM proposals"


def _read(*, evidence: object, remedy: object, before: object, **columns: Any) -> ProposalRow:
    return ProposalRow(
        **columns,
        evidence=foreign.evidence(evidence),
        remedy=foreign.remedy(remedy),
        before=before if isinstance(before, dict) else None,
    )


def put(conn: Connection, found: Proposal, now: datetime, heir: int | None = None) -> str:
    """Store a finding: `new`, `grown`, `same`, `decided` before and not clearly worse, or `over` (too many this hour).

    With `heir` an open proposal about the same cause becomes it, where it has none of its own yet.
    The hour's count is taken under a lock, so that two hosts cannot both store the tenth.
    """
    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('godmode.proposals', 0))")
        row = conn.execute(
            """
            SELECT id, status, evidence -> 'count', confidence, decided_at FROM proposals
            WHERE dedup_key = %s AND NOT archived
            ORDER BY created_at DESC LIMIT 1
            """,
            (found.dedup_key,),
        ).fetchone()
        if row is None:
            return _inherit(conn, found, heir, now) or _insert(conn, found, now)
        number, status, count, confidence, decided_at = row
        if status != "open":
            if not clearly_worse(found, count, confidence):
                return "decided"
            earlier = {
                "proposal": number,
                "status": status,
                "count": count,
                "at": decided_at.isoformat() if decided_at else None,
            }
            again = replace(found, evidence={**found.evidence, "earlier": earlier})
            return _inherit(conn, again, heir, now) or _insert(conn, again, now)
        # "Unanswered for 5 days" says 6 tomorrow: that is the same finding, and no news for the digest.
        grown = count != found.evidence.get("count")
        conn.execute(
            """
            UPDATE proposals SET
                title = %(title)s, confidence = %(confidence)s, remedy = %(remedy)s,
                evidence = %(evidence)s || CASE WHEN evidence ? 'earlier'
                           THEN jsonb_build_object('earlier', evidence -> 'earlier') ELSE '{}' END,
                updated_at = CASE WHEN %(grown)s THEN %(now)s ELSE updated_at END
            WHERE id = %(id)s
            """,
            {
                "title": found.title, "confidence": found.confidence, "evidence": Jsonb(dict(found.evidence)),
                "remedy": _jsonb(found.remedy), "grown": grown, "now": now, "id": number,
            },
        )  # fmt: skip
        return "grown" if grown else "same"


def _inherit(conn: Connection, found: Proposal, heir: int | None, now: datetime) -> str:
    """Let an open proposal become this finding; "" where that is none."""
    done = conn.execute(
        """
        UPDATE proposals SET
            type = %(type)s, dedup_key = %(key)s, title = %(title)s, confidence = %(confidence)s,
            evidence = %(evidence)s, remedy = %(remedy)s, updated_at = %(now)s
        WHERE id = %(heir)s AND status = 'open' AND NOT archived
        """,
        {
            "type": found.type, "key": found.dedup_key, "title": found.title, "confidence": found.confidence,
            "evidence": Jsonb(dict(found.evidence)), "remedy": _jsonb(found.remedy), "now": now, "heir": heir,
        },
    )  # fmt: skip
    return "grown" if done.rowcount else ""


def clearly_worse(found: Proposal, count: object, confidence: float) -> bool:
    """Whether a finding that was decided is raised again: twice the evidence, or SURER more confidence than then."""
    counted = found.evidence.get("count")
    doubled = isinstance(count, int) and isinstance(counted, int) and counted >= 2 * max(count, 1)
    return doubled or found.confidence >= confidence + SURER


def _insert(conn: Connection, found: Proposal, now: datetime) -> str:
    # Of the future too, or a clock that differs a little makes room; no more than an hour of it, or one that was set
    # back after days would leave none.
    count = conn.execute(
        "SELECT count(*) FROM proposals WHERE created_at > %s AND created_at < %s AND NOT archived",
        (now - HOUR, now + HOUR),
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
    return _rows(
        conn,
        f"""
        {_ROW} WHERE status = 'open' AND NOT archived
        ORDER BY updated_at DESC, confidence DESC, id LIMIT %s
        """,
        limit,
    )


def under_way(conn: Connection, limit: int = 50) -> Sequence[ProposalRow]:
    """What was approved and is not carried out yet, the newest first."""
    return _rows(
        conn,
        f"""
        {_ROW} WHERE status = 'approved' AND remedy IS NOT NULL AND NOT archived
        ORDER BY decided_at DESC LIMIT %s
        """,
        limit,
    )


def decided(conn: Connection, limit: int = 200) -> Sequence[ProposalRow]:
    """What is not open any more, the newest first."""
    return _rows(
        conn, f"{_ROW} WHERE status <> 'open' AND NOT archived ORDER BY created_at DESC, id DESC LIMIT %s", limit
    )


def one(conn: Connection, proposal_id: int) -> ProposalRow | None:
    """A proposal by its number."""
    return next(iter(_rows(conn, f"{_ROW} WHERE id = %s", proposal_id)), None)


def _rows(conn: Connection, statement: str, *values: object) -> Sequence[ProposalRow]:
    with conn.cursor(row_factory=kwargs_row(_read)) as cursor:
        return cursor.execute(statement, values).fetchall()


def note_shown(conn: Connection, row: ProposalRow) -> None:
    """Keep as what an open proposal was shown to her: a yes without a hash is bound to that."""
    conn.execute(
        "UPDATE proposals SET last_shown = %(shown)s WHERE id = %(id)s AND last_shown IS DISTINCT FROM %(shown)s",
        {"shown": row.shown, "id": row.id},
    )


def note_work(conn: Connection, proposal_id: int, work: int) -> None:
    """Keep the number in the retry queue by which something is done about it."""
    conn.execute("UPDATE proposals SET work = %s WHERE id = %s", (work, proposal_id))


def note_before(conn: Connection, proposal_id: int, before: Mapping[str, Any]) -> None:
    """Keep what it was like right before the effect."""
    conn.execute("UPDATE proposals SET before = %s WHERE id = %s", (Jsonb(dict(before)), proposal_id))


def move(conn: Connection, proposal_id: int, status: str, was: str) -> bool:
    """Go from one status to the next; whether it was at that one (compare-and-set)."""
    done = conn.execute("UPDATE proposals SET status = %s WHERE id = %s AND status = %s", (status, proposal_id, was))
    return done.rowcount == 1


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

    With `shown` only where it is still as it was shown (compare-and-set), so that nobody decides what they did not see;
    a yes without is bound to what `show` said last, if it was ever asked.
    """
    with conn.transaction(), conn.cursor(row_factory=kwargs_row(_read)) as cursor:
        row = cursor.execute(
            f"""
            UPDATE proposals SET status = %(verdict)s, decided_at = %(now)s
            WHERE id = %(id)s AND status = 'open' AND NOT archived
              AND COALESCE({_SHOWN} = COALESCE(%(shown)s::text,
                                               CASE WHEN %(verdict)s = 'approved' THEN last_shown END), true)
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
    done = verdict == "approved" and row.status == "applied"
    return Decided("already" if done or row.status == verdict else "over", row)
