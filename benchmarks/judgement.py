"""How well trouble is told from noise: labelled histories, lived through by the real watchers and detectors.

    .venv/bin/python benchmarks/judgement.py [--seed 1 2 3] [--weeks 4] [--fast] [--patterns] [--show]

A history is a small company's: five weeks to learn from, one normal week, then weeks with some thirty kinds of clear
trouble at known times, ten faint ones, and as many things of their shape without a cause, among holidays, deploy nights
and bursts. It runs on a real PostgreSQL with a simulated clock: watchers
look every five minutes wherever something can have changed (else every hour), detectors every two hours. A history
takes a minute or two on two cores. Seeds below 100 are for development; figures to report come from others, each run
once, since nothing may be tuned on them.
"""

from __future__ import annotations

import argparse
import sys
import time
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.judged import scoring
from benchmarks.judged.driving import Life, server
from benchmarks.judged.making import made


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, nargs="+", default=[1], help="of the histories (default: 1)")
    parser.add_argument("--weeks", type=int, default=4, help="with trouble, at least 3 (default: 4)")
    parser.add_argument("--fast", action="store_true", help="detectors look every six hours")
    parser.add_argument("--patterns", action="store_true", help="only detectors look, no watchers: half the time")
    parser.add_argument("--show", action="store_true", help="name what was false, missed or said twice")
    words = parser.parse_args()
    total = scoring.Score()
    for seed in words.seed:
        begun, history = time.monotonic(), made(seed, max(3, words.weeks))
        with server():
            came = Life(history, timedelta(hours=6 if words.fast else 2), watching=not words.patterns).live()
        scoring.score(total, history, came, seed, watched=not words.patterns)
        print(
            f"seed {seed}: {len(history.history.events):,} rows, {len(history.history.troubles)} troubles, "
            f"{came.looks:,} looks, {came.scans:,} scans, {time.monotonic() - begun:.0f} s",
            flush=True,
        )
    print("\n".join(scoring.report(total)))
    if words.show:
        for name, lines in (("false", total.false), ("missed", total.missed), ("twice", total.twice)):
            print(f"\n{name}:", *lines, sep="\n  ")


if __name__ == "__main__":
    main()
