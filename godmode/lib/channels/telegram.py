"""Telegram by a bot: plain text by the Bot API's `sendMessage`, a voice message by `sendVoice`; with `approvals`,
buttons under a text, and what is said to the bot by `getUpdates`.

Facts: core.telegram.org/bots/api. There is no idempotency key and no way to ask what was sent, so a request without
an answer is Unknown. The token is part of the address: no address is ever logged or part of a message.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote

from godmode.lib import address
from godmode.lib.channels import answers
from godmode.lib.channels.complete import require
from godmode.lib.channels.cutting import divided, short
from godmode.lib.config import secret
from godmode.lib.errors import Auth, ExternalApi, Refused, Transient, Unknown
from godmode.lib.gsm import utf16
from godmode.lib.kernel import Button, Receipt
from godmode.lib.ports import Site, Word
from godmode.lib.sections import Address, Section

if TYPE_CHECKING:
    import httpx

LIMIT, CAPTION = 4096, 1024  # UTF-16 code units a message, and under a voice message
MOST_PARTS = 4  # about as much as anybody reads; the whole text is in the outbox
ANSWERED = 200  # characters that are shown to who pressed a button
PATIENCE = 5.0  # seconds for each step of a request that the 30-second job makes beside its own work
TOKEN = "TELEGRAM_BOT_TOKEN"


class Telegram:
    """Sends to the configured chat, and with `approvals` hears what is said to the bot."""

    name, carries = "telegram", frozenset({"message", "voice"})
    secrets = (TOKEN,)

    class Settings(Section, frozen=True):
        base_url: Address = "https://api.telegram.org"
        chat_id: str | int = ""
        approvals: bool = False

    def __init__(self, settings: Settings, site: Site) -> None:
        """Raises Usage where the token or the chat is missing, or the chat is none."""
        token = secret(TOKEN)
        require(self.name, chat_id=settings.chat_id, TELEGRAM_BOT_TOKEN=token)
        self.recipients = (address.normal(str(settings.chat_id)),)
        self.listens = settings.approvals
        self._base, self._token, self._site = settings.base_url.rstrip("/"), token or "", site

    def prove(self) -> str:
        """Whose the token is (`getMe`)."""
        response = self._post("getMe", sends=False)
        answer = answers.document(response)
        bot = answer.get("result")
        if answer.get("ok") is not True or not isinstance(bot, dict):
            self._unanswered(response, answer)
        return f"the token is that of the bot @{bot.get('username')}"

    def parts(self, text: str) -> tuple[str, ...]:
        """The text as messages that Telegram takes."""
        return divided(text, LIMIT, MOST_PARTS, utf16)

    def send(self, to: str, text: str, key: str) -> Receipt:
        """Send one message. Raises Unknown when nobody knows whether it arrived."""
        return self._sent("sendMessage", json=_message(to, text, ()))

    def offer(self, to: str, text: str, buttons: Sequence[Button], key: str) -> Receipt:
        """Send one message with buttons under it, two in a row. Raises as `send` does."""
        return self._sent("sendMessage", json=_message(to, text, buttons))

    def reply(self, to: str, text: str, buttons: Sequence[Button], key: str) -> Receipt:
        """The same for somebody who waits: it gives up early. Raises as `send` does."""
        return self._sent("sendMessage", PATIENCE, json=_message(to, short(text, LIMIT, utf16), buttons))

    def speak(self, to: str, sound: bytes, caption: str, key: str) -> Receipt:
        """Send a voice message: OGG with Opus. Raises as `send` does."""
        form = {"chat_id": to, "caption": short(caption, CAPTION, utf16)}
        return self._sent("sendVoice", data=form, files={"voice": ("godmode.ogg", sound, "audio/ogg")})

    # -- what is said to the bot ---------------------------------------------------------------------------

    def words(self, since: int) -> Sequence[Word]:
        """What was said from this number on, at most 100; Telegram keeps it for a day, and forgets what is before.

        Raises what `send` does, but for Unknown: it can be read again.
        """
        from godmode.lib.channels import telegram_updates

        wanted = {"timeout": 0, "allowed_updates": telegram_updates.WANTED} | ({"offset": since} if since else {})
        response = self._post("getUpdates", PATIENCE, sends=False, json=wanted)
        answer = answers.document(response)
        result = answer.get("result")
        if answer.get("ok") is not True or not isinstance(result, list):
            self._unanswered(response, answer)
        return telegram_updates.words(result)

    def acknowledge(self, press: str, text: str) -> Receipt:
        """Show a short text to who pressed a button. Raises as `words` does."""
        shown = {"callback_query_id": press, "text": short(text, ANSWERED, utf16)}
        response = self._post("answerCallbackQuery", PATIENCE, sends=False, json=shown)
        answer = answers.document(response)
        if answer.get("ok") is not True:
            self._unanswered(response, answer)
        return Receipt(press)

    # -- requests ------------------------------------------------------------------------------------------

    def _post(self, method: str, timeout: float | None = None, *, sends: bool = True, **body: Any) -> httpx.Response:
        from godmode.lib import http

        where = f"{self._base}/bot{quote(self._token, safe=':')}/{method}"
        made = http.client if timeout is None else partial(http.client, timeout=timeout)
        with made(self._base, before=self._site.check) as client, http.translated("Telegram", sends=sends):
            return client.post(where, **body)

    def _sent(self, method: str, timeout: float | None = None, **body: Any) -> Receipt:
        response = self._post(method, timeout, **body)
        answer = answers.document(response)
        result = answer.get("result")
        if answer.get("ok") is not True or not isinstance(result, dict) or "message_id" not in result:
            self._refuse(response, answer)
        return Receipt(str(result["message_id"]))

    def _unanswered(self, response: httpx.Response, answer: dict[str, Any]) -> NoReturn:
        """Raise what an answer means that is no success of a request which may be made again."""
        try:
            self._refuse(response, answer)
        except Unknown as e:
            raise Transient(f"Telegram answered {response.status_code}, and not what was asked", e.fix) from None

    def _refuse(self, response: httpx.Response, answer: dict[str, Any]) -> NoReturn:
        """Raise what an answer that is no success means."""
        status, said = response.status_code, " ".join(str(answer.get("description", "")).split())[:200]
        wait, moved = _parameters(answer)
        if status in (401, 404):
            raise Auth(f"Telegram answered {status}: it does not know the bot", f"check {TOKEN} and base_url")
        if status == 429 and wait is not None:
            raise ExternalApi(f"Telegram answered 429: {said}", retry_after=wait)
        if status == 409 and "webhook" in said.lower():
            raise Refused(
                f"Telegram answered 409: {said}", "delete the bot's webhook, or give godmode a bot of its own"
            )
        if status == 409:
            raise Transient(f"Telegram answered 409: {said}", "no other program may read the bot's updates")
        if status == 403:
            raise Refused(f"Telegram answered 403: {said}", "write to the bot from that chat, or unblock it")
        if status == 400 and (moved or "chat" in said.lower()):
            fix = f'set channels.telegram.chat_id = "{moved}"' if moved else "check channels.telegram.chat_id"
            raise Refused(f"Telegram answered 400: {said}", fix)
        answers.refuse("Telegram", response, said, self._site.clock.now())


def _message(to: str, text: str, buttons: Sequence[Button]) -> dict[str, Any]:
    message: dict[str, Any] = {"chat_id": to, "text": text, "link_preview_options": {"is_disabled": True}}
    if not buttons:
        return message
    keys = [{"text": button.label, "callback_data": button.data} for button in buttons]
    rows = [keys[n : n + 2] for n in range(0, len(keys), 2)]
    return message | {"reply_markup": {"inline_keyboard": rows}}


def _parameters(answer: dict[str, Any]) -> tuple[timedelta | None, Any]:
    """How long a 429 asks to wait, and the chat's new id where a group became a supergroup."""
    found = answer.get("parameters")
    known = found if isinstance(found, dict) else {}
    wait = known.get("retry_after")
    return timedelta(seconds=wait) if isinstance(wait, int | float) else None, known.get("migrate_to_chat_id")
