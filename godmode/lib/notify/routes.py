"""Which way a message goes: the operator's `[[routes]]` first, then the defaults. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from godmode.lib import sections
from godmode.lib.config import nearest
from godmode.lib.ports import Calls, Channel

CARRIES = {"call": "voice", "sms": "sms", "message": "message"}  # way → what a channel has to carry
ONCE = frozenset({"daily_digest", "morning_call"})  # one for their job's slot, and the gate knows their quiet hours
LASTING = frozenset({"credentials"})  # told again at every look for as long as it lasts
RINGS = {"morning_call": 2}  # how often it rings where nobody answered, before the next way; others once
TYPES = ONCE | {
    "api_budget", "backup_failed", "credentials", "health_alert", "health_recovered", "incident", "incident_over",
    "job_failing", "job_recovered", "permanent_failure", "phone", "phone_reply", "recipient_refused", "records_gone",
    "undelivered",
}  # fmt: skip
URGENT = frozenset({"SEV0", "SEV1"})
AT_MOST_AN_HOUR: Mapping[str, int] = {"health_alert": 1}


@dataclass(frozen=True)
class Route:
    """The ways in the order in which they are tried; none: the next digest. `bypass`: also in quiet hours."""

    via: tuple[str, ...]
    bypass: bool = False


@dataclass(frozen=True)
class Rule:
    """A route for messages of this severity and type; None is any."""

    severity: str | None
    type: str | None
    via: tuple[str, ...]
    bypass: bool | None = None

    def fits(self, type_: str, severity: str) -> bool:
        """A message of ONCE is only meant by its type."""
        return self.severity in (None, severity) and (self.type == type_ or (self.type is None and type_ not in ONCE))

    @property
    def precision(self) -> int:
        return 2 * (self.type is not None) + (self.severity is not None)


# DESIGN, section 4. What is said to have failed for good has another way beside the one that may have failed.
DEFAULTS = (
    Rule(None, "daily_digest", ("message",)),
    Rule(None, "morning_call", ("call", "message")),
    Rule("SEV0", None, ("call", "sms", "message")),
    Rule("SEV1", None, ("sms", "message")),
    Rule("WARN", "health_alert", ("message",)),
    Rule("INFO", "health_recovered", ("message",)),
    Rule("INFO", "phone_reply", ("message",), bypass=True),  # she asked a moment ago
    Rule("WARN", "credentials", ("message",)),
    Rule("WARN", "backup_failed", ("message",)),
    Rule("WARN", "permanent_failure", ("message", "sms")),
    Rule("WARN", "undelivered", ("message", "sms")),
)
DIGEST = Rule(None, None, ())


@dataclass(frozen=True)
class Limit:
    """At most `count` in any stretch of `window`."""

    count: int
    window: timedelta


# Her attention is a budget. The calls' limits are the specification's; the others keep a flood from being one.
LIMITS: Mapping[str, tuple[Limit, ...]] = {
    "call": (Limit(3, timedelta(minutes=15)), Limit(7, timedelta(hours=1))),
    "sms": (Limit(10, timedelta(hours=1)),),
    "message": (Limit(30, timedelta(hours=1)),),
}


def rules(configured: Sequence[sections.Route]) -> tuple[Rule, ...]:
    """The operator's routes as rules."""
    return tuple(
        Rule(
            route.severity,
            route.type,
            tuple(way for way in route.via if way != "digest"),
            None if route.quiet_hours is None else route.quiet_hours == "bypass",
        )
        for route in configured
    )


def of(own: Sequence[Rule], type_: str, severity: str) -> Route:
    """The route of a message: the most precise of the operator's own rules, else of the defaults."""
    rule = _best(own, type_, severity) or _best(DEFAULTS, type_, severity) or DIGEST
    if type_ in ONCE and not rule.via:
        rule = _best(DEFAULTS, type_, severity) or DIGEST
    return Route(rule.via, severity in URGENT if rule.bypass is None else rule.bypass)


def _best(among: Sequence[Rule], type_: str, severity: str) -> Rule | None:
    fitting = [rule for rule in among if rule.fits(type_, severity)]
    return max(fitting, key=lambda rule: rule.precision, default=None)


def goes(channel: Channel, way: str) -> bool:
    """Whether a channel can be sent this way: a voice message is heard, but does not ring."""
    return CARRIES[way] in channel.carries and (way != "call" or isinstance(channel, Calls))


def findings(own: Sequence[Rule], ways: frozenset[str], types: Collection[str]) -> list[str]:
    """What of the operator's routes can never be, where the configured channels go these ways and messages are of
    these types."""
    notes, seen = [], set[tuple[str | None, str | None]]()
    for number, rule in enumerate(own):
        missing = [way for way in rule.via if way not in ways]
        if (rule.severity, rule.type) in seen:
            notes.append(f"routes.{number}: it can never fire: an earlier route is for the same messages")
        elif rule.type is not None and rule.type not in types:
            notes.append(
                f'routes.{number}: it can never fire: no message has the type "{rule.type}"' + nearest(rule.type, types)
            )
        elif rule.type in ONCE and rule.severity not in (None, "INFO"):
            notes.append(f"routes.{number}: it can never fire: a {rule.type} is INFO, not {rule.severity}")
        elif rule.type in ONCE and not rule.via:
            notes.append(f"routes.{number}: it can never fire: a {rule.type} is told of in no digest; it goes as ever")
        elif missing and len(missing) == len(rule.via):
            notes.append(f"routes.{number}: it can never fire: no configured channel carries {' or '.join(missing)}")
        elif missing:
            notes.append(f"routes.{number}: no configured channel carries {' or '.join(missing)}: passed over")
        seen.add((rule.severity, rule.type))
    loudest = of(own, "", "SEV0").via
    if not ways & set(loudest):
        notes.append("routes: SEV0 reaches nobody: no configured channel goes its ways")
    elif "call" in loudest and "call" not in ways:
        notes.append("routes: nothing rings for SEV0: no configured channel carries call")
    return notes
