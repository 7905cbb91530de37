"""stuck_claims: something is held by a process that is gone, and nobody took it over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import Struct

from godmode.lib.kernel import Incident, Severity
from godmode.lib.ports import Grounds
from godmode.lib.sections import Minutes, Section
from godmode.lib.store import Store, backlogs

FOLLOW_UP = {"job": "godmode jobs", "retry": "godmode queue show {}", "action": "godmode audit action {}"}


class StuckClaims(Struct, frozen=True):
    """A claim whose lease has been over for 15 minutes is a WARN (specification, Production monitoring).

    A lease is longer than its job's deadline, so its process is gone or hangs; the next slot, or the retry queue's
    next run, should have taken it over.
    """

    name = "stuck_claims"

    class Settings(Section, frozen=True):
        after_minutes: Minutes = 15

    settings: Settings
    grounds: Grounds

    def look(self, store: Store, now: datetime) -> Iterator[Incident]:
        for claim in backlogs.stuck(store.conn, now - timedelta(minutes=self.settings.after_minutes)):
            yield self._incident(claim)

    def _incident(self, claim: backlogs.Claim) -> Incident:
        what = claim.name.replace("_", " ") if claim.kind == "job" else f"{claim.kind} {claim.name}"
        since = f" since {claim.since.astimezone(self.grounds.zone):%a %H:%M}" if claim.since else ""
        title = f"{what} is held{since} by a process on {claim.owner or 'an unknown host'} that does not let go"
        evidence = {
            "owner": claim.owner, "since": claim.since.isoformat() if claim.since else None,
            "lease_until": claim.lease_until.isoformat() if claim.lease_until else None,
            "follow_up": FOLLOW_UP[claim.kind].format(claim.name),
        }  # fmt: skip
        key = f"{self.name}:{claim.kind}:{claim.name}"
        return Incident(self.name, Severity.WARN, title, key, evidence=evidence)
