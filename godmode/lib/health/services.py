"""Notion, n8n and HubSpot: one cheap request each, at the same time, none longer than PATIENCE."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event, Thread

from godmode.lib.errors import Auth, ExternalApi, GodmodeError, Refused, Transient, Usage
from godmode.lib.health.finding import Finding, Look, Patient
from godmode.lib.ports import Probe

PATIENCE = 5.0  # seconds
LOOKS = 3  # as often as an error that may pass by itself comes in a row before it is told (specification, Failures)


@dataclass
class _Asked:
    """One request in its thread. A daemon, so that a name server's silence keeps no process alive."""

    name: str
    probe: Probe
    ms: float = 0
    error: GodmodeError | None = field(default_factory=lambda: Transient(f"no answer within {PATIENCE:g} s"))
    ended: Event = field(default_factory=Event)

    def begin(self, now: datetime) -> None:
        Thread(target=self._run, args=(now,), name=self.name, daemon=True).start()

    def _run(self, now: datetime) -> None:
        begun = time.monotonic()
        error: GodmodeError | None = None
        try:
            _get(self.name, self.probe, now)
        except GodmodeError as e:
            error = e
        self.ms, self.error = (time.monotonic() - begun) * 1000, error
        self.ended.set()


def _get(name: str, probe: Probe, now: datetime) -> None:
    from godmode.lib import http

    with (
        http.client(probe.base_url, headers=probe.headers, timeout=PATIENCE, wire=probe.wire) as client,
        probe.wire.within(PATIENCE),
        http.translated(name),
    ):
        response = client.get(probe.path)
        http.check(name, response, now)
    http.json_of(name, response)  # a login page answers 200 as well


def services(patient: Patient) -> Look:
    """Those that are configured; a request counts in api_usage as every other does."""
    probes = patient.around.probes(PATIENCE)
    said, findings = dict[str, str](), [_unusable(name, e) for name, e in probes.items() if isinstance(e, Usage)]
    asked = []
    for name, probe in probes.items():
        if isinstance(probe, Probe):
            findings += _ending(patient, name, probe.expires_at)
            try:
                probe.meter.before()
                asked.append(_Asked(name, probe))
            except ExternalApi as e:  # it asked for a wait, or the day's calls are used up: no trouble of health
                said[name] = f"not asked: {e.message}"
    _ask(asked, patient.now)
    for one in asked:
        _count(one)
        said[one.name] = str(one.error) if one.error else f"{one.ms:.0f} ms"
        findings += _failed(one)
    detail = ", ".join(f"{name} {words}" for name, words in said.items()) or "none configured"
    return Look("services", detail, findings, {"services": said})


def _ask(asked: list[_Asked], now: datetime) -> None:
    for one in asked:
        one.begin(now)
    until = time.monotonic() + PATIENCE + 0.5
    for one in asked:
        one.ended.wait(max(0.0, until - time.monotonic()))


def _count(one: _Asked) -> None:
    error = one.error
    throttled = isinstance(error, ExternalApi) and not isinstance(error, Refused)
    one.probe.meter.after(
        ms=one.ms or PATIENCE * 1000,
        error=error is not None,
        throttled=throttled,
        retry_after=error.retry_after if error else None,
    )


def _failed(one: _Asked) -> Iterator[Finding]:
    if one.error is None:
        return
    sure = isinstance(one.error, Auth | Refused)
    do = f"`godmode sources test {one.name}` asks again" if not sure else f"check {one.name}'s credentials and base_url"
    yield Finding(f"services:{one.name}", f"{one.name}: {one.error.message}", do, looks=1 if sure else LOOKS)


def _unusable(name: str, error: Usage) -> Finding:
    return Finding(f"services:{name}", error.message, error.fix or "`godmode config check`")


def _ending(patient: Patient, name: str, at: datetime | None) -> Iterator[Finding]:
    if at is None or at - patient.now > timedelta(days=patient.limits.credential_days):
        return
    when = f"{at.astimezone(patient.ctx.zone):%d %b %Y}"
    what = f"the key of {name} ended on {when}" if at <= patient.now else f"the key of {name} ends on {when}"
    yield Finding(f"credentials:{name}", what, f"make a new key in {name} and set it")


def channels(patient: Patient) -> Look:
    """The channels' credentials that end unless they are looked after, as this run found them."""
    findings = [
        Finding(f"credentials:{name}", f"{name} is locked out: {why}", f"`godmode channels test {name}` tries it again")
        for name, why in patient.locked_out.items()
    ]
    return Look("channels", "; ".join(f.what for f in findings) or "no credential has ended", findings)
