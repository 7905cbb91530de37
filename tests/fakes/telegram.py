"""A Telegram Bot API that keeps what it delivered, answers as the real one does, and can be hostile.

Requests are held to a fragment of the Bot API's own description (specs/telegram.json).
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fakes.served import Answer, Request, Served

CHAT = "123456789"
TOKEN = "123456:AA-fake_bot-token"
METHODS = json.loads((Path(__file__).parent / "specs" / "telegram.json").read_text())["methods"]
PYTHON = {
    "String": (str,), "Integer": (int,), "Boolean": (bool,), "LinkPreviewOptions": (dict,), "InputFile": (bytes,),
    "InlineKeyboardMarkup": (dict,), "Array of String": (list,),
}  # fmt: skip


@dataclass(frozen=True)
class Delivered:
    """One message that arrived."""

    chat_id: str
    text: str
    method: str = "sendMessage"
    buttons: tuple[tuple[str, str], ...] = ()


class Telegram(Served):
    """`chats` are those that know the bot, `blocked` those that blocked it; `no_voice`: they take no voice messages.

    `mood` is how it answers: "well"; "hangs_up" and "slow" deliver and give no answer; "busy" is a 429 with
    `retry_after`; "webhook" a 409 to `getUpdates`; "down" a 500; "gateway" a 502 of the proxy in front;
    "page" a 200 that is no JSON.
    """

    def __init__(self, *chats: str) -> None:
        super().__init__(self._act)
        self.chats, self.blocked = set(chats), set[str]()
        self.delivered: list[Delivered] = []
        self.mood, self.retry_after, self.no_voice = "well", 7, False
        self.go_on = threading.Event()
        self.updates: list[dict[str, Any]] = []
        self.acknowledged: list[tuple[str, str]] = []
        self._next = 1000

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.delivered]

    def types(self, chat: int, text: str, at: int) -> None:
        """Somebody writes to the bot, at a time in seconds since 1970."""
        self._said({"message": {"message_id": 1, "chat": {"id": chat, "type": "private"}, "date": at, "text": text}})

    def presses(self, chat: int, data: str) -> None:
        """Somebody presses a button under a message of the bot."""
        message = {"message_id": 1, "chat": {"id": chat, "type": "private"}, "date": 0}
        press = {"id": f"q{self._next}", "from": {"id": chat}, "message": message, "chat_instance": "1", "data": data}
        self._said({"callback_query": press})

    def _said(self, update: dict[str, Any]) -> None:
        self.updates.append({"update_id": self._next} | update)
        self._next += 1

    def asked(self, method: str) -> list[Request]:
        """The requests of a method."""
        return [request for request in self.requests if request.path.endswith(f"/{method}")]

    def _act(self, request: Request) -> Answer:
        token, _, method = request.path.removeprefix("/bot").partition("/")
        if token != TOKEN or method not in METHODS:
            return _no(404 if method not in METHODS else 401, "Not Found" if method not in METHODS else "Unauthorized")
        if wrong := _against_the_description(method, request.form):
            return _no(400, f"Bad Request: {wrong}")
        if self.mood == "busy":
            return _no(429, f"Too Many Requests: retry after {self.retry_after}", retry_after=self.retry_after)
        if self.mood == "down":
            return _no(500, "Internal Server Error")
        if method == "getMe":
            return Answer(document={"ok": True, "result": {"id": 123456, "is_bot": True, "username": "godmode_bot"}})
        if method == "getUpdates":
            return self._updates(request.form)
        if method == "answerCallbackQuery":
            self.acknowledged.append((request.form["callback_query_id"], request.form.get("text", "")))
            return Answer(document={"ok": True, "result": True})
        return self._refusal(method, request.form) or self._deliver(method, request)

    def _deliver(self, method: str, request: Request) -> Answer:
        text, rows = str(request.form.get("text", "")), request.form.get("reply_markup", {}).get("inline_keyboard", [])
        buttons = tuple((key["text"], key["callback_data"]) for row in rows for key in row)
        self.delivered.append(Delivered(str(request.form["chat_id"]), text, method, buttons))
        if self.mood == "hangs_up":
            return Answer(hang_up=True)
        if self.mood == "gateway":
            return Answer(502, page="<html>Bad Gateway</html>")
        if self.mood == "page":
            return Answer(page="<html>Sign in</html>")
        if self.mood == "slow":
            self.go_on.wait(30)
        return Answer(document={"ok": True, "result": {"message_id": len(self.delivered), "text": ""}})

    def _updates(self, form: dict[str, Any]) -> Answer:
        """What is new; what stands before the offset is forgotten (core.telegram.org/bots/api#getupdates)."""
        if self.mood == "webhook":
            return _no(409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook")
        self.updates = [update for update in self.updates if update["update_id"] >= form.get("offset", 0)]
        return Answer(document={"ok": True, "result": self.updates[: form.get("limit", 100)]})

    def _refusal(self, method: str, form: dict[str, Any]) -> Answer | None:
        if method == "sendVoice" and self.no_voice:
            return _no(400, "Bad Request: VOICE_MESSAGES_FORBIDDEN")
        chat, text = str(form["chat_id"]), form.get("text", "")
        keys = [key for row in form.get("reply_markup", {}).get("inline_keyboard", []) for key in row]
        if any(not 1 <= len(key["callback_data"].encode()) <= 64 for key in keys):
            return _no(400, "Bad Request: BUTTON_DATA_INVALID")
        if chat in self.blocked:
            return _no(403, "Forbidden: bot was blocked by the user")
        if chat not in self.chats:
            return _no(400, "Bad Request: chat not found")
        if len(text.encode("utf-16-le")) // 2 > 4096:
            return _no(400, "Bad Request: message is too long")
        if "text" in form and not text.strip():
            return _no(400, "Bad Request: message text is empty")
        return None


def _no(status: int, description: str, **parameters: Any) -> Answer:
    document = {"ok": False, "error_code": status, "description": description}
    return Answer(status, document | ({"parameters": parameters} if parameters else {}))


def _against_the_description(method: str, form: dict[str, Any]) -> str | None:
    known = METHODS[method]
    for name, value in form.items():
        if name not in known:
            return f"unknown field {name}"
        kinds = tuple(kind for t in known[name]["types"] for kind in PYTHON.get(t, (dict, list)))
        if not isinstance(value, kinds):
            return f"{name} has the wrong type"
    return next((f"{name} is missing" for name, field in known.items() if field["required"] and name not in form), None)
