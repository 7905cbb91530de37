"""The rehearsal's day as it is written down, and what its diary is made into."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs

from godmode.commands.rehearse import WIDTH, _wrapped
from godmode.lib import quiet
from godmode.lib.channels.console import Console
from godmode.lib.channels.telegram import Telegram
from godmode.lib.channels.twilio import Twilio
from godmode.lib.clock import FixedClock
from godmode.lib.errors import Transient
from godmode.lib.ports import Addressed, Askable, Calls, Channel, Divides, Local, Offers, Polls, Schedules, Site, Speaks
from godmode.lib.rehearsal import account, script
from godmode.lib.rehearsal.account import Account, Entry
from godmode.lib.rehearsal.diary import Diary, Happened, Stood, Try
from godmode.lib.rehearsal.script import Day
from godmode.lib.rehearsal.stand_ins import Recorder
from godmode.lib.sections import Route, Settings
from godmode.lib.store.rehearsed import Told

CHICAGO = ZoneInfo("America/Chicago")
NIGHT = datetime(2026, 3, 11, 8, 10, tzinfo=UTC)  # 03:10 in Chicago
DIGEST = datetime(2026, 3, 11, 13, 0, tzinfo=UTC)


SENT = Told(1, "incident", "SEV1", "The shop is slow", "", "sent", ["sms", "message"], NIGHT, None, None)


def told(**more: object) -> Told:
    return structs.replace(SENT, **more)


def tried(way: str = "sms", came: str = "sent", channel: str = "twilio", at: datetime = NIGHT) -> Try:
    return Try(at, channel, way, "+15125550100", "SEV1: The shop is slow", 1, came)


def entries(diary: Diary, settings: Settings | None = None, digest: datetime = DIGEST) -> list[Entry]:
    return Account(diary, settings or Settings(), CHICAGO, lambda at: digest).timeline()


def of(message: Told, *tries: Try) -> Diary:
    return Diary(tries=list(tries), messages={message.id: message})


# -- the script ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("day", "hours"), [("2026-03-10", 24), ("2026-03-08", 23), ("2026-11-01", 25)])
def test_a_day_lasts_as_long_as_its_clocks_make_it(day: str, hours: int) -> None:
    one = Day(date.fromisoformat(day), CHICAGO)
    assert one.end - one.begin == timedelta(hours=hours)
    assert all(one.begin <= one.at(event.at) < one.end for event in script.EVENTS)


@pytest.mark.parametrize("day", ["2026-03-10", "2026-03-08", "2026-11-01"])
def test_what_happens_is_written_in_its_order(day: str) -> None:
    one = Day(date.fromisoformat(day), CHICAGO)
    times = [one.at(event.at) for event in script.EVENTS]
    assert times == sorted(times)


def test_the_workflow_fails_from_its_event_on_and_never_after_it_is_mended() -> None:
    day = Day(date(2026, 3, 10), CHICAGO)
    runs = script.executions(day)
    failed = [run.at for run in runs if run.error]
    assert (min(failed), len(failed) >= 3) == (day.at("22:30"), True)
    assert all(run.error is None for run in runs if run.at >= day.at("08:45"))
    assert [run.number for run in runs] == list(range(1, len(runs) + 1))


# -- the stand-ins ---------------------------------------------------------------------------------------------

PORTS = (Addressed, Local, Divides, Calls, Speaks, Polls, Offers)


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> dict[str, Channel]:
    for name in ("TELEGRAM_BOT_TOKEN", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"):
        monkeypatch.setenv(name, "s3cret")
    site = Site(FixedClock(NIGHT), CHICAGO, "Jonah", Path, phone="+15125550100")
    return {
        "console": Console(sys.stdout),
        "telegram": Telegram(Telegram.Settings(chat_id="123"), site),
        "twilio": Twilio(Twilio.Settings(from_="+15125550199"), site),
    }


@pytest.mark.parametrize("name", ["console", "telegram", "twilio"])
def test_a_recorder_can_what_the_real_channel_can_but_for_what_reaches_its_provider(
    real: dict[str, Channel], name: str
) -> None:
    stand_in = Recorder(real[name], FixedClock(NIGHT), Diary(), lambda message: False)
    assert [isinstance(stand_in, port) for port in PORTS] == [isinstance(real[name], port) for port in PORTS]
    assert not isinstance(stand_in, Schedules | Askable)
    assert (stand_in.name, stand_in.carries) == (real[name].name, real[name].carries)


def test_a_call_rings_until_she_picks_it_up_or_it_ends(real: dict[str, Channel]) -> None:
    clock, diary = FixedClock(NIGHT), Diary()
    stand_in = Recorder(real["twilio"], clock, diary, lambda message: message == 7)
    assert isinstance(stand_in, Calls)
    assert isinstance(stand_in, Polls)
    at_night = stand_in.call("+15125550100", "down", "notification:6:twilio:call")
    in_the_morning = stand_in.call("+15125550100", "good morning", "notification:7:twilio:call")
    assert stand_in.heard(at_night.id).state == stand_in.heard(in_the_morning.id).state == "ringing"
    clock.advance(timedelta(seconds=41))
    assert (stand_in.heard(at_night.id).state, stand_in.heard(in_the_morning.id).state) == ("unheard", "answered")
    assert [(one.message, one.came) for one in diary.tries] == [(6, "not answered"), (7, "answered")]


def test_a_channel_refuses_once_and_only_for_a_while(real: dict[str, Channel]) -> None:
    clock, diary = FixedClock(NIGHT), Diary()
    stand_in = Recorder(real["console"], clock, diary, lambda message: False)
    for until, refuses in ((NIGHT + timedelta(hours=1), True), (NIGHT, False)):
        diary.refusing["console"] = until
        if refuses:
            with pytest.raises(Transient):
                stand_in.send("operator", "x", "notification:1:console")
        stand_in.send("operator", "x", "notification:1:console")
    assert [one.came for one in diary.tries] == ["refused", "sent", "sent"]


# -- the account -----------------------------------------------------------------------------------------------


def test_what_goes_out_in_quiet_hours_says_that_it_passes_them() -> None:
    (entry,) = entries(of(told(), tried()))
    assert (entry.how, entry.quiet) == ("SMS", True)
    assert entry.why == "SEV1 goes at once, though it is quiet until Wed 06:00"


def test_a_way_that_takes_anothers_place_says_so() -> None:
    (entry,) = entries(of(told(), tried("message", channel="console")))
    assert entry.why.endswith("in place of sms, which cannot go")


def test_a_call_that_nobody_answered_leads_to_the_next_way() -> None:
    message = told(severity="SEV0", via=["call", "sms"])
    diary = of(message, tried("call", "not answered"), tried(at=NIGHT + timedelta(seconds=60)))
    call, sms = entries(diary)
    assert (call.how, call.came, "nobody answers" in call.why) == ("call", "not answered", True)
    assert (sms.how, sms.why) == ("SMS", "the call was not answered")


def test_a_call_of_which_nobody_knows_is_not_called_unanswered() -> None:
    diary = of(told(severity="SEV0", via=["call", "sms"]), tried("call", "rings", "callmebot"), tried())
    call, sms = entries(diary)
    assert "cannot tell who answers" in call.why
    assert sms.why == "nobody knows whether the call was heard"


def test_what_was_refused_and_sent_again_is_one_message_that_reached_her() -> None:
    diary = of(told(), tried(came="refused"), tried(at=NIGHT + timedelta(seconds=30)))
    diary.stood.append(Stood(NIGHT, told(status="failed", error="no")))
    told_of = Account(diary, Settings(), CHICAGO, lambda at: DIGEST)
    assert [entry.how for entry in told_of.timeline()] == ["refused", "SMS"]
    assert (told_of.summary().sms, told_of.summary().refused) == (1, 1)


@pytest.mark.parametrize(
    ("message", "how", "why"),
    [
        ({"severity": "WARN", "status": "pending", "via": []}, "waits", "WARN waits for the digest of Wed 08:00"),
        ({"status": "held", "due_at": DIGEST}, "waits", "quiet hours: waits until Wed 08:00"),
        ({"status": "suppressed", "error": "no longer the case"}, "dropped", "no longer the case"),
        ({"status": "failed", "error": "not on the allowlist"}, "failed", "not on the allowlist"),
    ],
)
def test_what_does_not_reach_her_says_why(message: dict[str, object], how: str, why: str) -> None:
    (entry,) = entries(Diary(stood=[Stood(NIGHT, told(**message))]))
    assert (entry.how, entry.why) == (how, why)


def test_a_message_that_stands_as_before_is_told_of_once() -> None:
    waits = told(severity="WARN", status="pending", via=[])
    diary = Diary(stood=[Stood(NIGHT, waits), Stood(DIGEST, told(severity="WARN", status="pending", via=[], body="x"))])
    assert len(entries(diary)) == 1


def test_where_it_is_always_quiet_no_hour_is_named_for_the_digest() -> None:
    (entry,) = entries(Diary(stood=[Stood(NIGHT, told(status="pending", via=[]))]), digest=quiet.NEVER)
    assert "9999" not in entry.why
    assert "quiet at every hour" in entry.why


def test_what_happens_stands_before_what_follows_from_it() -> None:
    diary = of(told(), tried())
    diary.happened.append(Happened(NIGHT, "the shop grows slow"))
    assert [entry.how for entry in entries(diary)] == ["event", "SMS"]


def test_a_route_of_hers_that_keeps_quiet_hours_is_not_said_to_pass_them() -> None:
    settings = Settings(routes=[Route(severity="SEV1", via=["sms"], quiet_hours="respect")])
    (entry,) = entries(of(told(via=["sms"]), tried()), settings)
    assert "though" not in entry.why


def test_no_way_to_call_or_text_is_said_with_the_ways_that_are_left(real: dict[str, Channel]) -> None:
    assert account.findings(Settings(), {"console": real["console"]}) == [
        "no way to call you: SEV0 goes by message",
        "no way to text you: SEV1 goes by message",
    ]
    assert account.findings(Settings(), real) == []


def test_lines_are_as_wide_as_a_terminal_and_commands_are_not_torn() -> None:
    lines = _wrapped("word " * 60 + "`godmode incidents ack 2`", "12:10    message   ")
    assert max(map(len, lines)) <= WIDTH
    assert all(line.startswith(" " * 19) for line in lines[1:])
