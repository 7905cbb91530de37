"""What is peculiar to each channel, against its own service on loopback."""

from __future__ import annotations

import stat
from collections.abc import Callable
from datetime import timedelta

import pytest
from fakes.benches import NOON, PHONE, Bench

from godmode.lib.channels.twilio import twiml
from godmode.lib.errors import Auth, Refused, Transient, Unknown, Usage
from godmode.lib.gsm import segments
from godmode.lib.kernel import Receipt
from godmode.lib.ports import Heard

# -- Twilio ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "by", "heard"),
    [
        ("queued", None, Heard("ringing")),
        ("in-progress", None, Heard("ringing")),
        ("in-progress", "human", Heard("answered")),
        ("completed", "human", Heard("answered")),
        ("completed", "machine_start", Heard("unheard", "voicemail answered")),
        ("completed", None, Heard("unheard", "nobody knows whether a person answered")),
        ("busy", None, Heard("unheard", "busy")),
        ("no-answer", None, Heard("unheard", "no answer")),
        ("failed", None, Heard("unheard", "failed")),
    ],
)
def test_a_call_is_heard_when_a_person_answered(
    stand: Callable[[str], Bench], status: str, by: str | None, heard: Heard
) -> None:
    bench = stand("twilio_call")
    call = bench.send()
    bench.service.becomes(status, by)
    assert bench.channel().heard(call.id) == heard


def test_a_number_that_opted_out_and_one_that_is_wrong_are_refused_for_good(stand: Callable[[str], Bench]) -> None:
    bench = stand("twilio_sms")
    bench.service.opted_out = {PHONE}
    with pytest.raises(Refused, match="opted out"):
        bench.send()
    bench.service.opted_out, bench.service.bad = set(), {PHONE}
    with pytest.raises(Refused, match="21211"):
        bench.send()


@pytest.mark.parametrize("name", ["twilio_sms", "twilio_call"])
def test_what_became_of_a_broken_request_is_asked_for(stand: Callable[[str], Bench], name: str) -> None:
    bench, way = stand(name), name.partition("_")[2]
    channel = bench.channel()
    bench.service.mood = "hangs_up"
    with pytest.raises(Unknown):
        bench.send("which one")
    assert channel.ask(way, PHONE, "which one", NOON) == Receipt(bench.service.made[0]["sid"])
    assert way == "call" or channel.ask(way, PHONE, "another", NOON - timedelta(minutes=3)) is None


def test_an_account_that_is_suspended_is_found_before_it_is_needed(stand: Callable[[str], Bench]) -> None:
    bench = stand("twilio_sms")
    bench.service.account = "suspended"
    with pytest.raises(Refused, match="the account Acme is suspended"):
        bench.channel().prove()


def test_while_the_lists_may_lag_behind_nobody_knows(stand: Callable[[str], Bench]) -> None:
    bench = stand("twilio_sms")
    with pytest.raises(Transient, match="does not list it yet"):
        bench.channel().ask("sms", PHONE, "x", NOON)
    bench.clock.advance(timedelta(minutes=2))
    assert bench.channel().ask("sms", PHONE, "x", NOON) is None


def test_a_call_of_before_is_not_taken_for_this_one(stand: Callable[[str], Bench]) -> None:
    bench = stand("twilio_call")
    bench.send()
    later = NOON + timedelta(hours=1)
    bench.clock.move_to(later + timedelta(minutes=5))
    assert bench.channel().ask("call", PHONE, "x", later) is None


def test_what_is_spoken_is_well_formed_whatever_the_text_is() -> None:
    from xml.etree import ElementTree

    for text in ("<b> & \x00\x07 \ud800", "&" * 10_000, "x" * 10_000, ""):
        document = twiml(text)
        assert len(document) <= 4000
        ElementTree.fromstring(document.encode("utf-8", "ignore"))


# -- Salesmsg ----------------------------------------------------------------------------------------------------


def test_a_token_is_renewed_before_it_expires_and_kept_private(stand: Callable[[str], Bench]) -> None:
    bench = stand("salesmsg")
    bench.service.now = bench.clock.now
    for _ in range(4):
        bench.send()
        bench.clock.advance(timedelta(minutes=57))
    assert (len(bench.arrived()), bench.service.renewals) == (4, 4)
    assert bench.state is not None
    file = bench.state / "salesmsg_token.json"
    assert (stat.S_IMODE(file.stat().st_mode), bench.service.token in file.read_text()) == (0o600, True)


def test_a_token_that_is_looked_after_outlives_hours_without_an_sms(stand: Callable[[str], Bench]) -> None:
    bench = stand("salesmsg")
    bench.service.now = bench.clock.now
    renewed = 0
    for _ in range(100):
        renewed += bench.channel().keep()
        bench.clock.advance(timedelta(minutes=5))
    bench.send()
    assert (len(bench.arrived()), renewed < 20) == (1, True)


def test_a_token_set_anew_counts_at_once(stand: Callable[[str], Bench], monkeypatch: pytest.MonkeyPatch) -> None:
    bench = stand("salesmsg")
    bench.send()
    bench.service.token = "fake-another-token"
    monkeypatch.setenv("SALESMSG_API_TOKEN", "fake-another-token")
    bench.send()
    assert len(bench.arrived()) == 2


@pytest.mark.parametrize("mood", ["well", "mangled"])
def test_a_token_that_is_over_is_an_auth_error_that_names_it(stand: Callable[[str], Bench], mood: str) -> None:
    bench = stand("salesmsg")
    bench.service.token, bench.service.mood = "another", mood
    with pytest.raises(Auth, match="set a new SALESMSG_API_TOKEN"):
        bench.send()


# -- CallMeBot ---------------------------------------------------------------------------------------------------


def test_an_error_that_comes_as_200_is_recognised(stand: Callable[[str], Bench]) -> None:
    bench = stand("callmebot")
    bench.service.mood = "stranger"
    with pytest.raises(Refused, match="@jonah is not authorized"):
        bench.send()
    bench.service.mood = "well"
    bench.service.users.clear()
    with pytest.raises(Refused):
        bench.send()
    assert bench.arrived() == []


# -- Apprise -----------------------------------------------------------------------------------------------------


def test_the_first_line_is_the_title(stand: Callable[[str], Bench]) -> None:
    bench = stand("apprise")
    bench.send("SEV1: n8n is down\nsince 03:10")
    assert bench.arrived() == ["SEV1: n8n is down|since 03:10"]


def test_a_wrong_password_and_a_url_of_no_service_are_told_apart(stand: Callable[[str], Bench]) -> None:
    bench = stand("apprise")
    bench.service.mood = "locked"
    with pytest.raises(Auth):
        bench.send()
    with pytest.raises(Usage, match=r"cannot use the URL nosuch://…"):
        bench.channel().send("nosuch://a/b/c", "x", "k")


# -- SMS ---------------------------------------------------------------------------------------------------------


def test_an_sms_takes_at_most_three_segments_and_as_few_as_its_signs_allow(stand: Callable[[str], Bench]) -> None:
    bench = stand("twilio_sms")
    for text in ("It’s “down” – again… " * 100, "🙂 " * 500, "€" * 1000, "short"):
        bench.send(text)
    taken = [segments(text) for text in bench.arrived()]
    assert taken == [3, 3, 3, 1]
    assert bench.arrived()[0].startswith('It\'s "down" - again...')
