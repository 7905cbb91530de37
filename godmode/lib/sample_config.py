"""The configuration that `godmode init` writes: commented, with the answers in it. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Answers:
    """What init asked for. An empty `chatlogs` leaves the source out."""

    timezone: str = "America/Chicago"
    operator_name: str = ""
    operator_phone: str = ""
    chatlogs: str = ""
    digest_time: str = "08:00"
    call_time: str = "06:00"
    quiet_start: str = "21:00"
    quiet_end: str = "06:00"


def text(answers: Answers) -> str:
    """The file's text. Every value is quoted, so any answer is TOML."""
    chatlogs = f"[sources.chatlogs]\npath = {_quoted(answers.chatlogs)}\n" if answers.chatlogs else _NO_CHATLOGS
    return _TEXT.format(
        **{key: _quoted(value) for key, value in vars(answers).items() if key != "chatlogs"}, chatlogs=chatlogs
    )


def _quoted(value: str) -> str:
    """A TOML basic string: JSON's escapes are TOML's, but for DEL and the halves of surrogate pairs."""
    plain = value.encode("utf-8", "replace").decode()
    return json.dumps(plain, ensure_ascii=False).replace("\x7f", "\\u007F")


_NO_CHATLOGS = """\
# A folder that you drop chat exports into (ChatGPT, Claude, Telegram Desktop, Slack, JSON lines):
# [sources.chatlogs]
# path = "chats/"
"""

_TEXT = """\
# godmode's configuration. `godmode config check` names a mistake by its line.
# Secrets are not kept here: they come from the environment, from NAME_FILE, from systemd credentials, or from lines
# NAME=value in secrets.env beside this file (`chmod 600`), which runs from cron read too: they have no environment.

# All hours of this file are in this zone.
timezone = {timezone}

# Nothing speaks to you within these hours but SEV0 and SEV1. Equal times mean no quiet hours.
quiet_hours = {{ start = {quiet_start}, end = {quiet_end} }}

# Where state and the embedded database are kept; the default is the XDG state folder, for root /var/lib/godmode.
# state_dir = "state/"

[operator]
name = {operator_name}
phone = {operator_phone}

[jobs.daily_digest]
time = {digest_time}

[jobs.morning_call]
time = {call_time}

# How often the sources are read and patterns are looked for.
# [jobs.periodic_scan]
# interval_minutes = 30

{chatlogs}
# Services that are read; each needs its secret in the environment: NOTION_TOKEN, N8N_API_KEY, HUBSPOT_ACCESS_TOKEN.
# `godmode sources test NAME` proves one. daily_calls is a fuse, max_seconds bounds a sync from cron.
# [sources.notion]
# property = "Tags"
# tags = ["SOP", "Canonical", "Final"]
# [sources.n8n]
# base_url = "https://n8n.example.com"
# scan_interval_minutes = 30
# [sources.hubspot]
# poll_interval_minutes = 30
# overlap_minutes = 15

# How you are reached; without any of these, messages are printed. Nothing leaves for anyone who is not on the
# allowlist: `godmode channels` says what is missing, `godmode channels test NAME` tries one out.
# [channels.telegram]              # and TELEGRAM_BOT_TOKEN: messages
# chat_id = "123456789"
# approvals = true                 # buttons under proposals; /status and /kill from chats on the allowlist
# [channels.twilio]                # and TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN: calls and SMS to your phone
# from = "+15125550199"
# messaging_service = "MG…"        # for health.pre_armed
# [channels.salesmsg]              # and SALESMSG_API_TOKEN: SMS to your phone
# team_id = "1"
# [channels.callmebot]             # calls by Telegram
# user = "@name"
# [channels.apprise]               # e-mail, ntfy, Slack and others; the first that works is enough
# urls = ["ntfy://topic"]

# Each night a backup (`godmode db backup`), once a week brought back into a scratch server and compared.
# [backup]
# daily = true
# folder = "backups/"              # relative to this file; left out: the state folder's own
# keep = 7                         # the newest; older ones are moved to its folder `old`
# keep_aside = 23                  # and so many are kept there

# The morning call's voice, and that of voice messages; both need `pip install 'godmode[voice]'`.
# [speech]
# voice = "en-us"                  # one of espeak-ng's
# piper = "voices/en_US.onnx"      # or a voice file for piper (`pip install piper-tts`)

# SEV0 rings, then texts, then writes; SEV1 texts, then writes; the rest is for the digest. What you want otherwise:
# [[routes]]
# severity = "WARN"                # SEV0, SEV1, WARN, INFO; left out: any
# type = "health_alert"            # left out: any
# via = ["message", "sms"]         # call, sms, message, in the order they are tried; or digest

# The digest's last line: the beginning of the newest seal of the audit log (`godmode audit verify --seal`).
# [digest]
# seal = true

# What the health monitor calls unwell, and who hears of it when it cannot work itself.
# [health]
# ping_url = "https://hc-ping.com/…" # Healthchecks, Cronitor or Uptime Kuma: the alarm when they hear nothing
# pings = {{ daily_digest = "https://…" }} # the same for other jobs
# fallback = ["telegram"]          # who tells of a monitor that cannot work; left out: the ways of SEV1
# pre_armed = true                 # Twilio holds an SMS that says at 08:10 that godmode did not run
# disk_percent = 95                # also: disk_hours, database_ms, vacuum_days, clock_seconds, credential_days

# [log]
# format = "json"                  # or plain
# level = "info"                   # debug, info, warning, error

# How often trouble is looked for, and from where on it is trouble.
# [watchers]
# checkIntervalMinutes = 5
# [watchers.repeated_failures]
# failures = 3
# within_minutes = 30
# [watchers.failure_rate]
# percent = 10
# sev1_percent = 50                # of all workflow runs; 101: never
# least = 20                       # of fewer runs nothing is said
# least_together = 5               # of all workflows together, at least so many have to have failed
# within_minutes = 60
# [watchers.silent_workflows]
# expected_runs = 10               # that should have come by now, of what follows no schedule
# least_weeks = 3                  # of history
# [watchers.stale_sources]
# intervals = 3
# [watchers.rate_limits]
# info_percent = 80
# warn_percent = 95
# shortest_window_seconds = 60     # the pace of seconds is no limit to be told of
# refused_calls = 10               # answers of 429 within an hour
# [watchers.cost_anomaly]
# info_percent_over = 200          # over the same hour of this weekday
# warn_percent_over = 400
# least_calls = 10                 # a lower baseline is taken as this
# least_weeks = 3                  # of history
# [watchers.slow_jobs]
# seconds = 30
# within_minutes = 60
# besides = ["morning_call"]
# [watchers.missed_slots]
# minutes = 10                     # shorter gaps are no trouble
# [watchers.stuck_claims]
# after_minutes = 15               # past the lease
# [watchers.queue_depth]
# rows = 100
# [watchers.dead_letters]
# new = 3
# within_minutes = 60
# [watchers.performance]
# average_ms = 1000
# within_minutes = 30

# When what has stayed away is over, and how often you are told again of what you do not acknowledge.
# [incidents]
# resolve_after_minutes = 30
# sev0_again_minutes = 10
# sev0_again_times = 6
# sev1_again_minutes = 60
# sev1_again_times = 4

# How far back patterns are looked for, counted from the newest message, and how sure they have to be (0 to 1).
# [detectors]
# lookback_days = 14
# min_confidence = 0.6
"""
