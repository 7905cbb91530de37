"""What the default configuration prints as a schedule: `python docs/schedules.py` writes crontab.example and systemd/.

Tests hold the files to it.
"""

from __future__ import annotations

from pathlib import Path

from godmode import registry
from godmode.lib.schedule import cron, units
from godmode.lib.schedule.calling import Call
from godmode.lib.sections import Settings
from godmode.wiring import configured


def main() -> None:
    """Write the files anew, and remove the timers of jobs that are no more."""
    top = Path(__file__).resolve().parents[1]
    jobs = [configured(registry.load(target), Settings()) for _, target in registry.JOBS.values()]
    (top / "crontab.example").write_text(cron.block(jobs, Call()))
    files = units.units(jobs, units.Installation())
    for stale in {path.name for path in (top / "systemd").iterdir()} - set(files):
        (top / "systemd" / stale).unlink()
    for name, text in files.items():
        (top / "systemd" / name).write_text(text)


if __name__ == "__main__":
    main()
