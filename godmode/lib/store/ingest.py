"""memory_items, the writing half: records are stored once, changed ones supersede what they change.

What is gone at its source is superseded without a successor. Ids are the source's own; the key is `source.id`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

import msgspec
from psycopg import Connection

from godmode.lib.kernel import Gone, Record


@dataclass(frozen=True)
class Stored:
    """What a batch of records came to."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0

    def __add__(self, other: Stored) -> Stored:
        return Stored(self.new + other.new, self.changed + other.changed, self.unchanged + other.unchanged)


def content_hash(record: Record, authority: str) -> str:
    """What makes two readings of a record the same: of something observed its text and time, of a fact its content.

    Services move a record's time without a change of it (Notion does), so a fact's time does not count.
    """
    when = record.changed_at.isoformat() if record.changed_at else ""
    kept = when if authority == "observed" else msgspec.json.encode(dict(record.fields), order="sorted").decode()
    return blake2b(f"{kept}\n{record.text}".encode(), digest_size=16).hexdigest()


def store(conn: Connection, source: str, records: Sequence[Record], authority: str, now: datetime) -> Stored:
    """Store a batch in one transaction; of records with one id the last counts.

    A record that is there with other content is superseded, reason `canonical_update` for canonical ones, `changed`
    for others; its history stays readable.
    """
    wanted = {f"{source}.{r.id}": r for r in records}
    hashes = {key: content_hash(r, authority) for key, r in wanted.items()}
    with conn.transaction():
        there = {
            key: (item, known)
            for key, item, known in conn.execute(
                "SELECT key, id, content_hash FROM memory_items WHERE key = ANY(%s) AND superseded_at IS NULL",
                (list(wanted),),
            )
        }
        changed = {key: item for key, (item, known) in there.items() if known != hashes[key]}
        outdated = _outdated(conn, [key for key in wanted if key not in there])
        fresh = [key for key in wanted if key in changed or (key not in there and (key, hashes[key]) not in outdated)]
        if changed:
            _supersede(conn, list(changed.values()), "canonical_update" if authority == "canonical" else "changed", now)
        if fresh:
            _insert(conn, [(key, wanted[key], hashes[key]) for key in fresh], authority, now)
        if changed:
            _link(conn, list(changed.values()))
    return Stored(len(fresh) - len(changed), len(changed), len(wanted) - len(fresh))


def _outdated(conn: Connection, keys: Sequence[str]) -> set[tuple[str, str]]:
    """Keys and hashes of what she has taken as outdated: the same text does not come back, another one does."""
    rows = conn.execute(
        "SELECT key, content_hash FROM memory_items WHERE key = ANY(%s) AND supersede_reason = 'proposal'",
        (list(keys),),
    )
    return {(row[0], row[1]) for row in rows}


def remove(conn: Connection, source: str, gone: Sequence[Gone], now: datetime) -> int:
    """Supersede what is no longer at the source, without a successor; how many were current."""
    return conn.execute(
        """
        UPDATE memory_items SET superseded_at = %(now)s, supersede_reason = gone.why
        FROM unnest(%(keys)s::text[], %(whys)s::text[]) AS gone (key, why)
        WHERE memory_items.key = gone.key AND superseded_at IS NULL
        """,
        {"now": now, "keys": [f"{source}.{g.id}" for g in gone], "whys": [g.why for g in gone]},
    ).rowcount


def absent(conn: Connection, source: str, ids: Sequence[str]) -> list[str]:
    """Those of the ids that have no current item, and none that she has taken as outdated."""
    rows = conn.execute(
        """
        SELECT id FROM unnest(%(ids)s::text[]) AS wanted (id)
        WHERE NOT EXISTS (
            SELECT FROM memory_items WHERE key = %(source)s || '.' || wanted.id AND superseded_at IS NULL)
          AND NOT EXISTS (
            SELECT FROM memory_items WHERE key = %(source)s || '.' || wanted.id AND supersede_reason = 'proposal')
        """,
        {"ids": list(ids), "source": source},
    )
    return [row[0] for row in rows]


def ids(conn: Connection, source: str) -> Iterator[str]:
    """The ids of all current items of a source, read in pages of 10,000."""
    last = 0
    while True:
        rows = conn.execute(
            """
            SELECT id, substr(key, length(%(source)s) + 2) FROM memory_items
            WHERE id > %(last)s AND superseded_at IS NULL
              AND source_type = %(source)s AND starts_with(key, %(source)s || '.')
            ORDER BY id LIMIT 10000
            """,
            {"last": last, "source": source},
        ).fetchall()
        if not rows:
            return
        yield from (row[1] for row in rows)
        last = rows[-1][0]


def _supersede(conn: Connection, items: list[int], reason: str, now: datetime) -> None:
    conn.execute(
        "UPDATE memory_items SET superseded_at = %s, supersede_reason = %s WHERE id = ANY(%s)",
        (now, reason, items),
    )


def _insert(conn: Connection, rows: Sequence[tuple[str, Record, str]], authority: str, now: datetime) -> None:
    # Another process may have stored the same record a moment ago: then it is there, and that is enough.
    # The arrays travel in binary (%b), which saves quoting every text: half the time of a batch.
    conn.execute(
        """
        INSERT INTO memory_items (key, value, authority, source_type, fields, content_hash, occurred_at, created_at)
        SELECT key, value, %(authority)s, source, fields::jsonb, hash, occurred_at, %(now)s
        FROM unnest(%(keys)b::text[], %(values)b::text[], %(sources)b::text[], %(fields)b::text[], %(hashes)b::text[],
                    %(times)b::timestamptz[]) AS r (key, value, source, fields, hash, occurred_at)
        ON CONFLICT (key) WHERE superseded_at IS NULL DO NOTHING
        """,
        {
            "authority": authority,
            "now": now,
            "keys": [key for key, _, _ in rows],
            "values": [r.text for _, r, _ in rows],
            "sources": [r.source for _, r, _ in rows],
            "fields": [msgspec.json.encode(dict(r.fields)).decode() for _, r, _ in rows],
            "hashes": [h for _, _, h in rows],
            "times": [r.changed_at for _, r, _ in rows],
        },
    )


def _link(conn: Connection, superseded: list[int]) -> None:
    conn.execute(
        """
        UPDATE memory_items old SET superseded_by = new.id
        FROM memory_items new
        WHERE old.id = ANY(%s) AND new.key = old.key AND new.superseded_at IS NULL
        """,
        (superseded,),
    )
