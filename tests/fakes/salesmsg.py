"""A Salesmsg v2.3 whose tokens expire, which renews them, and can be hostile. Fields come as query parameters."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from fakes.served import Answer, Request, Served

TOKEN, TEAM = "fake-salesmsg-token-0", "42"


class Salesmsg(Served):
    """`texts` is what was sent. Tokens last an hour from their issue; a renewed one ends the one before.

    `mood`: "well"; "hangs_up" and "slow" send and give no answer; "busy" a 429; "down" a 503; "page" a 200 that is no
    JSON; "mangled" the 500 that a token it cannot decode gets.
    """

    def __init__(self, now: Callable[[], datetime] = lambda: datetime(2026, 3, 10, 17, 0, tzinfo=UTC)) -> None:
        super().__init__(self._act)
        self.now, self.mood = now, "well"
        self.token, self.expires = TOKEN, now() + timedelta(hours=1)
        self.renewals = 0
        self.texts: list[tuple[str, str]] = []
        self.opted_out = set[str]()
        self.go_on = threading.Event()

    def _act(self, request: Request) -> Answer:
        if self.mood == "mangled":
            return Answer(500, {"message": "Wrong number of segments in token"})
        if request.headers.get("authorization") != f"Bearer {self.token}" or self.now() >= self.expires:
            return Answer(403, {"message": "Could not decode token"})
        if self.mood == "busy":
            return Answer(429, {"message": "Too Many Attempts."})
        if self.mood == "down":
            return Answer(503, {"message": "Service Unavailable"})
        if request.path == "/oauth/personal-token/refresh" and request.method == "POST":
            return self._renew()
        if request.path == "/user" and request.method == "GET":
            return Answer(document={"id": 7, "first_name": "Jonah"})
        if request.path != "/messages" or request.method != "POST":
            return Answer(404, {"message": "Not Found"})
        return self._send(request)

    def _renew(self) -> Answer:
        self.renewals += 1
        self.token, self.expires = f"fake-salesmsg-token-{self.renewals}", self.now() + timedelta(hours=1)
        return Answer(document={"access_token": self.token, "expires_in": 3600})

    def _send(self, request: Request) -> Answer:
        if set(request.query) != {"number", "team_id", "message"} or request.form:
            return Answer(422, {"message": "The given data was invalid."})
        number, text = request.query["number"], request.query["message"]
        if number in self.opted_out:
            return Answer(422, {"message": "Contact has opted out"})
        self.texts.append((number, text))
        if self.mood == "hangs_up":
            return Answer(hang_up=True)
        if self.mood == "page":
            return Answer(page="<html>Sign in</html>")
        if self.mood == "slow":
            self.go_on.wait(30)
        return Answer(document={"id": len(self.texts), "body": text})
