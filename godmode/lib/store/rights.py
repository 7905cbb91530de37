"""What the connected role may do, and whether the rule that nothing is deleted is still in force."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import Connection


def lacking(conn: Connection) -> Sequence[str]:
    """The tables in which this role may not read, add or change; what was applied it needs only read."""
    rows = conn.execute(
        """
        SELECT c.relname FROM pg_class AS c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
          AND NOT (has_table_privilege(c.oid, 'SELECT')
                   AND (c.relname = 'schema_migrations'
                        OR has_table_privilege(c.oid, 'INSERT') AND has_table_privilege(c.oid, 'UPDATE')))
        ORDER BY c.relname
        """
    ).fetchall()
    return [name for (name,) in rows]


def deletable(conn: Connection) -> Sequence[str]:
    """The tables whose trigger against deletion is missing or switched off."""
    rows = conn.execute(
        """
        SELECT c.relname FROM pg_class AS c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND NOT EXISTS (
            SELECT FROM pg_trigger AS t
            WHERE t.tgrelid = c.oid AND t.tgname = 'refuse_deletion' AND t.tgenabled <> 'D')
        ORDER BY c.relname
        """
    ).fetchall()
    return [name for (name,) in rows]


def owns(conn: Connection) -> bool:
    """Whether this role owns the tables, and so may take every rule away."""
    row = conn.execute(
        """
        SELECT pg_has_role(relowner, 'USAGE') FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relname = 'agent_controls'
        """
    ).fetchone()
    return bool(row and row[0])
