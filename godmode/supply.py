"""The sources of one process: which are configured, what is missing of the others, and each made when it is used."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from socket import gethostname
from typing import TYPE_CHECKING, Any

from godmode import registry
from godmode.lib import config as configuration
from godmode.lib.config import Config
from godmode.lib.errors import Usage
from godmode.lib.kernel import Every, Job, Rate, Slot
from godmode.lib.ports import Meter, Probe, Probed, Site, Source
from godmode.lib.store import Store, connect, places

if TYPE_CHECKING:
    from datetime import datetime

    from godmode.lib.health.finding import Around
    from godmode.lib.wire import Sockets

INTERVAL_KEYS = {
    "notion": "scan_interval_minutes",
    "n8n": "scan_interval_minutes",
    "hubspot": "poll_interval_minutes",
}


class Progress:
    """Hears how far long syncs are; this one keeps it to itself."""

    def read(self, source: str, records: int, left: int | None) -> None:
        """So many records were read, and so many are left (None: not known)."""

    def waits(self, source: str, seconds: float) -> None:
        """The source may not be asked for so long."""


@dataclass(frozen=True)
class Needs:
    """What a source cannot do without: a secret, and keys of its section that have no default."""

    secret: str
    keys: tuple[str, ...] = ()


NEEDS = {
    "notion": Needs("NOTION_TOKEN"),
    "n8n": Needs("N8N_API_KEY", ("base_url",)),
    "hubspot": Needs("HUBSPOT_ACCESS_TOKEN"),
}


def is_configured(config: Config, name: str) -> bool:
    """Whether the source's section or its secret is there, whole or by half."""
    return name in config.settings.sources or (name in NEEDS and _has_secret(NEEDS[name].secret))


def missing(config: Config, name: str) -> str | None:
    """What a source that is configured by half lacks; None for a whole one."""
    needs, section = NEEDS.get(name), config.settings.sources.get(name, {})
    if needs is None:
        return None
    lacks = [f"sources.{name}.{key}" for key in needs.keys if key not in section]
    lacks += [] if _has_secret(needs.secret) else [f"the secret {needs.secret}"]
    return " and ".join(lacks) or None


def folders(config: Config, embedded: bool) -> dict[str, Path]:
    """The folders that godmode uses, by what they are for."""
    found = {"state": config.state, "configuration": config.path.parent}
    if path := config.settings.sources.get("chatlogs", {}).get("path"):
        found["chatlogs"] = config.beside(path)
    if embedded:
        found["database"] = Path(os.path.realpath(places.home(config.state)))
    if config.settings.backup.daily or config.settings.backup.folder:
        from godmode.lib.health import backups  # it brings what takes them

        found["backups"] = backups.folder(config)
    return found


def daily_limits(config: Config) -> dict[str, int]:
    """The calls that a day may have, by source, where the configuration says."""
    daily = {name: config.settings.sources.get(name, {}).get("daily_calls") for name in registry.SOURCES}
    return {name: calls for name, calls in daily.items() if isinstance(calls, int)}


def _has_secret(name: str) -> bool:
    return configuration.secret(name) is not None


@dataclass(frozen=True)
class Supply:
    """What makes the sources of one run, in one thread: they share its store and its connections can be cut."""

    config: Config
    store: Store
    site: Callable[[Callable[[], None]], Site]
    cadence: Callable[[str], Any]
    progress: Progress
    wires: list[Sockets]

    def sources(self, check: Callable[[], None]) -> Mapping[str, Source]:
        """The configured sources by name, each made when it is looked up; `check` is called before every request.

        One that cannot be made is there as well, and says why when it is read: it does not stop the others.
        """
        known = [name for name, (_, target) in registry.SOURCES.items() if target]
        return _Each({n: partial(self._usable, n, check) for n in known if is_configured(self.config, n)})

    def one(self, name: str, check: Callable[[], None]) -> Source:
        """A source. Raises Usage when its section cannot be used or is configured by half."""
        kind = registry.load(registry.SOURCES[name][1] or "")
        if lacks := missing(self.config, name):
            raise Usage(f"{name} is configured by half: {lacks} is missing", f"set it, or remove the rest of {name}")
        settings = configuration.section(self.config, "sources", name, kind.Settings)
        made: Source = kind(settings, self._site(name, check))
        made.every = self.cadence(name)
        return made

    def probes(self, check: Callable[[], None], seconds: float) -> Mapping[str, Probe | Usage]:
        """How each configured service is proved within so many seconds; the mistake of one that cannot be made."""
        bounded = replace(self, site=lambda c: replace(self.site(c), time_left=lambda: seconds))
        found: dict[str, Probe | Usage] = {}
        for name in (n for n in NEEDS if is_configured(self.config, n)):
            try:
                source = bounded.one(name, check)
            except Usage as e:
                found[name] = e
                continue
            if isinstance(source, Probed):
                found[name] = source.probe()
        return found

    def around(self, check: Callable[[], None], jobs: Sequence[Job], embedded: bool, real: bool) -> Around:
        """What the health checks need of the installation; `real`: its clock is the machine's own."""
        from godmode.lib.engine import slots
        from godmode.lib.health.finding import Around

        def due(job: Job, at: datetime) -> Slot:
            return slots.newest(job.cadence, at, self.config.zone)

        probes = partial(self.probes, check)
        return Around(folders(self.config, embedded), embedded, jobs, due, probes, gethostname(), real)

    def cut(self) -> None:
        """Break off every open request."""
        for wire in self.wires:
            wire.cut()

    def _usable(self, name: str, check: Callable[[], None]) -> Source:
        try:
            return self.one(name, check)
        except Usage as e:
            return _Unusable(name, e)

    def _site(self, name: str, check: Callable[[], None]) -> Site:
        from godmode.lib.wire import Sockets  # it brings threads

        wire = Sockets()
        self.wires.append(wire)
        site = replace(self.site(check), wire=wire)
        return replace(site, meter=partial(self._meter, site, name))

    def _meter(self, site: Site, source: str, bucket: str, rate: Rate) -> Meter:
        from godmode.lib.engine.meter import Metered  # it brings tenacity

        daily = self.config.settings.sources.get(source, {}).get("daily_calls")
        another = partial(connect.connect, self.config, "godmode")
        return Metered(site, self.store, another, source, bucket, rate, daily, partial(self.progress.waits, source))


@dataclass
class _Unusable:
    """Stands for a source that cannot be made."""

    name: str
    why: Usage
    every: Every = Every(minutes=30)  # noqa: RUF009
    authority: str = "observed"

    def changes(self, cursor: Mapping[str, Any]) -> Iterator[Any]:
        raise self.why

    @property
    def actions(self) -> Any:
        raise self.why

    def close(self) -> None:
        """It has no connections."""


class _Each(Mapping[str, Source]):
    """Sources by name, each made once."""

    def __init__(self, makers: Mapping[str, Callable[[], Source]]) -> None:
        self._makers = makers
        self._made: dict[str, Source] = {}

    def __getitem__(self, name: str) -> Source:
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)
