"""What a sync costs: requests against the least possible, time against the limit's bound, and peak memory.

    .venv/bin/python benchmarks/sync.py [n8n …] [--scale 1.0]

Each source reads from a fake that enforces the service's true limits, in a process of its own, with the database on
an embedded server made for the purpose: a first sync, then one after a small change, then one with nothing new. The
bound is what the limit alone makes the least number of requests take (n8n has none of its own: godmode keeps to 20 a
second); `cpu` is godmode's own time, `s` the run's duration without the start of the process. `--scale 0.1` takes a
tenth of the records.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from fakes import hubspot, n8n, notion
from fakes.notion_pages import spread
from fakes.notion_refusals import Limit


@dataclass(frozen=True)
class Case:
    """A source to measure. `section` and `secrets` configure it against the running fake.

    `fill` puts so many records there, `change` changes so many; `least` is the number of requests without which
    nobody can read so many records, `per_second` the limit (None: the service has none), `requests` what was asked.
    """

    name: str
    records: int
    section: str
    secrets: Mapping[str, str]
    fill: Callable[[int], None]
    change: Callable[[int], None]
    least: Callable[[int], int]
    per_second: float | None
    requests: Callable[[], int]


@contextmanager
def n8n_case(scale: float) -> Iterator[Case]:
    """100,000 executions in pages of 250; the names of the workflows are one request more."""
    with n8n.N8n() as fake:
        fake.workflow("w1", "Invoice sync")
        yield Case(
            name="n8n",
            records=round(100_000 * scale),
            section=f'[sources.n8n]\nbase_url = "{fake.url}"\n',
            secrets={"N8N_API_KEY": n8n.KEY},
            fill=lambda count: void(fake.many(count)),
            change=lambda count: void(fake.many(count)),
            least=lambda count: max(1, -(-count // n8n.MOST)),
            per_second=20,
            requests=lambda: len(fake.calls),
        )


@contextmanager
def hubspot_case(scale: float) -> Iterator[Case]:
    """50,000 contacts with one and the same time, 200 a page; a look into the recycling bin is one request more."""
    with hubspot.HubSpot(checked=False) as fake:
        fake.limited = True
        yield Case(
            name="hubspot",
            records=round(50_000 * scale),
            section=f'[sources.hubspot]\nbase_url = "{fake.url}"\n',
            secrets={"HUBSPOT_ACCESS_TOKEN": hubspot.TOKEN},
            fill=lambda count: fake.account.fill(count, datetime.now(UTC) - timedelta(days=3)),
            change=lambda count: fake.account.change(range(1, count + 1), datetime.now(UTC), city="Austin"),
            least=lambda count: max(1, -(-count // 200)),
            per_second=5,
            requests=lambda: len(fake.calls),
        )


@contextmanager
def notion_case(scale: float) -> Iterator[Case]:
    """10,000 pages: the data sources, a list of a hundred pages each, and each page's text (an hour at this limit)."""
    with notion.serving(lambda: datetime.now(UTC)) as fake:
        fake.limit = Limit(per_second=3)
        table, begun = fake.table(), datetime.now(UTC)

        def fill(count: int) -> None:
            for number, edited in enumerate(spread(count, begun - timedelta(days=1))):
                fake.page(table, f"Page {number}", "A line of a procedure.\n" * 40, edited=edited)

        def change(count: int) -> None:
            for page in list(fake.pages.values())[:count]:
                fake.edit(page, "A new text.")
                page.edited -= timedelta(minutes=5)  # of one edited just now nobody knows whether it stays so

        yield Case(
            name="notion",
            records=round(10_000 * scale),
            section=f'[sources.notion]\nbase_url = "{fake.url}"\n',
            secrets={"NOTION_TOKEN": notion.TOKEN},
            fill=fill,
            change=change,
            least=lambda count: 1 + max(1, -(-count // 100)) + count,
            per_second=3,
            requests=lambda: len(fake.requests),
        )


CASES = {"hubspot": hubspot_case, "n8n": n8n_case, "notion": notion_case}


def void(value: object) -> None:
    """Nothing, of anything."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sources", nargs="*", default=list(CASES), help=f"of {', '.join(CASES)} (default: all)")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the records (default 1)")
    words = parser.parse_args()
    print(f"{'':24}{'records':>9}{'requests':>10}{'least':>7}{'cpu':>7}{'s':>8}{'bound':>8}{'ratio':>7}{'peak MB':>9}")
    for name in words.sources:
        with CASES[name](words.scale) as case, tempfile.TemporaryDirectory() as folder:
            measure(case, Path(folder))


def measure(case: Case, home: Path) -> None:
    """A first sync, one after a change of a thousandth, one with nothing new."""
    (home / "config.toml").write_text(case.section)
    env = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
    env |= {"GODMODE_HOME": str(home)} | dict(case.secrets)
    script = Path(sys.executable).with_name("godmode")
    subprocess.run([script, "db", "start"], env=env, check=True, capture_output=True)
    try:
        case.fill(case.records)
        line(case, "first", case.records, env)
        few = max(1, case.records // 1000)
        case.change(few)
        line(case, f"{few} changed", few, env)
        line(case, "nothing new", 0, env)
    finally:
        subprocess.run([script, "db", "stop"], env=env, check=True, capture_output=True)


def line(case: Case, what: str, records: int, env: Mapping[str, str]) -> None:
    before = case.requests()
    document, cpu, peak = sync(case.name, env)
    seconds, requests, least = document["duration_ms"] / 1000, case.requests() - before, case.least(records)
    assert document["outcome"] == "succeeded", document
    bound = (least - 1) / case.per_second if case.per_second else 0.0
    ratio = f"{seconds / bound:7.2f}" if bound >= 1 else f"{'':7}"
    counts = f"{case.name + ', ' + what:24}{records:9,}{requests:10,}{least:7,}"
    print(f"{counts}{cpu:7.1f}{seconds:8.2f}{bound:8.2f}{ratio}{peak:9.0f}", flush=True)


def sync(name: str, env: Mapping[str, str]) -> tuple[dict[str, Any], float, float]:
    """One sync as a process: its document, its processor time in seconds, and its peak memory in MB.

    The peak is VmHWM, since ru_maxrss also counts the process that started it, with the whole fake in it.
    """
    code = (
        "import sys, resource, atexit; from godmode.cli import main; usage = resource.getrusage;"
        "peak = lambda: next(l.split()[1] for l in open('/proc/self/status') if l.startswith('VmHWM'));"
        "atexit.register(lambda: print('peak', peak(), sum(usage(0)[:2]), file=sys.stderr));"
        f"sys.argv = ['godmode', 'run', 'sync-{name}', '--again', '--json']; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    found = re.search(r"^peak (\d+) (\S+)$", done.stderr, re.MULTILINE)
    assert found is not None, done.stderr
    return json.loads(done.stdout), float(found[2]), int(found[1]) / 1024


if __name__ == "__main__":
    main()
