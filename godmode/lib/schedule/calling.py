"""How cron and systemd have to call this godmode: they know nothing of the shell that asked. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SECRETS = (
    "DATABASE_URL", "NOTION_TOKEN", "N8N_API_KEY", "HUBSPOT_ACCESS_TOKEN", "TELEGRAM_BOT_TOKEN",
    "SALESMSG_API_TOKEN", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "BACKUP_DATABASE_URL",
)  # fmt: skip
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Call:
    """`program` is a name on PATH or a whole path, `config` what `--config` named, `environment` what else a run
    needs to find its files (never a secret). `name` tells the installations of one user apart: the configuration's
    path, and nothing for the default one.
    """

    program: str = "godmode"
    config: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    name: str = ""

    def words(self, *more: str) -> list[str]:
        """The words of a command line."""
        return [self.program, *(["--config", self.config] if self.config else []), *more]
