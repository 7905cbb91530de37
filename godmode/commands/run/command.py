"""`godmode run JOB`: one job, now, through the one road that every run takes."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from godmode import registry
from godmode.commands import progress, terminal
from godmode.commands.run import tick
from godmode.lib.engine.equipment import Mode, Report
from godmode.lib.errors import Usage
from godmode.lib.kernel import Outcome
from godmode.wiring import App

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def run(
    job: Annotated[
        str,
        typer.Argument(
            help="The job, as `godmode jobs` lists it, or sync-NAME.", autocompletion=terminal.known(registry.JOBS)
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what it would do; change nothing.")] = False,
    scheduled: Annotated[bool, typer.Option("--scheduled", help="As cron does: quiet, and only when due.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Also when this slot already ran.")] = False,
) -> int:
    """Run one job now, for the current slot."""
    if scheduled and (dry_run or again):
        raise Usage("--scheduled goes with neither --dry-run nor --again", "leave one out")
    if dry_run and again:
        raise Usage("--dry-run needs no --again", "it runs whether or not the slot did")
    if scheduled and not as_json:
        return tick.scheduled(job)
    with progress.on_terminal() as shown:
        stream = sys.stderr if as_json else sys.stdout
        godmode = App(terminal.config(), stream=stream, command=_as_called(), progress=shown)
        report = godmode.runner.run(job, Mode(scheduled=scheduled, again=again, dry_run=dry_run))
    if as_json:
        print(json.dumps(document(report), default=str, ensure_ascii=False, indent=2))
    else:
        _tell(report, dry_run)
    return tick.exit_code(report.result)


def document(report: Report) -> dict[str, Any]:
    """The run as `--json` prints it."""
    result = report.result
    return {
        "job": report.job,
        "run_id": report.run_id,
        "slot": report.slot,
        "outcome": str(result.outcome),
        "reason": result.reason,
        "error": result.error,
        "error_category": result.error_category,
        "duration_ms": report.duration_ms,
        "data": dict(result.data),
    }


def _tell(report: Report, dry_run: bool) -> None:
    """A run for a person: what it said on stdout, how it ended on stderr."""
    result, words = report.result, report.job.replace("_", "-")
    earlier = (result.data.get("earlier") or {}).get("data", {})
    text = result.data.get("text") if dry_run else earlier.get("text")
    if text:
        print(text)
    if result.outcome is Outcome.SKIPPED:
        fix = f"; {report.fix}" if report.fix else ""
        line = f"skipped: {result.reason}: {result.data.get('message') or result.error}{fix}"
    elif result.outcome is Outcome.FAILED:
        line = f"failed: {result.error}"
    else:
        line = f"{'would succeed' if dry_run else 'succeeded'}: {_summary(result.data)}".rstrip(": ")
    print(f"{words} {line} [{report.duration_ms / 1000:.1f} s]", file=sys.stderr)


def _summary(data: Mapping[str, Any]) -> str:
    """The numbers of a run's data, flat (`sources.chatlogs.new 316, patterns.found 5`), and its notes below them.

    Of a source in a scan, whose numbers are many, the zeros are left out, but for `new`.
    """
    if "checks" in data:
        found = [f"! {each['what']}; {each['do']}" for each in data["findings"]]
        return "\n  ".join(["", *(f"{name}: {detail}" for name, detail in data["checks"].items()), *found])
    numbers, notes = _flat(data)
    return "\n  ".join([", ".join(numbers), *notes])


def _flat(data: Mapping[str, Any], prefix: str = "") -> tuple[list[str], list[str]]:
    numbers: list[str] = []
    notes: list[str] = []
    for key, value in data.items():
        if isinstance(value, dict):
            inner = _flat(value, f"{prefix}{key}.")
            numbers += inner[0]
            notes += inner[1]
        elif isinstance(value, int) and not isinstance(value, bool):
            numbers += [f"{prefix}{key} {value:,}"] if value or key == "new" or prefix.count(".") < 2 else []
        elif key in ("limited", "error", "reason", "waits") and isinstance(value, str):  # `succeeded` alone hides it
            notes.append(f"{prefix.removesuffix('.')}: {value}".removeprefix(": "))
        elif isinstance(value, list):
            notes += [f"{note['where']}: {note['why']}" for note in value if isinstance(note, dict) and "why" in note]
    return numbers, notes


def _as_called() -> str:
    """How the operator calls this godmode, so that a command it prints works where she is."""
    program = "godmode" if shutil.which("godmode") else shlex.quote(sys.argv[0])
    config = terminal.options.config
    return f"{program} --config {shlex.quote(str(config))}" if config else program
