"""The composition root: from the configuration to a runner that has all it needs, built as late as possible."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any, TextIO, cast

from msgspec import structs

from godmode import registry
from godmode.lib import config as configuration
from godmode.lib.channels.unusable import Unusable
from godmode.lib.clock import Clock, SystemClock
from godmode.lib.config import Config, nearest
from godmode.lib.engine import slots, stop
from godmode.lib.engine.equipment import Equipment, Mode, Pinger, Report
from godmode.lib.engine.runner import Runner
from godmode.lib.engine.stop import Stopped
from godmode.lib.errors import Transient, Usage, storable
from godmode.lib.kernel import Cadence, Daily, Every, Incident, Job, JobContext, Skip
from godmode.lib.ports import Calls, Channel, Detector, Due, Grounds, Site, Source, Watcher
from godmode.lib.sections import Settings
from godmode.lib.store import Store, connect, migrate
from godmode.supply import INTERVAL_KEYS, Progress, Supply, is_configured


class App:
    """The parts of one process.

    `stream` is where the console channel prints, `command` how godmode was called, `progress` hears how long syncs go.
    """

    def __init__(
        self,
        config: Config,
        *,
        clock: Clock | None = None,
        stream: TextIO | None = None,
        command: str = "godmode",
        progress: Progress | None = None,
    ) -> None:
        self.config = config
        self.clock: Clock = clock or SystemClock()
        self._stream = stream or sys.stdout
        self._command = command
        self.progress: Progress = progress or Progress()

    @cached_property
    def store(self) -> Store:
        return Store(partial(connect.connect, self.config, "godmode"))

    def migrated(self) -> Store:
        """The store, its schema the program's own: an empty or embedded database is migrated by itself."""
        if migrate.version(self.store.conn) != migrate.newest():
            migrate.ensure(self.store.conn, embedded=self._embedded)
        return self.store

    @property
    def _embedded(self) -> bool:
        return configuration.secret("DATABASE_URL") is None

    @cached_property
    def runner(self) -> Runner:
        return Runner(
            Equipment(
                clock=self.clock,
                zone=self.config.zone,
                settings=self.config.settings,
                state=self.config.state,
                store=self.store,
                schema=migrate.newest(),
                migrate=partial(migrate.ensure, embedded=self._embedded),
                job=self.job,
                lacking=self.lacking,
                context=self._context,
                twin=self._twin,
                clean=self.clean,
                pinger=self.pinger,
            )
        )

    def pinger(self, job: str) -> Pinger | None:
        """What tells a job's dead man's switch of its runs; None for a job that has none."""
        wanted = self.config.settings.health
        url = wanted.pings.get(job) or (wanted.ping_url if job == "health_monitor" else None)
        if not url:
            return None
        from godmode.lib.health.pings import Ping

        return Ping(url, wanted.ping_style, self.clean)

    def renew_mirror(self) -> None:
        """Tell the fallback of a changed allowlist or control. Raises Usage where its file cannot be written."""
        from godmode.lib.health import mirror

        mirror.renew(self.store.conn, self.config.state, self.config.settings, self.clean)

    def perform(self, job: Job) -> Report:
        """What a command does that reaches outside: a job of its own, by the one road, as often as she asks for it."""
        equipment = structs.replace(self.runner.has, job=lambda name: job if name == job.name else self.job(name))
        return Runner(equipment).run(job.name, Mode(again=True, unscheduled=True))

    def clean(self, text: str) -> str:
        """The text as it may be kept and told: no secret, nobody else's address, nothing PostgreSQL would refuse."""
        from godmode.lib.notify.redact import redact

        settings = self.config.settings
        hers = (settings.operator.phone, str(settings.channels.get("twilio", {}).get("from", "")))
        return redact(storable(text), self._secrets, hers)

    @cached_property
    def _secrets(self) -> frozenset[str]:
        from godmode.lib import secrets

        addresses = self.config.settings.channels.get("apprise", {}).get("urls")
        health = self.config.settings.health  # who knows an address of these can pose as a run
        switches = {url for url in (health.ping_url, *health.pings.values()) if url}
        return secrets.given() | switches | ({str(url) for url in addresses} if isinstance(addresses, list) else set())

    # -- jobs ----------------------------------------------------------------------------------------------

    def job(self, name: str) -> Job:
        """A job with its configured cadence and deadline; `sync_NAME` exists for every source. Raises Usage."""
        word = name.replace("-", "_")
        if word in registry.JOBS:
            return configured(registry.load(registry.JOBS[word][1]), self.config.settings)
        source = word.removeprefix("sync_")
        target = registry.SOURCES.get(source, ("", None))[1] if word != source else None
        if target is None:
            known = {j.replace("_", "-") for j in (*registry.JOBS, *map("sync_{}".format, registry.SOURCES))}
            raise Usage(f'there is no job "{name}"{nearest(name, known)}', "`godmode jobs` lists them")
        made: Job = registry.load(registry.SYNC)(source, registry.load(target).every)
        return made

    def jobs(self) -> list[Job]:
        """The jobs that a schedule starts."""
        return [self.job(name) for name in registry.JOBS]

    def _held(self) -> Mapping[str, int]:
        """The intervals that proposals she approved put in place of the configured ones."""
        from godmode.lib.store import job_state

        return job_state.intervals(self.store.conn)

    def _in_force(self, held: Mapping[str, int]) -> list[Job]:
        """The jobs that a schedule starts, at the intervals that hold."""
        return [slots.in_force(job, held.get(job.name)) for job in self.jobs()]

    def lacking(self, job: Job) -> Mapping[str, Skip]:
        """The prerequisites of a job that are not met, with what supplies them."""
        lacking = {}
        if job.run is None:
            lacking["body"] = Skip("prerequisite", f"{job.help}: not part of this version of godmode yet")
        if not any(target and is_configured(self.config, name) for name, (_, target) in registry.SOURCES.items()):
            lacking["source"] = Skip(
                "prerequisite", "no source is configured", f"set sources.chatlogs.path in {self.config.path}"
            )
        for name in registry.SOURCES:
            if not is_configured(self.config, name):
                fix = f"add [sources.{name}] to {self.config.path}"
                lacking[f"source_{name}"] = Skip("prerequisite", f"{name} is not configured", fix)
        if "voice_channel" in job.needs and not self._rings():
            fix = f"add [channels.twilio] or [channels.callmebot] to {self.config.path}"
            lacking["voice_channel"] = Skip("prerequisite", "no configured channel can ring", fix)
        return lacking

    def _rings(self) -> bool:
        made = self.channels(lambda: None).values()
        return any(isinstance(c, Calls) and not isinstance(c, Unusable) for c in made)

    def watchers(self) -> dict[str, Watcher]:
        """What looks for trouble: every watcher by its name. One whose section is wrong is there, and says so when it
        looks: it does not stop the others."""
        grounds = self._grounds()
        return {name: self._watcher(name, registry.load(t), grounds) for name, (_, t) in registry.WATCHERS.items()}

    def detectors(self) -> dict[str, Detector]:
        """What looks for patterns: every detector by its name."""
        grounds, kinds = self._grounds(), {name: registry.load(t) for name, (_, t) in registry.DETECTORS.items()}
        return {name: kind(grounds) if hasattr(kind, "grounds") else kind() for name, kind in kinds.items()}

    def _grounds(self) -> Grounds:
        held = self._held()  # asked for here: each watcher looks in a thread, where this connection is not its own
        return Grounds(self.config.zone, partial(self._intervals, held), partial(self._due, held))

    def _watcher(self, name: str, kind: Any, grounds: Grounds) -> Watcher:
        try:
            made: Watcher = kind(configuration.section(self.config, "watchers", name, kind.Settings), grounds)
        except Usage as e:
            return _Misset(name, e)
        return made

    def _intervals(self, held: Mapping[str, int]) -> dict[str, timedelta]:
        """How often each configured source is to be read."""
        named = [n for n, (_, target) in registry.SOURCES.items() if target and is_configured(self.config, n)]
        jobs = {name: self.job(f"sync_{name}") for name in named}
        cadences = {name: slots.in_force(job, held.get(job.name)).cadence for name, job in jobs.items()}
        return {name: cadence.period for name, cadence in cadences.items() if isinstance(cadence, Every)}

    def _due(self, held: Mapping[str, int], now: datetime) -> list[Due]:
        """The jobs that have a body, and whose source is configured, each with the newest slot that has begun."""
        jobs = [job for job in self._in_force(held) if job.run is not None and self._has_source(job)]
        cadences = {job.name: job.cadence for job in jobs}
        begun = {name: slots.newest(cadence, now, self.config.zone) for name, cadence in cadences.items()}
        return [Due(name, cadences[name], slot.key, slot.start) for name, slot in begun.items()]

    def _has_source(self, job: Job) -> bool:
        named = (need.removeprefix("source_") for need in job.needs if need.startswith("source_"))
        return all(is_configured(self.config, name) for name in named)

    # -- what a job body is handed -------------------------------------------------------------------------

    def sources(self, check: Callable[[], None]) -> Mapping[str, Source]:
        """The configured sources, each made when it is looked up; each calls `check` before every request."""
        return self.supply.sources(check)

    @cached_property
    def supply(self) -> Supply:
        """What makes the sources."""
        return Supply(self.config, self.store, self._site, self._cadence_of, self.progress, [])

    def _cadence_of(self, source: str) -> Cadence:
        job = self.job(f"sync_{source}")
        return slots.in_force(job, self._held().get(job.name)).cadence

    def _twin(self) -> tuple[Equipment, Callable[[], None]]:
        """The same for another thread, with a store of its own; and what breaks off its open requests."""
        other = copy(self)
        for made in ("store", "runner", "supply"):
            other.__dict__.pop(made, None)
        return other.runner.has, other.supply.cut

    def _site(self, check: Callable[[], None]) -> Site:
        operator = self.config.settings.operator
        return Site(
            self.clock,
            self.config.zone,
            operator.name,
            self.config.beside,
            check,
            operator.phone,
            self.config.state,
            stop.time_left,
            self.clock.sleep,
        )

    def channels(self, check: Callable[[], None]) -> dict[str, Channel]:
        """How she is reached: every channel whose section or secret is there, in the order of the file's sections.

        The console stands in when none carries messages. One that is not whole takes part as one that fails, so that
        the next way is tried.
        """
        site = self._site(partial(_switch_only, check))
        named = list(self.config.settings.channels)
        order = sorted(registry.CHANNELS, key=lambda name: named.index(name) if name in named else len(named))
        kinds = {name: registry.load(target) for name in order if (target := registry.CHANNELS[name][1])}
        made = {n: self._channel(n, k, site) for n, k in kinds.items() if n != "console" and self._configured(n, k)}
        if any("message" in channel.carries for channel in made.values()):
            return made
        return {"console": kinds["console"](self._stream), **made}

    def _configured(self, name: str, kind: Any) -> bool:
        return name in self.config.settings.channels or any(map(configuration.secret, getattr(kind, "secrets", ())))

    def _channel(self, name: str, kind: Any, site: Site) -> Channel:
        try:
            made: Channel = kind(configuration.section(self.config, "channels", name, kind.Settings), site)
        except Usage as e:
            return Unusable(name, kind.carries, e)
        return made

    def _say(self, text: str) -> Any:
        """A text as sound. Raises Usage where speech is not installed."""
        from godmode.lib.notify import speech

        has = self.config.settings.speech
        return speech.voice(has.voice, self.config.beside(has.piper) if has.piper else None)(text)

    def _voice(self, text: str) -> bytes | None:
        """A text as a voice message; None where speech is not installed, and it has to be read."""
        try:
            return cast(bytes, self._say(text).ogg())
        except Usage:
            return None

    def _around(self, check: Callable[[], None]) -> Any:
        """What the health checks need of the installation."""
        jobs, real = self._in_force(self._held()), isinstance(self.clock, SystemClock)
        return self.supply.around(check, jobs, self._embedded, real)

    def _context(self, *, job: Job, run_id: str, act: Any, check: Callable[[], None], **run: Any) -> JobContext:
        from godmode.lib.engine import locks
        from godmode.lib.notify.router import Router
        from godmode.lib.store import dead_letters, retry_jobs

        router = Router(
            clock=self.clock,
            store=self.store,
            act=act,
            channels=_Late(lambda: self.channels(check)),
            run_id=run_id,
            settings=self.config.settings,
            zone=self.config.zone,
            enqueue=retry_jobs.enqueue,
            bury=dead_letters.bury,
            clean=self.clean,
            voice=self._voice,
            lives=lambda row: not locks.is_dead(row, act.owner, self.clock.now()),
        )
        return JobContext(
            clock=self.clock,
            store=self.store,
            config=self.config,
            state=self.config.state,
            zone=self.config.zone,
            settings=self.config.settings,
            sources=_Late(lambda: self.sources(check)),
            detectors=_Late(self.detectors),
            remedies=_Late(lambda: {name: registry.load(t)() for name, (_, t) in registry.REMEDIES.items()}),
            watchers=_Late(self.watchers),
            notify=router,
            act=act,
            check=check,
            clean=self.clean,
            command=self._command,
            say=self._say,
            progress=self.progress.read,
            around=partial(self._around, check),
            **run,
        )


