"""The configuration: every mistake named by file, line and key; secrets from three places and never shown."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from godmode import registry
from godmode.lib import config as configuration
from godmode.lib import sample_config
from godmode.lib.errors import Usage
from godmode.lib.sample_config import Answers
from godmode.lib.sections import Settings

FILE = Path("/etc/godmode/config.toml")


def mistake(text: str) -> str:
    with pytest.raises(Usage) as refused:
        configuration.parse(text.encode(), FILE)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('timezon = "UTC"', 1, 'timezon: there is no such key (did you mean "timezone"?)'),
        (
            '\n[jobs.daily_digest]\ntiem = "08:00"',
            3,
            'jobs.daily_digest.tiem: there is no such key (did you mean "time"?)',
        ),
        ('quiet_hours = { strat = "21:00" }', 1, 'quiet_hours.strat: there is no such key (did you mean "start"?)'),
        ("jobs.periodic_scan.interval_minuts = 5", 1, 'did you mean "interval_minutes"?'),
        ("[watchers]\ncheckIntervalMinute = 5", 2, 'did you mean "checkIntervalMinutes"?'),
        ("[incidents]\nsev0_again_time = 3", 2, 'did you mean "sev0_again_times"?'),
        ('[[routes]]\nseverity = "SEV0"\n[[routes]]\nvai = ["sms"]', 4, 'did you mean "via"?'),
        ('[job.daily_digest]\ntime = "08:00"', 1, 'job: there is no such key (did you mean "jobs"?)'),
        (
            "[jobs.periodic_scan]\ninterval_minutes = 'x'",
            2,
            "jobs.periodic_scan.interval_minutes: expected a whole number",
        ),
        ("[jobs.periodic_scan]\ninterval_minutes = 0", 2, "interval_minutes: expected"),
        ('timezone = "America/Chicgo"', 1, 'did you mean "America/Chicago"?'),
        ('[jobs.daily_digest]\ntime = "8:00"', 2, 'daily_digest.time: expected a time of day such as "08:00"'),
        ('quiet_hours = { start = "25:00" }', 1, "quiet_hours.start: expected a time of day"),
        ("sources.notion = 3", 1, "sources.notion: expected a section"),
        ("timezone = 5", 1, "timezone: expected text"),
        ('["operator"]\n"nmae" = "x"', 2, 'did you mean "name"?'),
        ("# a comment\n\n[detectors]\nmin_confidence = 3.5", 4, "detectors.min_confidence: expected"),
    ],
)
def test_a_mistake_is_named_by_file_line_key_and_the_nearest_known_key(text: str, line: int, says: str) -> None:
    message = mistake(text)
    assert message.startswith(f"{FILE}, line {line}: ")
    assert says in message
    assert mistake(text.replace("\n", "\r\n")) == message


def test_the_sections_of_watchers_are_kept_beside_their_interval() -> None:
    text = "[watchers]\ncheckIntervalMinutes = 7\n[watchers.queue_depth]\nrows = 5"
    watchers = configuration.parse(text.encode(), FILE).watchers
    assert (watchers.check_interval_minutes, watchers.sections) == (7, {"queue_depth": {"rows": 5}})


def test_the_sample_shows_every_watcher_with_its_defaults() -> None:
    block = sample_config.text(Answers()).partition("# [watchers]\n")[2].partition("\n\n# How far back")[0]
    shown = [
        line.removeprefix("# ") for line in block.splitlines() if line.startswith("# ") and "When what" not in line
    ]
    settings = configuration.parse("\n".join(["[watchers]", *shown]).encode(), FILE)
    assert settings.incidents == Settings().incidents
    assert set(settings.watchers.sections) == set(registry.WATCHERS)
    for name, (_, target) in registry.WATCHERS.items():
        shape = registry.load(target).Settings
        assert msgspec.to_builtins(shape()) == msgspec.to_builtins(
            msgspec.convert(settings.watchers.sections[name], shape)
        )
        assert set(settings.watchers.sections[name]) == set(shape.__struct_fields__)


def test_what_is_not_toml_or_not_utf8_is_named_with_its_line() -> None:
    assert "line 2" in mistake('timezone = "UTC"\nquiet_hours = {')
    with pytest.raises(Usage, match="line 2: not UTF-8"):
        configuration.parse(b'timezone = "UTC"\n# caf\xe9', FILE)


def test_a_byte_order_mark_is_no_mistake() -> None:
    assert configuration.parse('timezone = "UTC"'.encode("utf-8-sig"), FILE).timezone == "UTC"


def test_an_empty_file_is_all_default() -> None:
    settings = configuration.parse(b"", FILE)
    assert settings == Settings()
    assert (settings.timezone, settings.quiet_hours.start, settings.quiet_hours.end) == (
        "America/Chicago",
        "21:00",
        "06:00",
    )


def test_the_default_file_may_be_missing_but_not_one_that_was_named(tmp_path: Path) -> None:
    assert configuration.load(env={"GODMODE_HOME": str(tmp_path)}).settings == Settings()
    with pytest.raises(Usage, match="godmode init"):
        configuration.load(tmp_path / "none.toml", env={})


def test_paths_of_the_file_are_relative_to_it_and_godmode_home_outranks_its_state_dir(tmp_path: Path) -> None:
    file = tmp_path / "here" / "config.toml"
    file.parent.mkdir()
    file.write_text('state_dir = "../there"')
    config = configuration.load(file, env={})
    assert config.state == tmp_path / "there"
    assert config.beside("chats/") == tmp_path / "here" / "chats"
    assert configuration.load(file, env={"GODMODE_HOME": str(tmp_path / "home")}).state == tmp_path / "home" / "state"


def test_a_secret_comes_from_the_environment_a_file_or_a_systemd_credential_in_this_order(tmp_path: Path) -> None:
    (tmp_path / "NOTION_TOKEN").write_text("from credential\n")
    (tmp_path / "file").write_text("from file\n")
    env = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert configuration.secret("NOTION_TOKEN", env) == "from credential"
    env["NOTION_TOKEN_FILE"] = str(tmp_path / "file")
    assert configuration.secret("NOTION_TOKEN", env) == "from file"
    env["NOTION_TOKEN"] = "from environment"
    assert configuration.secret("NOTION_TOKEN", env) == "from environment"
    assert configuration.secret("N8N_API_KEY", env) is None


def test_a_secret_file_that_is_missing_or_empty_is_said_and_not_taken_for_unset(tmp_path: Path) -> None:
    with pytest.raises(Usage, match="cannot read NOTION_TOKEN from"):
        configuration.secret("NOTION_TOKEN", {"NOTION_TOKEN_FILE": str(tmp_path / "none")})
    (tmp_path / "empty").write_text(" \n")
    with pytest.raises(Usage, match="is empty"):
        configuration.secret("NOTION_TOKEN", {"NOTION_TOKEN_FILE": str(tmp_path / "empty")})


@given(st.text(max_size=40), st.text(max_size=20), st.text(min_size=1, max_size=40))
def test_whatever_is_answered_the_sample_configuration_reads_back_the_same(name: str, phone: str, chats: str) -> None:
    answers = Answers(operator_name=name, operator_phone=phone, chatlogs=chats, digest_time="07:30", quiet_end="05:00")
    settings = configuration.parse(sample_config.text(answers).encode(), FILE)
    assert (settings.operator.name, settings.operator.phone) == (name, phone)
    assert settings.sources == {"chatlogs": {"path": chats}}
    assert settings.jobs.daily_digest.time == "07:30"
    assert settings.quiet_hours.end == "05:00"


def test_the_sample_configuration_of_no_answers_is_all_default() -> None:
    settings = configuration.parse(sample_config.text(Answers()).encode(), FILE)
    assert (settings.timezone, settings.quiet_hours, settings.sources) == (
        Settings().timezone,
        Settings().quiet_hours,
        {},
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[health]\nping_url = "hc-ping.com/x"\n', "line 2: health.ping_url"),
        ('[health]\npings = { daily_digest = "x" }\n', "health.pings"),
        ('[health]\nping_style = "healthcheck"\n', 'did you mean "healthchecks"'),
        ("[health]\ndisk_percent = 101\n", "line 2: health.disk_percent"),
        ('[log]\nformat = "jsn"\n', 'did you mean "json"'),
        ('[log]\nlevl = "info"\n', 'did you mean "level"'),
    ],
)
def test_mistakes_in_health_and_log_are_named(text: str, says: str) -> None:
    with pytest.raises(Usage, match=re.escape(says)):
        configuration.parse(text.encode(), FILE)
