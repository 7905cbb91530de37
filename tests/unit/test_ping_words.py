"""What the services that hear of every run are told, in their own conventions."""

from __future__ import annotations

import pytest

from godmode.lib.health.pings import BODY, EVENTS, MESSAGE, Signal, request, style_of

HC, HC_SLUG = "https://hc-ping.com/0000-1111", "https://hc.example.com/ping/key/slug/"
CRONITOR = "https://cronitor.link/p/KEY/monitor"
KUMA = "https://kuma.example.com/api/push/TOKEN?status=up&msg=OK&ping="


def asked(url: str, event: str, text: str = "", ms: int | None = None, style: str | None = None) -> str | None:
    wanted = request(url, style, Signal(event, "run-1", text, ms))
    return wanted.url if wanted else None


@pytest.mark.parametrize(
    ("url", "style"), [(HC, "healthchecks"), (HC_SLUG, "healthchecks"), (CRONITOR, "cronitor"), (KUMA, "uptime_kuma")]
)
def test_an_address_tells_whose_it_is(url: str, style: str) -> None:
    assert style_of(url) == style


def test_healthchecks_is_told_of_each_event_by_a_path_with_the_text_as_body() -> None:
    paths = [(asked(HC, event) or "").partition("?")[0] for event in EVENTS]
    assert paths == [f"{HC}/start", HC, f"{HC}/fail", f"{HC}/log"]
    wanted = request(HC, None, Signal("fail", "run-1", "no room é"))
    assert wanted is not None
    assert wanted.body == "no room é".encode()


def test_healthchecks_can_tell_which_start_belongs_to_which_end() -> None:
    def run_of(event: str, run: str) -> str:
        wanted = request(HC, None, Signal(event, run))
        assert wanted is not None
        return wanted.url.partition("rid=")[2]

    assert run_of("start", "a") == run_of("success", "a") != run_of("start", "b")
    assert len(run_of("start", "a")) == 36


def test_a_slug_keeps_its_query_and_needs_no_slash() -> None:
    assert (asked(HC_SLUG + "?create=1", "start") or "").startswith(
        "https://hc.example.com/ping/key/slug/start?create=1&rid="
    )


def test_cronitor_is_told_by_states_bound_by_the_run() -> None:
    assert asked(CRONITOR, "start") == f"{CRONITOR}?state=run&series=run-1"
    assert asked(CRONITOR, "success") == f"{CRONITOR}?state=complete&series=run-1"
    assert asked(CRONITOR, "fail", "no room") == f"{CRONITOR}?state=fail&series=run-1&message=no+room"
    assert asked(CRONITOR, "log") is None


def test_uptime_kuma_is_told_of_ends_only_whatever_the_address_was_copied_with() -> None:
    plain = KUMA.partition("?")[0]
    assert (asked(KUMA, "start"), asked(KUMA, "log")) == (None, None)
    assert asked(KUMA, "success", ms=120) == f"{plain}?status=up&msg=OK&ping=120"
    assert asked(KUMA, "fail", "no room") == f"{plain}?status=down&msg=no+room&ping="


def test_a_style_can_be_named_for_a_proxy() -> None:
    assert asked("https://proxy.example.com/x", "start", style="cronitor") == (
        "https://proxy.example.com/x?state=run&series=run-1"
    )


def test_long_words_are_cut() -> None:
    wanted = request(HC, None, Signal("log", "r", "x" * 200_000))
    assert wanted is not None and wanted.body is not None
    assert len(wanted.body) == BODY
    assert len(asked(KUMA, "fail", "x" * 5000) or "") < MESSAGE + 150
