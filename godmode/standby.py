"""The fallback's composition root: from what is left of the configuration to an alert, without the database.

The configuration of the moment where it can be read, else what the last healthy run kept of it; the secrets come from
the environment as ever.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from socket import gethostname

from godmode.lib import config as configuration
from godmode.lib import paths, quiet
from godmode.lib.channels.unusable import Unusable
from godmode.lib.clock import Clock, SystemClock
from godmode.lib.config import Config
from godmode.lib.engine import killswitch, locks
from godmode.lib.engine.stop import Stopped, Stopper
from godmode.lib.errors import KillSwitchOn, Unknown, Usage
from godmode.lib.health import fallback, mirror
from godmode.lib.health.fallback import Came, Place, Trouble, Way
from godmode.lib.notify import routes
from godmode.lib.ports import Addressed
from godmode.lib.sections import Settings
from godmode.wiring import App

PATIENCE = timedelta(seconds=45)  # for all ways together
ANY_WAY = ("message", "sms", "call")  # by a channel that the configuration names
DEFAULT_VIA = ("sms", "message")  # where SEV1 is for the digest, which there is none of now


@dataclass(frozen=True)
class Left:
    """What is left to work with: the configuration, whole or mirrored, and the mirror."""

    config: Config
    mirror: mirror.Mirror | None
    clock: Clock


def left(path: Path | None, config: Config | None = None, clock: Clock | None = None) -> Left:
    """What is left, where the configuration may be broken. Raises Usage where nothing of it can be used."""
    if config is not None:
        return Left(config, mirror.read(config.state), clock or SystemClock())
    where = (path or paths.default_config()).absolute()
    state = _state(where)
    found = mirror.read(state)
    settings = mirror.settings(found) if found is not None else Settings()
    return Left(Config(where, settings, state), found, clock or SystemClock())


def _state(where: Path) -> Path:
    """The state folder of a configuration that cannot be read as a whole, by its one line, or the default."""
    try:
        line = re.search(rb"^\s*state_dir\s*=\s*([\"'])(.+?)\1", where.read_bytes(), re.MULTILINE)
    except OSError:
        line = None
    raw = f'state_dir = "{line[2].decode("utf-8", "replace")}"'.encode() if line else b""
    return configuration.state_folder(configuration.parse(raw, where), where)


def alert(left: Left, trouble: Trouble) -> Came:
    """Tell of a trouble; the job's dead man's switch hears of it too, but for a crash, which a run that began told it.

    `killswitch on` waits for this, as for every run of this host.
    """
    try:
        with locks.hold(left.config.state, locks.FALLBACK) as free:
            return _alert(left, trouble) if free else Came("kept", "another process tells of it")
    except Usage:  # a folder that cannot be written: the file of the hour, in memory, keeps two apart
        return _alert(left, trouble)


def _alert(left: Left, trouble: Trouble) -> Came:
    came = fallback.alert(_place(left), trouble)
    if trouble.kind != "crash":
        ping_failure(left, trouble)
    return came


def ping_failure(left: Left, trouble: Trouble) -> None:
    """Tell the monitor's dead man's switch that it could not work: where the configuration still says which it is."""
    app = App(left.config, clock=left.clock, stream=sys.stderr)
    ping = app.pinger(trouble.job)
    run_id = f"{left.clock.now():%Y%m%dT%H%M%S}-{trouble.job}"
    if ping is not None and _switch(left.config.state) is None:
        with suppress(KillSwitchOn):
            ping("fail", run_id, trouble.what, None, partial(_stop_where_on, left.config.state))


def _stop_where_on(state: Path) -> None:
    if why := _switch(state):
        raise KillSwitchOn(why)


def _place(left: Left) -> Place:
    config = left.config
    app = App(config, clock=left.clock, stream=sys.stderr)
    return Place(
        state=config.state,
        clock=left.clock,
        zone=config.zone,
        host=gethostname(),
        mirror=left.mirror,
        switch=partial(_switch, config.state),
        quiet=lambda now: quiet.until(config.settings.quiet_hours, now, config.zone) is not None,
        bypass=_route(config.settings).bypass,
        ways=partial(_ways, app),
        clean=app.clean,
        bounded=_bounded,
    )


def _switch(state: Path) -> str | None:
    """Why nothing may leave: without the database only a mirror that says off, and can be read, lets something out."""
    seen = killswitch.read(state)
    if seen is None:
        return "there is no mirror of the kill switch, which counts as on"
    return "Kill switch is active" if seen.on else None


def _route(settings: Settings) -> routes.Route:
    return routes.of(routes.rules(settings.routes), "health_alert", "SEV1")


def _ways(app: App) -> Sequence[Way]:
    """The ways to try: those of SEV1 by every channel, or the channels that the configuration names."""
    settings = app.config.settings
    channels = {
        n: c for n, c in app.channels(partial(_stop_where_on, app.config.state)).items() if not isinstance(c, Unusable)
    }
    named = [channels[n] for n in settings.health.fallback or channels if n in channels]
    via = _route(settings).via or DEFAULT_VIA
    if settings.health.fallback:
        pairs = [(way, c) for c in named for way in ANY_WAY if routes.goes(c, way)]
    else:
        pairs = [(way, c) for way in via for c in named if routes.goes(c, way)]
    return [Way(way, c, to) for way, c in pairs for to in (c.recipients if isinstance(c, Addressed) else ("",))]


@contextmanager
def _bounded() -> Iterator[None]:
    """A stretch that ends in time, however a service drips; what was on its way then may have arrived."""
    stopper = Stopper()
    with stopper.listening(PATIENCE):
        try:
            with stopper.armed():
                yield
        except Stopped as e:
            raise Unknown(f"{e}, so it may have been sent") from None
