"""Which way a message goes: the defaults of the design, and the operator's own routes before them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from godmode.lib.notify import routes
from godmode.lib.notify.routes import Route
from godmode.lib.sections import Route as Written


@pytest.mark.parametrize(
    ("type_", "severity", "via", "bypass"),
    [
        ("incident", "SEV0", ("call", "sms", "message"), True),
        ("incident", "SEV1", ("sms", "message"), True),
        ("incident", "WARN", (), False),
        ("incident", "INFO", (), False),
        ("daily_digest", "INFO", ("message",), False),
        ("morning_call", "INFO", ("call", "message"), False),
        ("health_alert", "WARN", ("message",), False),
        ("health_alert", "SEV0", ("call", "sms", "message"), True),
        ("permanent_failure", "WARN", ("message", "sms"), False),
    ],
)
def test_the_defaults(type_: str, severity: str, via: tuple[str, ...], bypass: bool) -> None:
    assert routes.of((), type_, severity) == Route(via, bypass)


def own(*sections: dict[str, Any]) -> tuple[routes.Rule, ...]:
    return routes.rules([Written(**section) for section in sections])


def test_the_operators_route_is_before_the_default_and_the_more_precise_before_the_other() -> None:
    mine = own({"severity": "WARN", "via": ["message"]}, {"type": "quota", "severity": "WARN", "via": ["digest"]})
    assert routes.of(mine, "anything", "WARN") == Route(("message",), False)
    assert routes.of(mine, "quota", "WARN") == Route((), False)
    assert routes.of(mine, "anything", "SEV1") == Route(("sms", "message"), True)


def test_quiet_hours_can_be_passed_or_respected_by_choice() -> None:
    mine = own(
        {"type": "quota", "via": ["message"], "quiet_hours": "bypass"},
        {"severity": "SEV1", "via": ["sms"], "quiet_hours": "respect"},
    )
    assert routes.of(mine, "quota", "WARN") == Route(("message",), True)
    assert routes.of(mine, "incident", "SEV1") == Route(("sms",), False)


def test_a_route_for_all_of_a_severity_does_not_send_the_digest_into_itself() -> None:
    mine = own({"severity": "INFO", "via": ["digest"]}, {"via": []})
    assert routes.of(mine, "daily_digest", "INFO") == Route(("message",), False)
    assert routes.of(own({"type": "daily_digest", "via": ["digest"]}), "daily_digest", "INFO") == Route(("message",))
    assert routes.of(own({"type": "daily_digest", "via": ["sms"]}), "daily_digest", "INFO") == Route(("sms",))


ALL = frozenset({"call", "sms", "message"})


@pytest.mark.parametrize(
    ("sections", "ways", "said"),
    [
        ([{"type": "a", "via": ["call"]}], ALL, []),
        ([{"type": "a", "via": ["digest"]}], ALL, []),
        (
            [{"type": "a", "via": ["sms"]}],
            ALL - {"sms"},
            ["routes.0: it can never fire: no configured channel carries sms"],
        ),
        (
            [{"type": "a", "via": ["sms", "message"]}],
            ALL - {"sms"},
            ["routes.0: no configured channel carries sms: passed over"],
        ),
        (
            [{"type": "a", "via": ["sms"]}, {"type": "a", "via": ["message"]}],
            ALL,
            ["routes.1: it can never fire: an earlier route is for the same messages"],
        ),
        ([], frozenset({"message"}), ["routes: nothing rings for SEV0: no configured channel carries call"]),
        (
            [{"severity": "SEV0", "via": ["call"]}],
            frozenset({"message"}),
            [
                "routes.0: it can never fire: no configured channel carries call",
                "routes: SEV0 reaches nobody: no configured channel goes its ways",
            ],
        ),
        ([{"severity": "SEV0", "via": ["message"]}], frozenset({"message"}), []),
        (
            [{"type": "helth_alert", "via": ["message"]}],
            frozenset({"message", "call"}),
            ['routes.0: it can never fire: no message has the type "helth_alert" (did you mean "health_alert"?)'],
        ),
        (
            [{"type": "morning_call", "via": ["digest"]}, {"type": "daily_digest"}],
            frozenset({"message", "call"}),
            [
                "routes.0: it can never fire: a morning_call is told of in no digest; it goes as ever",
                "routes.1: it can never fire: a daily_digest is told of in no digest; it goes as ever",
            ],
        ),
        (
            [{"type": "morning_call", "severity": "SEV0", "via": ["call"]}],
            frozenset({"message", "call"}),
            ["routes.0: it can never fire: a morning_call is INFO, not SEV0"],
        ),
    ],
)
def test_a_route_that_can_never_fire_is_named(
    sections: list[dict[str, Any]], ways: frozenset[str], said: list[str]
) -> None:
    assert routes.findings(own(*sections), ways, routes.TYPES | {"a", "b", "quota"}) == said


def test_a_route_for_any_message_that_godmode_makes_can_fire() -> None:
    sources = [file.read_text() for file in Path(routes.__file__).parents[2].rglob("*.py")]
    made = {type_ for text in sources for type_ in re.findall(r'Notification\(\s*"(\w+)"', text)}
    assert {"health_recovered", "backup_failed"} <= made
    assert made - {"channel_test", "held_messages"} <= routes.TYPES  # these two are made with their ways
