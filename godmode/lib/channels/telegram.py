"""Telegram by a bot: plain text, as the Bot API's `sendMessage` takes it.

Facts: core.telegram.org/bots/api. There is no idempotency key and no way to ask what was sent, so a request without
an answer is Unknown. The token is part of the address: no address is ever logged or part of a message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from godmode.lib.channels.complete import require
from godmode.lib.channels.cutting import divided, utf16
from godmode.lib.config import Section, secret
from godmode.lib.errors import Auth, ExternalApi, Refused, Unknown
from godmode.lib.kernel import Receipt, Site

if TYPE_CHECKING:
    import httpx

LIMIT = 4096  # UTF-16 code units a message
MOST_PARTS = 4  # about as much as anybody reads; the whole text is in the outbox
TOKEN = "TELEGRAM_BOT_TOKEN"


class Telegram:
    """Sends to the configured chat."""

    name, carries = "telegram", frozenset({"message"})
    secrets = (TOKEN,)

    class Settings(Section, frozen=True):
        base_url: str = "https://api.telegram.org"
        chat_id: str | int = ""

    def __init__(self, settings: Settings, site: Site) -> None:
        """Raises Usage where the chat or the token is missing."""
        token = secret(TOKEN)
        require(self.name, chat_id=settings.chat_id, TELEGRAM_BOT_TOKEN=token)
        self.recipients = (str(settings.chat_id).strip().lower(),)
        self._base, self._token, self._site = settings.base_url.rstrip("/"), token or "", site

    def parts(self, text: str) -> tuple[str, ...]:
        """The text as messages that Telegram takes."""
        return divided(text, LIMIT, MOST_PARTS, utf16)

    def send(self, to: str, text: str, key: str) -> Receipt:
        """Send one message. Raises Unknown when nobody knows whether it arrived."""
        message = {"chat_id": to, "text": text, "link_preview_options": {"is_disabled": True}}
        return Receipt(str(self._post("sendMessage", json=message)["message_id"]))

    def _post(self, method: str, **body: Any) -> dict[str, Any]:
        """The `result` of a method that sends something."""
        from godmode.lib import http

        address = f"{self._base}/bot{quote(self._token, safe=':')}/{method}"
        with http.client(self._base, before=self._site.check) as client, http.translated("Telegram", sends=True):
            response = client.post(address, **body)
        answer = _answer(response)
        result = answer.get("result")
        if not response.is_success or answer.get("ok") is not True:
            self._refuse(response, answer)
        if not isinstance(result, dict) or "message_id" not in result:
            raise Unknown("Telegram's answer names no message, so it may have been sent", "check base_url")
        return result

    def _refuse(self, response: httpx.Response, answer: dict[str, Any]) -> None:
        """Raise what an answer that is no success means."""
        from godmode.lib import http

        status, said = response.status_code, " ".join(str(answer.get("description", "")).split())[:200]
        wait, moved = _parameters(answer)
        if response.is_success or (status in (502, 504) and not answer):
            raise Unknown(f"Telegram's gateway answered {status} without a word, so it may have been sent")
        if status in (401, 404):
            raise Auth(f"Telegram answered {status}: it does not know the bot", f"check {TOKEN} and base_url")
        if status == 429:
            raise ExternalApi(
                f"Telegram answered 429: {said}",
                retry_after=wait or http.retry_after(response.headers, self._site.clock.now()),
            )
        if status == 403:
            raise Refused(f"Telegram answered 403: {said}", "write to the bot from that chat, or unblock it")
        if status == 400:
            fix = f'set channels.telegram.chat_id = "{moved}"' if moved else "check channels.telegram.chat_id"
            raise Refused(f"Telegram answered 400: {said}", fix if moved or "chat" in said.lower() else "")
        raise http.failure("Telegram", status, response.headers, self._site.clock.now(), said)


def _answer(response: httpx.Response) -> dict[str, Any]:
    """The answer's JSON object, or an empty one."""
    try:
        answer = response.json()
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _parameters(answer: dict[str, Any]) -> tuple[Any, Any]:
    """How long a 429 asks to wait, and the chat's new id where a group became a supergroup."""
    from datetime import timedelta

    found = answer.get("parameters")
    known = found if isinstance(found, dict) else {}
    wait = known.get("retry_after")
    return timedelta(seconds=float(wait)) if isinstance(wait, int | float) else None, known.get("migrate_to_chat_id")
