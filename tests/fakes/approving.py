"""The operator who approves proposals, with n8n beside her and a clock that the test moves."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import psycopg
from fakes.company import NOON, configured
from fakes.n8n import N8n

from godmode import registry
from godmode.lib import remedies
from godmode.lib.approval import APPROVED, REJECTED, Approval
from godmode.lib.clock import FixedClock
from godmode.lib.config import Config
from godmode.lib.engine import approvals, detect, retry
from godmode.lib.engine.equipment import Mode
from godmode.lib.kernel import Every, Job, JobContext, JobResult, Outcome, Proposal, Skip
from godmode.lib.remedies import Remedy
from godmode.lib.store import corrections, proposals, retry_jobs
from godmode.lib.store.corrections import Correction
from godmode.lib.store.proposals import Decided, ProposalRow
from godmode.wiring import App


class Approver(App):
    """Her terminal."""

    def __init__(self, config: Config, n8n: N8n, more: str = "") -> None:
        self.at, self.n8n = FixedClock(NOON), n8n
        chosen = configured(config, f'[sources.n8n]\nbase_url = "{n8n.url}"\n{more}')
        super().__init__(chosen, clock=self.at, stream=io.StringIO())

    @property
    def conn(self) -> psycopg.Connection[tuple[Any, ...]]:
        return self.migrated().conn

    def is_offered(self, remedy: Remedy | None, title: str = "Something keeps failing", key: str = "k") -> int:
        """A proposal with this remedy; its number."""
        kept = remedies.stored(remedy) if remedy else None
        found = Proposal("t", title, 0.8, {"summary": "s", "count": 3}, key, kept)
        proposals.put(self.conn, found, self.at.now())
        return next(row.id for row in proposals.waiting(self.conn) if row.title == title)

    def detects(self) -> list[ProposalRow]:
        """The detectors look at what stands in the database; what is open then."""

        def run(ctx: JobContext) -> JobResult:
            looked = detect.look(ctx)
            assert not looked.failed, looked.failed
            return JobResult(Outcome.SUCCEEDED, data=detect.keep(ctx, looked))

        result = self.perform(Job("detect", "detect", Every(minutes=30), run)).result
        assert result.outcome is Outcome.SUCCEEDED, result.error
        return list(proposals.waiting(self.conn))

    def says(self, number: int, verdict: str = APPROVED, shown: str | None = None, reply: str | None = None) -> Any:
        return approvals.decide(
            self.conn, self.config.state, Approval(verdict, number, shown), self.at.now(), by="her", reply=reply
        )

    def rejects(self, number: int) -> None:
        self.says(number, REJECTED)

    def approves(self, number: int) -> JobResult:
        """Her yes, and at once what follows from it."""
        came = self.says(number)
        assert isinstance(came, Decided)
        assert came.work is not None
        return self.does(came.work)

    def undoes(self, number: int) -> JobResult:
        work = approvals.undo(self.conn, self.config.state, number, self.at.now(), by="her")
        assert isinstance(work, int)
        return self.does(work)

    def refused(self, number: int) -> str:
        no = self.says(number)
        assert isinstance(no, Skip)
        return no.message

    def does(self, work: int) -> JobResult:
        came: list[JobResult] = []

        def run(ctx: JobContext) -> JobResult:
            came.append(retry.one(ctx, registry.retry, work))
            return JobResult(Outcome.SUCCEEDED)

        report = self.perform(approvals.job(run))
        return came[0] if came else report.result

    def queue_runs(self, after: timedelta = timedelta(seconds=30)) -> JobResult:
        self.at.advance(after)
        return self.runner.run("process_retry_queue", Mode(again=True)).result

    def row(self, number: int) -> ProposalRow:
        found = proposals.one(self.conn, number)
        assert found is not None
        return found

    def correction(self, number: int) -> Correction:
        found = corrections.of(self.conn, number)
        assert found is not None
        return found

    def work(self, number: int) -> retry_jobs.RetryRow:
        row = retry_jobs.one(self.conn, self.row(number).work or 0)
        assert row is not None
        return row


def said(result: JobResult) -> str:
    """What became of it, in its words."""
    return str(result.error or result.data.get("message"))
