"""`godmode metrics`: what Prometheus' own parser and linter make of it, and what its file is."""

from __future__ import annotations

import json
import re
import stat
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fakes import debian, quarter
from fakes.installation import Operator
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from godmode.lib.exposition import Metric, one, text

DOCS = Path(__file__).parents[2] / "docs"
DEAD = "postgresql://127.0.0.1:9/db"


@pytest.fixture
def her(tmp_path: Path, db: psycopg.Connection) -> Operator:
    made = Operator(tmp_path)
    (tmp_path / "config.toml").write_text('[sources.chatlogs]\npath = "chats"\n[sources.notion]\ndaily_calls = 900\n')
    made.env["NOTION_TOKEN"] = "secret-of-notion"
    quarter.fill(db, datetime.now(UTC), days=7)
    db.execute(
        "INSERT INTO data_source_sync (source_name, last_sync_completed_at, last_sync_success)"
        " VALUES ('chatlogs', now(), true)"
    )
    return made


@pytest.fixture(scope="session")
def promtool(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess[str]]:
    program = debian.unpacked("prometheus", "usr/bin/promtool", tmp_path_factory.mktemp("promtool"))

    def call(*words: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run([program, *words], capture_output=True, text=True, check=False, **options)

    return call


def parsed(exposition: str) -> dict[str, dict[tuple[str, ...], float]]:
    """The values of every metric by its labels' values, as the official client reads them."""
    return {
        family.name: {tuple(sample.labels.values()): sample.value for sample in family.samples}
        for family in text_string_to_metric_families(exposition)
    }


def test_the_figures_are_those_of_the_status_page(her: Operator, db: psycopg.Connection) -> None:
    db.execute("UPDATE job_state SET consecutive_failures = 3, last_error = 'x' WHERE job = 'sync_n8n'")
    shown = her.types("metrics")
    assert (shown.returncode, shown.stderr) == (0, "")
    found, status = parsed(shown.stdout), json.loads(her.types("status", "--json").stdout)
    assert found["godmode_up"] == {(): 1}
    assert found["godmode_well"] == {(): 0}
    assert found["godmode_troubles"] == {(): len(status["troubles"])}
    assert found["godmode_job_consecutive_failures"][("sync_n8n",)] == 3
    last = datetime.fromisoformat(next(j for j in status["jobs"] if j["job"] == "sync_n8n")["last_success_at"])
    assert found["godmode_job_last_success_timestamp_seconds"][("sync_n8n",)] == pytest.approx(last.timestamp(), abs=1)
    assert found["godmode_job_period_seconds"][("process_retry_queue",)] == 30
    assert found["godmode_api_daily_limit"] == {("notion",): 900}
    assert set(found["godmode_incidents_open"]) == {("SEV0",), ("SEV1",), ("WARN",), ("INFO",)}
    assert len(json.loads(her.types("metrics", "--json").stdout)) == len(found)


def test_promtool_finds_nothing_to_complain_of(her: Operator, promtool: Any) -> None:
    checked = promtool("check", "metrics", input=her.types("metrics").stdout)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_the_example_rules_are_valid(promtool: Any) -> None:
    checked = promtool("check", "rules", DOCS / "prometheus-rules.yml")
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("name", ["prometheus-rules.yml", "grafana-dashboard.json"])
def test_every_metric_that_the_examples_name_exists(her: Operator, name: str) -> None:
    named = set(re.findall(r"\bgodmode_\w+", (DOCS / name).read_text()))
    assert len(named) > 10
    assert named - parsed(her.types("metrics").stdout).keys() == set()


def test_every_query_of_the_dashboard_is_valid(her: Operator, promtool: Any, tmp_path: Path) -> None:
    panels = json.loads((DOCS / "grafana-dashboard.json").read_text())["panels"]
    rules = [
        {"record": f"panel:number_{number}", "expr": target["expr"]}
        for number, target in enumerate(target for panel in panels for target in panel["targets"])
    ]
    file = tmp_path / "rules.yml"
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))  # JSON is YAML
    checked = promtool("check", "rules", file)
    assert checked.returncode == 0, checked.stderr


def test_the_textfile_is_whole_and_readable_by_the_collector_whatever_the_umask(her: Operator, tmp_path: Path) -> None:
    path = tmp_path / "godmode.prom"
    path.write_text("before")
    done = subprocess.run(["sh", "-c", 'umask 077; exec "$@"', "sh", *_words(path)], env=her.env, check=False)
    assert done.returncode == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert parsed(path.read_text())["godmode_up"] == {(): 1}
    assert [file.name for file in tmp_path.glob("*prom*")] == ["godmode.prom"]


def _words(path: Path) -> list[str]:
    from fakes.installation import GODMODE

    return [str(GODMODE), "metrics", "--textfile", str(path)]


def test_with_the_database_away_the_file_says_so_and_nothing_else(her: Operator, tmp_path: Path) -> None:
    path = tmp_path / "godmode.prom"
    failed = her.types("metrics", "--textfile", str(path), DATABASE_URL=DEAD)
    assert (failed.returncode, len(failed.stderr.splitlines())) == (1, 1)
    assert set(parsed(path.read_text())) == {
        "godmode_up", "godmode_build_info", "godmode_metrics_generated_timestamp_seconds",
    }  # fmt: skip
    assert parsed(path.read_text())["godmode_up"] == {(): 0}
    assert her.types("metrics", DATABASE_URL=DEAD).stdout == ""


def test_a_file_that_cannot_be_written_is_one_line(her: Operator, tmp_path: Path) -> None:
    (tmp_path / "folder.prom").mkdir()
    for path, says in (
        ("folder.prom", "no regular file"), ("no/such/x.prom", "No such file"), ("x.txt", ".prom"),
        ("config.toml/x.prom", "Not a directory"),
    ):  # fmt: skip
        failed = her.types("metrics", "--textfile", str(tmp_path / path))
        assert (failed.returncode, failed.stdout, len(failed.stderr.splitlines())) == (2, "", 1), failed.stderr
        assert says in failed.stderr
    assert not [name for name in tmp_path.iterdir() if name.name.startswith(".")]


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r"), max_size=40), st.floats(-1e18, 1e18))
def test_any_label_and_value_come_back_as_they_were(label: str, value: float) -> None:
    found = list(text_string_to_metric_families(text([Metric("x", "a \\ help", [({"job": label}, value)])])))
    assert found[0].samples[0].labels == {"job": label}
    assert found[0].samples[0].value == value


def test_what_is_not_known_is_left_out() -> None:
    assert text([one("x", "nothing", None), Metric("y", "one", [({"a": "b"}, None), ({"a": "c"}, True)])]) == (
        '# HELP godmode_y one\n# TYPE godmode_y gauge\ngodmode_y{a="c"} 1\n'
    )
