"""CallMeBot: a real Telegram voice call that speaks up to 256 characters.

It answers 200 whatever happened, with a page that says so, and cannot be asked whether the call was answered.
"""

from __future__ import annotations

import re

from godmode.lib import address
from godmode.lib.channels.complete import require
from godmode.lib.channels.cutting import short
from godmode.lib.errors import ExternalApi, Refused
from godmode.lib.kernel import Receipt
from godmode.lib.ports import Site
from godmode.lib.sections import Address, Section

LIMIT = 256  # characters, about 18 s of speech
RING = 30  # seconds that it rings
_TAGS = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.IGNORECASE | re.DOTALL)
_BUSY = re.compile(r"too many|limit|try again|please wait|busy|queue is full|flood", re.IGNORECASE)
_WRONG = re.compile(
    r"\berrors?\b|not (been |yet )*authori[sz]ed|unauthori[sz]ed|(need|have) to authori[sz]e|invalid|not found"
    r"|does(n.t| not) exist|no such|blocked|missing|could not|couldn.t|cannot|can.t|failed|not allowed|disabled",
    re.IGNORECASE,
)


class CallMeBot:
    """Rings the configured Telegram user."""

    name, carries = "callmebot", frozenset({"voice"})
    secrets: tuple[str, ...] = ()

    class Settings(Section, frozen=True):
        base_url: Address = "https://api.callmebot.com"
        user: str = ""
        lang: str = "en-GB-Standard-B"

    def __init__(self, settings: Settings, site: Site) -> None:
        """Raises Usage where the user is missing or no Telegram user."""
        require(self.name, user=settings.user)
        user = settings.user.strip()
        self.recipients = (address.normal(user if user.startswith(("@", "+")) else f"@{user}"),)
        self._settings, self._site = settings, site

    def call(self, to: str, text: str, key: str) -> Receipt:
        """Ring, and speak the beginning of the text. Raises Unknown when nobody knows whether it rang."""
        from godmode.lib import http

        base = self._settings.base_url.rstrip("/")
        query = {
            "user": to, "text": short(" ".join(text.split()), LIMIT), "lang": self._settings.lang,
            "rpt": "1", "cc": "no", "timeout": str(RING),
        }  # fmt: skip
        with (
            http.client(base, before=self._site.check, timeout=RING + 15.0) as client,
            http.translated("CallMeBot", sends=True),
        ):
            response = client.get(f"{base}/start.php", params=query)
        page = " ".join(_TAGS.sub(" ", response.text).split())
        http.check("CallMeBot", response, self._site.clock.now(), page[:200])
        if _BUSY.search(page):
            raise ExternalApi(f"CallMeBot did not ring: {page[:200]}")
        if _WRONG.search(page):
            raise Refused(f"CallMeBot did not ring: {page[:200]}", "authorise it: write /start to @CallMeBot_txtbot")
        return Receipt(key)

    send = call
