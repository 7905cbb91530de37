"""A CallMeBot that rings, and answers 200 with a page whatever happened."""

from __future__ import annotations

import threading

from fakes.served import Answer, Request, Served

PAGE = "<html><head><title>CallMeBot</title><style>.error {{}}</style></head><body><p>{}</p></body></html>"


class CallMeBot(Served):
    """`said` is what was spoken. `mood`: "well"; "stranger" a user who never allowed it; "busy"; "down" a 503;
    "hangs_up" and "slow" ring and give no answer."""

    def __init__(self, *users: str) -> None:
        super().__init__(self._act)
        self.users, self.mood = set(users), "well"
        self.said: list[str] = []
        self.go_on = threading.Event()

    def _act(self, request: Request) -> Answer:
        query = request.query
        if request.path != "/start.php" or not {"user", "text"} <= set(query):
            return Answer(page=PAGE.format("ERROR: Missing parameter user or text"))
        if self.mood == "down":
            return Answer(503, page="Service Unavailable")
        if self.mood == "busy":
            return Answer(page=PAGE.format("Too many calls in the queue, try again in 65 seconds"))
        if query["user"] not in self.users or self.mood == "stranger":
            return Answer(page=PAGE.format(f"The user <b>{query['user']}</b> is not authorized to receive calls"))
        if len(query["text"]) > 256:
            return Answer(page=PAGE.format("Error: text is longer than 256 characters"))
        self.said.append(query["text"])
        if self.mood == "hangs_up":
            return Answer(hang_up=True)
        if self.mood == "slow":
            self.go_on.wait(30)
        return Answer(page=PAGE.format(f"Calling {query['user']}: call started"))