def _switch_only(check: Callable[[], None]) -> None:
    """What a channel asks before a request. A stop in the middle of an action ends it as failed, not as unknown."""
    try:
        check()
    except Stopped as e:
        raise Transient(str(e)) from None


class _Misset:
    """Stands for a watcher that cannot be made."""

    def __init__(self, name: str, mistake: Usage) -> None:
        self.name, self.mistake = name, mistake

    def look(self, store: Any, now: datetime) -> Iterator[Incident]:
        raise self.mistake


class _Late(Mapping[str, Any]):
    """A mapping that is made when it is first looked into: most jobs need neither sources nor detectors."""

    def __init__(self, make: Any) -> None:
        self._make = make

    @cached_property
    def _made(self) -> Mapping[str, Any]:
        made: Mapping[str, Any] = self._make()
        return made

    def __getitem__(self, key: str) -> Any:
        return self._made[key]

    def __iter__(self) -> Any:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)


def configured(job: Job, settings: Settings) -> Job:
    """The job as the configuration has it: its interval or its hour, and its deadline. Raises Usage."""
    section = getattr(settings.jobs, job.name, None)
    deadline = getattr(section, "deadline_seconds", None)
    cadence = _cadence(job, settings, section)
    return replace(job, cadence=cadence, deadline=timedelta(seconds=deadline) if deadline is not None else job.deadline)


def _cadence(job: Job, settings: Settings, section: Any) -> Cadence:
    if job.name == "run_watchers":
        return Every(minutes=settings.watchers.check_interval_minutes)
    if job.name == "process_retry_queue":
        return Every(seconds=settings.retry_queue.check_interval_seconds)
    source = job.name.removeprefix("sync_")
    minutes = settings.sources.get(source, {}).get(INTERVAL_KEYS[source]) if source in INTERVAL_KEYS else None
    minutes = getattr(section, "interval_minutes", None) or minutes
    if minutes is not None:
        if not isinstance(minutes, int) or not 1 <= minutes <= 1440:
            raise Usage(f"sources.{source}.{INTERVAL_KEYS[source]}: expected minutes from 1 to 1440, got {minutes!r}")
        return Every(minutes=minutes)
    if isinstance(job.cadence, Daily) and getattr(section, "time", None):
        return replace(job.cadence, at=section.time)
    return job.cadence
