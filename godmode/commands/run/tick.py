"""What cron and timers call: run a job if its slot is due, quiet on stdout."""

from __future__ import annotations

import sys

from godmode.commands import terminal
from godmode.lib.errors import Usage
from godmode.lib.kernel import JobResult, Outcome
from godmode.wiring import App


def scheduled(job: str) -> int:
    """Run a job for its due slot; the exit code. What it did, unless it was not due, is a line on stderr."""
    from godmode.lib.engine.equipment import Mode

    app = App(terminal.config(), stream=sys.stderr)
    report = app.runner.run(job, Mode(scheduled=True))
    result = report.result
    too_early = result.reason == "quiet_hours" and report.slot is None  # at night no look at the digest is news
    if result.reason not in ("not_due", "already_ran") and not too_early:
        why = result.error or result.data.get("message") or ""
        reason = f" ({result.reason})" if result.reason else ""
        line = f"{report.job}: {result.outcome}{reason}{f': {why}' if why else ''}"
        print(f"{line} slot={report.slot} run={report.run_id} ms={report.duration_ms}", file=sys.stderr)
    return exit_code(result)


def exit_code(result: JobResult) -> int:
    """0 done or skipped by rule; 1 the work failed; 2 a configuration that cannot be used."""
    if result.outcome is not Outcome.FAILED:
        return 0
    return Usage.exit_code if result.error_category == Usage.category else 1
