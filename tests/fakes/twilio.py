"""A Twilio that keeps the calls and messages it was asked for, lists them, and can be hostile.

Requests are held to an excerpt of Twilio's own OpenAPI description (specs/twilio.json).
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from fakes.served import Answer, Request, Served

SID, TOKEN = "AC" + "0" * 32, "fake-twilio-auth-token"
SPEC = json.loads((Path(__file__).parent / "specs" / "twilio.json").read_text())["paths"]
BASIC = "Basic " + base64.b64encode(f"{SID}:{TOKEN}".encode()).decode()


class Twilio(Served):
    """`calls` and `messages` are what was made, oldest first; `fate` is what becomes of the next calls.

    `mood`: "well"; "hangs_up" and "slow" make it and give no answer; "busy" is a 429; "down" a 503; "gateway" a 502
    without a word. `opted_out` and `bad` are numbers. `lists` off: the lists lag behind and show nothing. What is
    scheduled is sent once its time has come, as `now` goes on.
    """

    def __init__(self, now: Callable[[], datetime] = lambda: datetime(2026, 3, 10, 17, 0, tzinfo=UTC)) -> None:
        super().__init__(self._act)
        self.now, self.mood, self.lists = now, "well", True
        self.account = "active"
        self.opted_out, self.bad = set[str](), set[str]()
        self.made: list[dict[str, Any]] = []
        self.fate: tuple[str, str | None] = ("queued", None)
        self.go_on = threading.Event()

    @property
    def calls(self) -> list[dict[str, Any]]:
        return [made for made in self.made if made["sid"].startswith("CA")]

    @property
    def messages(self) -> list[str]:
        """The texts that went out, or are about to."""
        self._pass_time()
        return [m["body"] for m in self.made if m["sid"].startswith("SM") and m["status"] in ("queued", "sent")]

    @property
    def waiting(self) -> list[tuple[str, datetime]]:
        """What is scheduled, and for when."""
        self._pass_time()
        return [(m["body"], m["send_at"]) for m in self.made if m["status"] == "scheduled"]

    def _pass_time(self) -> None:
        for made in self.made:
            if made["status"] == "scheduled" and made["send_at"] <= self.now():
                made["status"] = "sent"

    def becomes(self, status: str, answered_by: str | None = None) -> None:
        """What became of every call made, and of those to come."""
        self.fate = status, answered_by
        for call in self.calls:
            call["status"], call["answered_by"] = status, answered_by

    def _act(self, request: Request) -> Answer:
        if request.headers.get("authorization") != BASIC:
            return _no(401, 20003, "Authenticate")
        resource = request.path.removeprefix(f"/2010-04-01/Accounts/{SID}/")
        if self.mood == "busy":
            return _no(429, 20429, "Too Many Requests")
        if self.mood == "down":
            return _no(503, 20503, "Service unavailable")
        if request.method == "GET" and request.path == f"/2010-04-01/Accounts/{SID}.json":
            return Answer(document={"sid": SID, "friendly_name": "Acme", "status": self.account})
        if request.method == "GET":
            return self._show(resource, request)
        return self._make(resource, request.form)

    def _show(self, resource: str, request: Request) -> Answer:
        if resource.startswith("Calls/"):
            call = next((c for c in self.calls if resource == f"Calls/{c['sid']}.json"), None)
            return Answer(document=call) if call else _no(404, 20404, "The requested resource was not found")
        if resource.startswith("Messages/"):
            one = next((m for m in self.made if resource == f"Messages/{m['sid']}.json"), None)
            return Answer(document=_shown(one)) if one else _no(404, 20404, "The requested resource was not found")
        if unknown := set(request.query) - set(SPEC[resource]["get"]):
            return _no(400, 20001, f"unknown parameter {unknown}")
        prefix, name = ("CA", "calls") if resource == "Calls.json" else ("SM", "messages")
        found = [m for m in reversed(self.made) if m["sid"].startswith(prefix) and m["to"] == request.query["To"]]
        listed = [_shown(made) for made in found[: int(request.query["PageSize"])]]
        return Answer(document={name: listed if self.lists else []})

    def _change(self, resource: str, form: dict[str, Any]) -> Answer:
        """A message that waits is taken back; one that has gone out, or was taken back before, is not."""
        self._pass_time()
        made = next((m for m in self.made if resource == f"Messages/{m['sid']}.json"), None)
        if made is None:
            return _no(404, 20404, "The requested resource was not found")
        if set(form) - set(SPEC["Messages/{Sid}.json"]["post"]["fields"]) or form.get("Status") != "canceled":
            return _no(400, 20001, "Status is not valid")
        if made["status"] != "scheduled":
            return _no(400, 30409, "Message cannot be canceled")
        made["status"] = "canceled"
        return Answer(hang_up=True) if self.mood == "hangs_up" else Answer(200, _shown(made))

    def _schedule(self, form: dict[str, Any], at: datetime) -> Answer | None:
        """Why a message cannot be scheduled."""
        if form.get("ScheduleType") != "fixed" or not form.get("MessagingServiceSid", "").startswith("MG"):
            return _no(400, 35114, "a scheduled message needs ScheduleType=fixed and a MessagingServiceSid")
        if not timedelta(minutes=15) <= at - self.now() <= timedelta(days=35):
            return _no(400, 35114, "SendAt must be between 15 minutes and 35 days in the future")
        return None

    def _make(self, resource: str, form: dict[str, Any]) -> Answer:
        if resource.startswith("Messages/"):
            return self._change(resource, form)
        known = SPEC[resource]["post"]
        missing = [name for name in known["required"] if name not in form]
        if missing or set(form) - set(known["fields"]):
            return _no(400, 20001, f"missing {missing}, unknown {set(form) - set(known['fields'])}")
        if form["To"] in self.bad:
            return _no(400, 21211, f"Invalid 'To' Phone Number: {form['To']}")
        if form["To"] in self.opted_out:
            return _no(400, 21610, "Attempt to send to unsubscribed recipient")
        number, call = len(self.made) + 1, resource == "Calls.json"
        made = {"sid": f"{'CA' if call else 'SM'}{number:032x}", "to": form["To"], "from": form.get("From")}
        made |= {"date_created": format_datetime(self.now()), "body": form.get("Body"), "twiml": form.get("Twiml")}
        made |= {"status": self.fate[0], "answered_by": self.fate[1]} if call else {"status": "queued"}
        if "SendAt" in form:
            made |= {"status": "scheduled", "send_at": datetime.fromisoformat(form["SendAt"])}
            if refused := self._schedule(form, made["send_at"]):
                return refused
        self.made.append(made)
        if self.mood == "hangs_up":
            return Answer(hang_up=True)
        if self.mood == "gateway":
            return Answer(502, page="")
        if self.mood == "slow":
            self.go_on.wait(30)
        return Answer(201, made)


def _shown(made: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in made.items() if name != "send_at"}


def _no(status: int, code: int, message: str) -> Answer:
    return Answer(status, {"code": code, "message": message, "status": status})
