"""The rights of two roles: one that migrates and owns the tables, one that all jobs run as."""

from __future__ import annotations

import re

from godmode.lib.errors import Usage

_TEMPLATE = """\
-- Run this once, as a superuser or as the database's owner; it can be run again. Migrations keep to it by themselves.
-- Then give both a password (\\password {run}) and set DATABASE_URL for the jobs to {run}'s, for
-- `godmode db migrate` to {migrate}'s.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{migrate}') THEN CREATE ROLE "{migrate}" LOGIN; END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{run}') THEN CREATE ROLE "{run}" LOGIN; END IF;
    IF NOT pg_has_role(current_user, '{migrate}', 'MEMBER') THEN GRANT "{migrate}" TO CURRENT_USER; END IF;
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO "{migrate}", "{run}"', current_database());
END $$;

-- Who migrates owns the tables.
GRANT USAGE, CREATE ON SCHEMA public TO "{migrate}";
DO $$
DECLARE
    owned record;
BEGIN
    FOR owned IN
        SELECT CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END AS kind, c.relname FROM pg_class AS c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v')
          AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e')
    LOOP
        EXECUTE format('ALTER %s public.%I OWNER TO "{migrate}"', owned.kind, owned.relname);
    END LOOP;
    FOR owned IN
        SELECT p.oid::regprocedure AS relname FROM pg_proc AS p
        WHERE p.pronamespace = 'public'::regnamespace
          AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = p.oid AND d.deptype = 'e')
    LOOP
        EXECUTE format('ALTER ROUTINE %s OWNER TO "{migrate}"', owned.relname);
    END LOOP;
END $$;

-- The jobs read, add and change. They delete, truncate and create nothing, here or in a table still to come.
REVOKE CREATE ON SCHEMA public FROM PUBLIC, "{run}";
GRANT USAGE ON SCHEMA public TO "{run}";
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM "{run}";
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO "{run}";
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO "{run}";
ALTER DEFAULT PRIVILEGES FOR ROLE "{migrate}" IN SCHEMA public GRANT SELECT, INSERT, UPDATE ON TABLES TO "{run}";
ALTER DEFAULT PRIVILEGES FOR ROLE "{migrate}" IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO "{run}";
DO $$
BEGIN  -- what was applied is the migrating role's alone to write down
    IF to_regclass('public.schema_migrations') IS NOT NULL THEN
        REVOKE INSERT, UPDATE ON public.schema_migrations FROM "{run}";
    END IF;
END $$;
"""


def statements(run: str, migrate: str) -> str:
    """SQL that makes both roles and gives them their rights in the database it is run in. Raises Usage."""
    for role in (run, migrate):
        if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", role):
            raise Usage(f'"{role}" is no name for a role', "take small letters, digits and _, such as godmode_run")
    if run == migrate:
        raise Usage(f"both roles are called {run}", "two roles are the point: --run and --migrate")
    return _TEMPLATE.format(run=run, migrate=migrate)
