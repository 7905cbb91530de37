"""The rehearsal's composition root: her configuration on a database of its own, between stand-ins for the world.

Nothing here reads her secrets or reaches the network; of her installation only the controls, the allowlist and the
jobs that she switched off are read.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import psycopg
from msgspec import Struct, structs

from godmode import registry, supply
from godmode.lib import config as configuration
from godmode.lib.channels.unusable import Unusable
from godmode.lib.clock import FixedClock
from godmode.lib.config import Config
from godmode.lib.engine import killswitch, slots
from godmode.lib.engine.runner import Runner
from godmode.lib.engine.stop import Stopper
from godmode.lib.errors import GodmodeError, Usage
from godmode.lib.health.finding import Around
from godmode.lib.kernel import Cadence, Job, Slot
from godmode.lib.ports import Addressed, Channel, Source
from godmode.lib.rehearsal import script
from godmode.lib.rehearsal.diary import Diary
from godmode.lib.rehearsal.living import QUEUE_EVERY, Living, Stage
from godmode.lib.rehearsal.script import Day
from godmode.lib.rehearsal.stand_ins import Quiet, Recorder, Workflows
from godmode.lib.sections import Backup, IntervalJob, Settings
from godmode.lib.store import Store, allowlist, connect, controls, job_state, places, rehearsed, scratch
from godmode.lib.store.allowlist import Allowed
from godmode.wiring import App

NAME = "godmode-rehearsal"
LOOKS = 15  # minutes between two looks of the watchers, and of the monitor, where nothing happens
PATIENCE = timedelta(minutes=10)  # for the whole of it
NEVER_SLOW = 10**9  # ms: how fast this machine's scratch database is says nothing about her nights
PLACEHOLDER = "AC0f0e1d2c3b4a59687786958473625140"  # stands for a secret that is not given; it goes nowhere
ORDER = ("sync_", "periodic_scan", "run_watchers", "health_monitor", "cleanup", "morning_call", "daily_digest")


class Hers(Struct, frozen=True):
    """What was read of her installation; `controls` and `allowed` are None where its database cannot be asked."""

    switched_on: bool
    controls: controls.Controls | None = None
    allowed: list[Allowed] | None = None
    disabled: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class Rehearsed:
    """A day that was lived: its diary, what was read of her installation, and which secrets were not there."""

    day: Day
    diary: Diary
    hers: Hers
    channels: Mapping[str, Channel]
    unset: tuple[str, ...]


def rehearse(config: Config, on: date) -> Rehearsed:
    """Live a day with this configuration. Raises Usage for one that cannot be used, DatabaseTrouble where no scratch
    server comes up, Stopped where a signal ends it; nothing is left in any case."""
    stopper = Stopper()
    with stopper.listening(PATIENCE), _placeholders(config) as unset:
        _whole(config)
        hers = look(config)
        stopper.check()
        with scratch.server(config, NAME) as (own, socket):
            stopper.check()
            day, diary = Day(on, config.zone), Diary()
            app = Rehearsal(own, config, socket, day, diary)
            try:
                app.prepare(hers)
                Living(app.stage(stopper), day, diary).live()
            finally:
                app.store.close()
    return Rehearsed(day, diary, hers, app.channels(lambda: None), unset)


# -- her installation ----------------------------------------------------------------------------------------


def look(config: Config) -> Hers:
    """Read what can be read cheaply: no server is started for it, and nothing is written."""
    mirror = killswitch.read(config.state)
    on = mirror is not None and mirror.on
    try:
        with _connected(config) as conn, conn.transaction():
            connect.only_read(conn, "3s")
            held, allowed = controls.read(conn), list(allowlist.entries(conn))
            disabled = tuple(row.job for row in job_state.all_rows(conn) if not row.enabled)
    except (GodmodeError, psycopg.Error, OSError) as e:
        return Hers(on, why=" ".join(str(e).split()))
    waits = mirror is not None and mirror.on and mirror.number is None
    return Hers(waits or held is None or held.kill_switch, held, allowed, disabled)


def _connected(config: Config) -> connect.Connection:
    if configuration.secret("DATABASE_URL"):
        return connect.connect(config, "godmode rehearse")
    folder = places.socket_folder(config.state)
    places.check(folder)
    return connect.open_socket(folder, "godmode rehearse")


@contextmanager
def _placeholders(config: Config) -> Iterator[tuple[str, ...]]:
    """Let what is configured be made without its secrets; the names of those that are not there."""
    of_sources = [needs.secret for name, needs in supply.NEEDS.items() if name in config.settings.sources]
    kinds = [registry.load(registry.CHANNELS[n][1] or "") for n in config.settings.channels if n in registry.CHANNELS]
    names = [*of_sources, *(secret for kind in kinds for secret in getattr(kind, "secrets", ()))]
    unset = tuple(name for name in names if configuration.secret(name) is None)
    os.environ.update(dict.fromkeys(unset, PLACEHOLDER))
    try:
        yield unset
    finally:
        for name in unset:
            del os.environ[name]


def _whole(config: Config) -> None:
    """Raises Usage for a source or channel that is configured by half."""
    for name, (_, target) in registry.SOURCES.items():
        if target and supply.is_configured(config, name):
            if lacks := supply.missing(config, name):
                raise Usage(f"{name} is configured by half: {lacks} is missing", f"set it, or remove {name}")
            configuration.section(config, "sources", name, registry.load(target).Settings)
    for channel in App(config, stream=io.StringIO()).channels(lambda: None).values():
        if isinstance(channel, Unusable):
            raise channel.mistake


# -- the stage -----------------------------------------------------------------------------------------------


def harmless(settings: Settings) -> Settings:
    """The settings without what would leave this machine or judge it, and with fewer looks where nothing happens."""
    watchers = settings.watchers
    slow = {"performance": {**watchers.sections.get("performance", {}), "average_ms": NEVER_SLOW}}
    return structs.replace(
        settings,
        backup=Backup(),
        health=structs.replace(settings.health, ping_url=None, pings={}, pre_armed=False, database_ms=NEVER_SLOW),
        jobs=structs.replace(
            settings.jobs,
            health_monitor=IntervalJob(interval_minutes=max(settings.jobs.health_monitor.interval_minutes or 5, LOOKS)),
        ),
        watchers=structs.replace(
            watchers,
            check_interval_minutes=max(watchers.check_interval_minutes, LOOKS),
            sections=watchers.sections | slow,
        ),
        retry_queue=structs.replace(settings.retry_queue, check_interval_seconds=int(QUEUE_EVERY.total_seconds())),
    )


class Rehearsal(App):
    """An App with other edges: its database is the scratch server's, its sources and channels are stand-ins."""

    def __init__(self, own: Config, hers: Config, socket: Path, day: Day, diary: Diary) -> None:
        super().__init__(
            structs.replace(own, settings=harmless(hers.settings)), clock=FixedClock(day.begin), stream=io.StringIO()
        )
        self._hers, self._socket, self._diary = hers, socket, diary
        self._runs = script.executions(day)
        self._recorders: dict[str, Channel] = {}

    @cached_property
    def store(self) -> Store:
        return Store(partial(connect.open_socket, self._socket, "godmode rehearse"))

    @property
    def _embedded(self) -> bool:
        return True

    def prepare(self, hers: Hers) -> None:
        """An installation that has run before, with her allowlist and the jobs that she switched off."""
        conn, now = self.migrated().conn, self.clock.now()
        for job in hers.disabled:
            job_state.enable(conn, job, False)
        for entry in self._addressed() if hers.allowed is None else hers.allowed:
            allowlist.add(conn, entry.address, entry.name, entry.purposes, now)
        rehearsed.digested(conn, now - timedelta(hours=12))

    def _addressed(self) -> list[Allowed]:
        """Everybody whom the configuration names."""
        made = [c for c in self.channels(lambda: None).values() if isinstance(c, Addressed)]
        addresses = dict.fromkeys(to for channel in made for to in channel.recipients)
        return [Allowed(to, None, list(allowlist.PURPOSES), self.clock.now()) for to in addresses]

    def stage(self, stopper: Stopper) -> Stage:
        """What the day is lived with."""
        assert isinstance(self.clock, FixedClock)
        settings = self._hers.settings
        return Stage(
            clock=self.clock,
            zone=self.config.zone,
            conn=self.store.conn,
            jobs=sorted(self._with_source(), key=_order),
            reads_n8n=supply.is_configured(self.config, "n8n"),
            channels=tuple(self.channels(lambda: None)),
            watch_every=timedelta(minutes=settings.watchers.check_interval_minutes),
            queue_every=timedelta(seconds=settings.retry_queue.check_interval_seconds),
            run=Runner(self.runner.has, stopper).run,
            check=stopper.check,
        )

    def _with_source(self) -> list[Job]:
        return [job for job in self.jobs() if self._has_source(job)]

    def sources(self, check: Callable[[], None]) -> Mapping[str, Source]:
        """A stand-in for every configured source."""
        return {n: self._stand_in(n) for n in registry.SOURCES if supply.is_configured(self.config, n)}

    def _stand_in(self, name: str) -> Source:
        every: Any = self._cadence_of(name)
        if name == "n8n":
            return Workflows(every, self.clock, self._runs)
        return Quiet(name, every, registry.load(registry.SOURCES[name][1] or "").authority)

    def channels(self, check: Callable[[], None]) -> dict[str, Channel]:
        """A recorder for every configured channel."""
        if not self._recorders:
            made = super().channels(lambda: None)
            self._recorders = {n: Recorder(c, self.clock, self._diary, self._is_waited_for) for n, c in made.items()}
        return self._recorders

    def _is_waited_for(self, message: int) -> bool:
        """Whether she is awake for a call: by the morning call she wants to be woken."""
        known = self._diary.messages.get(message)
        return known is None or known.type == "morning_call"

    def _around(self, check: Callable[[], None]) -> Around:
        """The jobs alone: neither this machine's disks nor any service are looked at."""

        def due(job: Job, at: Any) -> Slot:
            cadence: Cadence = job.cadence
            return slots.newest(cadence, at, self.config.zone)

        return Around({}, True, self._with_source(), due, lambda seconds: {}, "rehearsal", real=False)


def _order(job: Job) -> int:
    return next((place for place, name in enumerate(ORDER) if job.name.startswith(name)), len(ORDER))
