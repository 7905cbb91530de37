"""Several troubles in one incident: each has its own beginning, and none hides behind another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from godmode.lib.engine.incidents import place
from godmode.lib.kernel import Incident, Severity
from godmode.lib.store.incident_rows import Row

NOW = datetime(2026, 3, 30, 12, 0, tzinfo=UTC)


def see(rows: list[Row], key: str, minutes: int) -> str:
    _, came_to = place(rows, Incident("x", Severity.WARN, key, key), NOW + timedelta(minutes=minutes))
    return came_to


def told(rows: list[Row]) -> None:
    for row in rows:
        row.told = 1


def test_what_comes_back_while_another_trouble_keeps_the_incident_open_is_told_again() -> None:
    rows: list[Row] = []
    assert [see(rows, "chronic", 0), see(rows, "passing", 0)] == ["new", "joined"]
    told(rows)
    for minutes in range(5, 180, 5):
        assert see(rows, "chronic", minutes) == "same"
    assert see(rows, "passing", 180) == "again"
    (row,) = rows
    assert row.told == 0
    assert {s["key"]: s["first_at"] for s in row.subjects} == {
        "chronic": NOW.isoformat(),
        "passing": (NOW + timedelta(minutes=180)).isoformat(),
    }


def test_what_comes_and_goes_behind_another_is_told_no_more_than_a_few_times_a_day() -> None:
    rows: list[Row] = []
    see(rows, "chronic", 0), see(rows, "passing", 0)
    news = 0
    for minutes in range(5, 24 * 60, 5):
        told(rows)
        see(rows, "chronic", minutes)
        news += minutes % 90 == 0 and see(rows, "passing", minutes) == "again" and rows[0].told == 0
    assert news == 3
