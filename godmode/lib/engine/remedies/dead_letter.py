"""A dead letter starts anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from godmode.lib.engine import anew
from godmode.lib.engine.remedies.contract import Change, Figure, Place, Void
from godmode.lib.errors import Usage
from godmode.lib.remedies import RetryDeadLetter
from godmode.lib.store import dead_letters, retry_jobs
from godmode.lib.store.dead_letters import DeadLetter


class DeadLetterAnew:
    """Can be taken back until it has been tried."""

    def describe(self, remedy: RetryDeadLetter) -> Change:
        return Change(
            f"{remedy.words}, as `godmode queue retry dead:{remedy.dead_letter}` does",
            f"dead letter {remedy.dead_letter} runs at the next chance",
            "takes it out of the queue again, as long as it has not been tried",
        )

    def look(self, place: Place, remedy: RetryDeadLetter) -> Mapping[str, Any]:
        letter = self._open(place, remedy)
        return {"status": letter.status, "type": letter.type, "attempts": letter.attempts, "error": letter.error}

    def apply(self, place: Place, remedy: RetryDeadLetter, before: Mapping[str, Any]) -> str:
        try:
            number = anew.start(place.conn, self._open(place, remedy), place.now)
        except Usage as e:
            raise Void(e.message) from e
        if number is None:
            raise Void(f"dead letter {remedy.dead_letter} does not wait any more")
        return str(number)

    def after(self, remedy: RetryDeadLetter, made: str) -> Mapping[str, Any]:
        return {"status": "retried", "as": int(made)}

    def still(self, place: Place, remedy: RetryDeadLetter, after: Mapping[str, Any]) -> None:
        row = retry_jobs.one(place.conn, after["as"])
        if row is None or row.status != "pending" or row.attempts:
            came = f"it has been tried as {after['as']}, and is {row.status}" if row else "it is not in the queue"
            raise Void(f"dead letter {remedy.dead_letter}: {came}")

    def undo(self, place: Place, remedy: RetryDeadLetter, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        if not retry_jobs.dismiss(place.conn, after["as"], "undone", place.now):
            raise Void(f"dead letter {remedy.dead_letter} is being tried right now, as {after['as']}")
        dead_letters.reopen(place.conn, remedy.dead_letter, f"taken back from {after['as']}", place.now)

    def measure(self, place: Place, remedy: RetryDeadLetter) -> Figure | None:
        letter = dead_letters.one(place.conn, remedy.dead_letter)
        if letter is None:
            return None
        return Figure(f"{letter.type} work given up a week", "dead_letters", letter.type)

    def _open(self, place: Place, remedy: RetryDeadLetter) -> DeadLetter:
        letter = dead_letters.one(place.conn, remedy.dead_letter)
        if letter is None:
            raise Void(f"there is no dead letter {remedy.dead_letter}")
        if letter.status != "open":
            raise Void(f"dead letter {remedy.dead_letter} is {letter.status} already")
        return letter
