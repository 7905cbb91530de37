"""Telegram by a bot: plain text by the Bot API's `sendMessage`, a voice message by `sendVoice`.

Facts: core.telegram.org/bots/api. There is no idempotency key and no way to ask what was sent, so a request without
an answer is Unknown. The token is part of the address: no address is ever logged or part of a message.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote

from godmode.lib import address
from godmode.lib.channels import answers
from godmode.lib.channels.complete import require
from godmode.lib.channels.cutting import divided, short
from godmode.lib.config import Section, secret
from godmode.lib.errors import Auth, ExternalApi, Refused
from godmode.lib.gsm import utf16
from godmode.lib.kernel import Receipt
from godmode.lib.ports import Site

if TYPE_CHECKING:
    import httpx

LIMIT, CAPTION = 4096, 1024  # UTF-16 code units a message, and under a voice message
MOST_PARTS = 4  # about as much as anybody reads; the whole text is in the outbox
TOKEN = "TELEGRAM_BOT_TOKEN"


class Telegram:
    """Sends to the configured chat."""

    name, carries = "telegram", frozenset({"message", "voice"})
    secrets = (TOKEN,)

    class Settings(Section, frozen=True):
        base_url: str = "https://api.telegram.org"
        chat_id: str | int = ""

    def __init__(self, settings: Settings, site: Site) -> None:
        """Raises Usage where the token or the chat is missing, or the chat is none."""
        token = secret(TOKEN)
        require(self.name, chat_id=settings.chat_id, TELEGRAM_BOT_TOKEN=token)
        self.recipients = (address.normal(str(settings.chat_id)),)
        self._base, self._token, self._site = settings.base_url.rstrip("/"), token or "", site

    def parts(self, text: str) -> tuple[str, ...]:
        """The text as messages that Telegram takes."""
        return divided(text, LIMIT, MOST_PARTS, utf16)

    def send(self, to: str, text: str, key: str) -> Receipt:
        """Send one message. Raises Unknown when nobody knows whether it arrived."""
        message = {"chat_id": to, "text": text, "link_preview_options": {"is_disabled": True}}
        return self._post("sendMessage", json=message)

    def speak(self, to: str, sound: bytes, caption: str, key: str) -> Receipt:
        """Send a voice message: OGG with Opus. Raises as `send` does."""
        form = {"chat_id": to, "caption": short(caption, CAPTION, utf16)}
        return self._post("sendVoice", data=form, files={"voice": ("godmode.ogg", sound, "audio/ogg")})

    def _post(self, method: str, **body: Any) -> Receipt:
        from godmode.lib import http

        where = f"{self._base}/bot{quote(self._token, safe=':')}/{method}"
        with http.client(self._base, before=self._site.check) as client, http.translated("Telegram", sends=True):
            response = client.post(where, **body)
        answer = answers.document(response)
        result = answer.get("result")
        if answer.get("ok") is not True or not isinstance(result, dict) or "message_id" not in result:
            self._refuse(response, answer)
        return Receipt(str(result["message_id"]))

    def _refuse(self, response: httpx.Response, answer: dict[str, Any]) -> NoReturn:
        """Raise what an answer that is no success means."""
        status, said = response.status_code, " ".join(str(answer.get("description", "")).split())[:200]
        wait, moved = _parameters(answer)
        if status in (401, 404):
            raise Auth(f"Telegram answered {status}: it does not know the bot", f"check {TOKEN} and base_url")
        if status == 429 and wait is not None:
            raise ExternalApi(f"Telegram answered 429: {said}", retry_after=wait)
        if status == 403:
            raise Refused(f"Telegram answered 403: {said}", "write to the bot from that chat, or unblock it")
        if status == 400 and (moved or "chat" in said.lower()):
            fix = f'set channels.telegram.chat_id = "{moved}"' if moved else "check channels.telegram.chat_id"
            raise Refused(f"Telegram answered 400: {said}", fix)
        answers.refuse("Telegram", response, said, self._site.clock.now())


def _parameters(answer: dict[str, Any]) -> tuple[timedelta | None, Any]:
    """How long a 429 asks to wait, and the chat's new id where a group became a supergroup."""
    found = answer.get("parameters")
    known = found if isinstance(found, dict) else {}
    wait = known.get("retry_after")
    return timedelta(seconds=wait) if isinstance(wait, int | float) else None, known.get("migrate_to_chat_id")
