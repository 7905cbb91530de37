"""Whether the operator hears of godmode's health now, and what is remembered of that for the next look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from godmode.lib.health import judgement, outage
from godmode.lib.health.finding import Patient
from godmode.lib.health.judgement import Known
from godmode.lib.health.outage import Outage
from godmode.lib.kernel import Notification, Severity
from godmode.lib.store import checkups

DEGRADED, RECOVERED = "System Health Degraded", "System Health Recovered"
LOOK_BACK = timedelta(days=2)  # longer than a trouble that lasts is left untold


@dataclass(frozen=True)
class Told:
    """What she was told of: each trouble's subject, words and beginning, and the key of the message that did."""

    troubles: Sequence[dict[str, Any]] = ()
    key: str | None = None

    @staticmethod
    def of(data: Any) -> Told:
        """As an earlier look's data has it."""
        kept = data.get("told") or {}
        return Told(tuple(kept.get("troubles") or ()), kept.get("key"))

    def data(self) -> dict[str, Any]:
        return {"troubles": list(self.troubles), "key": self.key}


def tell(patient: Patient, ripe: Sequence[Known], before: Told) -> Told:
    """Tell of what is wrong, or that it is over, where either is due; what she has been told of then."""
    past = outage.read(patient.ctx.state)
    if not ripe:
        return _over(patient, before, past)
    last = max(filter(None, (past.told_at, _last(patient))), default=None)
    if not judgement.due(ripe, [each["subject"] for each in before.troubles], last, patient.now):
        return before
    key = f"health_alert:{patient.ctx.slot.key}"
    body = judgement.alert(ripe, patient.around.host, patient.ctx.zone)
    patient.ctx.notify(Notification("health_alert", Severity.WARN, DEGRADED, body, key))
    return Told([{"subject": f.subject, "what": f.what, "since": f.since.isoformat()} for f in ripe], key)


def _last(patient: Patient) -> datetime | None:
    return checkups.last_told(patient.ctx.store.conn, "health_alert", patient.now - LOOK_BACK)


def _over(patient: Patient, before: Told, past: Outage) -> Told:
    """All is well: she hears so where she had heard of the trouble; what still waits to tell of it is dropped."""
    troubles = list(before.troubles)
    dropped = patient.ctx.notify.over(before.key) if before.key else 0
    if dropped:
        troubles = []
    if past.told and past.since is not None:
        troubles.append({"what": past.what, "since": past.since.isoformat()})
    if troubles:
        body = judgement.recovery(troubles, patient.around.host, patient.now, patient.ctx.zone)
        key = f"health_recovered:{patient.ctx.slot.key}"
        patient.ctx.notify(Notification("health_recovered", Severity.INFO, RECOVERED, body, key))
    outage.over(patient.ctx.state)
    return Told()
