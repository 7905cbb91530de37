"""What a run tells its job's dead man's switch: that it began, and how it ended. Nothing while the switch is on."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from godmode.lib.engine import killswitch
from godmode.lib.engine.equipment import Pinger
from godmode.lib.errors import DatabaseTrouble, KillSwitchOn
from godmode.lib.kernel import JobResult, Outcome
from godmode.lib.store import Store, controls


@dataclass(frozen=True)
class Heartbeat:
    """One run's. `ping` is None for a job that has none.

    Both its words are said while the run holds its claim, so that `killswitch on` waits for them as for the run.
    """

    ping: Pinger | None
    job: str
    run_id: str
    state: Path
    store: Store

    def started(self) -> None:
        self._say("start", "", None)

    def ended(self, result: JobResult, ms: int) -> None:
        """A run that was stopped by the switch says nothing."""
        if result.outcome is Outcome.FAILED:
            self._say("fail", result.error or "", ms)
        elif result.outcome is Outcome.SUCCEEDED:
            if result.data.get("degraded"):
                self._say("log", "\n".join(each["what"] for each in result.data["findings"]), ms)
            self._say("success", f"{self.job} succeeded in {ms} ms", ms)

    def _say(self, event: str, text: str, ms: int | None) -> None:
        if self.ping is not None:
            with suppress(KillSwitchOn, psycopg.Error, DatabaseTrouble):  # then the run's own end tells of it
                self.ping(event, self.run_id, text, ms, self._check)

    def _check(self) -> None:
        if killswitch.is_on(self.state, controls.read(self.store.fresh())):
            raise KillSwitchOn("Kill switch is active")
