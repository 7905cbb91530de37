"""The benchmark of judgement judges rightly: what it counts is what was said, held against what was true."""

from __future__ import annotations

import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.judged import faint, incidents, patterns, twins
from benchmarks.judged.driving import Came, Sighting
from benchmarks.judged.faint import label
from benchmarks.judged.history import DAY, History
from benchmarks.judged.making import Made, made
from benchmarks.judged.reliability import Judged, came, table, wilson
from benchmarks.judged.scoring import Score, report, score
from godmode.lib.kernel import Proposal

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
AT = BEGIN + timedelta(days=3, hours=14)


def history(*kinds: patterns.Make) -> Made:
    held = History(random.Random(1), BEGIN)
    for make in kinds:
        make(held, AT)
    return Made(held, BEGIN, BEGIN + DAY, BEGIN + 9 * DAY)


def incident(type_: str, title: str, minutes: int) -> dict[str, object]:
    at = AT + timedelta(minutes=minutes)
    return {"type": type_, "title": title, "dedup_key": title, "opened_at": at, "severity": "WARN", "subjects": []}


def pattern(type_: str, title: str, confidence: float) -> Sighting:
    found = Proposal(type_, title, confidence, {}, title)
    return Sighting(found, AT + DAY, confidence, confidence, AT + DAY if confidence >= 0.7 else None)


def test_what_was_said_of_a_trouble_is_right_and_what_was_said_of_none_is_wrong() -> None:
    total = Score()
    said = [incident("missed_slots", "health monitor", 20), incident("queue_depth", "deep", 20)]
    score(total, history(incidents.job_stops, incidents.slow_job), Came(incidents=said), 1)
    assert (total.seen, total.missed) == ({"job_stops": 1}, ["seed 1 Thu 05 Mar 14:00 slow_job"])
    assert (total.right, total.wrong) == ({"missed_slots": 1}, {"queue_depth": 1})
    assert total.delays == {"job_stops": [5.0]}


def test_what_was_said_of_another_thing_or_long_before_is_wrong() -> None:
    total = Score()
    said = [incident("missed_slots", "sync notion", 20), incident("missed_slots", "health monitor", -60)]
    score(total, history(incidents.job_stops), Came(incidents=said), 1)
    assert total.wrong == {"missed_slots": 2}


def test_patterns_are_counted_by_how_sure_they_were() -> None:
    total = Score()
    found = {p.proposal.dedup_key: p for p in (pattern("changed_rate", "lead intake", 0.9), pattern("x", "no", 0.6))}
    score(total, history(patterns.runs_more), Came(patterns=found), 1)
    assert total.sure == [Judged("changed_rate", 0.9, True, True, True), Judged("x", 0.6, False, False, False)]
    said = list(report(total))
    assert "0.90 to 0.97              0.90  1.00      1   0.21 to 1.00" in said
    assert (
        "precision (a cause was there): proposals 1.00 of 1 (0.21 to 1.00); patterns below, 0.00 of 1 (0.00 to 0.79)"
        in said
    )


def test_what_is_said_of_a_null_twin_is_wrong_and_a_faint_trouble_is_no_clear_one() -> None:
    held = History(random.Random(1), BEGIN)
    faint.rate_up(held, AT, AT + 30 * DAY)
    twins.rate_scatters(held, AT, AT + 30 * DAY)
    total, found = Score(), [pattern("changed_rate", "event sign-ups", 0.8)]
    score(total, Made(held, BEGIN, BEGIN + DAY, AT + 30 * DAY), Came(patterns={"x": found[0]}), 1)
    assert (total.there, total.faint_there, total.faint_seen) == ({}, {"faint rate": 1}, {})
    assert total.wrong == {"changed_rate": 1}
    assert [(one.true, one.cause) for one in total.sure] == [(False, False)]


def test_what_foretells_is_held_against_what_came_and_not_against_its_cause() -> None:
    settled = label("project", BEGIN, AT + 30 * DAY, "mailing", "manual_work", later=[(AT + 2 * DAY, True)])
    end = AT + 30 * DAY
    assert came([settled], AT, end) is True
    assert came([settled], AT + 2 * DAY, end) is False
    assert came([settled], AT + 25 * DAY, end) is None
    toss = label("toss", BEGIN, end, "feed", "second_try", later=[(AT + DAY, False), (AT + 2 * DAY, True)])
    assert came([toss], AT, end) is False


def test_a_bin_is_called_too_shy_or_too_sure_only_where_its_interval_says_so() -> None:
    def lines(true: int, count: int) -> list[str]:
        return [*table([Judged("x", 0.75, n < true, n < true, True) for n in range(count)])]

    assert lines(25, 25)[1].endswith("too shy")
    assert lines(5, 25)[1].endswith("too sure")
    assert lines(18, 25)[1].endswith("0.86")
    assert lines(10, 10)[1].endswith("1.00")
    assert wilson(18, 25) == pytest.approx((0.5242, 0.8572), abs=1e-4)


def test_messages_at_once_are_told_from_lines_of_the_digest_and_repeated_ones_are_counted() -> None:
    def message(hours: int, severity: str, title: str, status: str = "sent") -> dict[str, object]:
        at = BEGIN + timedelta(hours=hours)
        return {"type": "x", "severity": severity, "title": title, "via": [], "created_at": at, "status": status}

    total = Score()
    said = [
        message(1, "SEV1", "3 fail"),
        message(2, "WARN", "a"),
        message(5, "SEV1", "4 fail"),
        message(38, "WARN", "a", "suppressed"),
        message(40, "WARN", "a"),
    ]
    score(total, history(), Came(messages=said), 1)
    assert (total.messages, total.lines, total.normal_messages, total.normal_days) == (2, 3, 2, 1)
    assert len(total.twice) == 1


def test_a_seed_makes_the_same_history_each_time_with_more_than_twenty_kinds_of_trouble() -> None:
    first, again, other = made(1, 3), made(1, 3), made(2, 3)
    assert first.history.troubles == again.history.troubles != other.history.troubles
    assert len(first.history.events) == len(again.history.events)
    assert len({t.kind for t in first.history.troubles}) > 20
    assert all(first.judged - 8 * DAY <= t.begin < t.end for t in first.history.troubles if not t.faint)
    assert all(t.begin <= t.visible <= t.end for t in first.history.troubles)
    assert {t.kind for t in first.history.twins}.isdisjoint({t.kind for t in first.history.troubles})
    assert sum(t.faint for t in first.history.troubles) == len(faint.KINDS)
