"""The desk of a person who is reached by call, SMS and telegram."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import psycopg
from fakes.company import Desk, configured
from fakes.telegram import CHAT, Telegram
from fakes.twilio import Twilio

from godmode.lib.config import Config
from godmode.lib.kernel import Notification, Severity

PHONE = "+15125550100"
NIGHT = datetime(2026, 3, 11, 8, 0, tzinfo=UTC)  # 03:00 in Chicago
MORNING = datetime(2026, 3, 11, 11, 0, tzinfo=UTC)  # 06:00, where quiet hours end


class Reached(Desk):
    """The desk with a telegram chat and a phone on the allowlist."""

    def __init__(self, config: Config, routes: str, telegram: Telegram, twilio: Twilio) -> None:
        text = (
            f'operator = {{ phone = "{PHONE}" }}\n'
            f'[channels.twilio]\nbase_url = "{twilio.url}"\nfrom = "+15125550199"\n'
            f'[channels.telegram]\nbase_url = "{telegram.url}"\nchat_id = "{CHAT}"\n{routes}'
        )
        super().__init__(configured(config, text))
        twilio.now = self.at.now

    def release(self) -> Any:
        return dict(self.work(lambda ctx: ctx.notify.release()))


def note(severity: Severity, key: str = "k", type_: str = "incident", title: str = "n8n is down") -> Notification:
    return Notification(type_, severity, title, "since 03:10", key)


def status(db: psycopg.Connection, key: str = "k") -> Any:
    row = db.execute("SELECT status FROM notifications WHERE dedup_key = %s ORDER BY id DESC", (key,)).fetchone()
    return row[0] if row else None
