"""What stands for the world in a rehearsal: sources that yield the script's records, channels that only note."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from godmode.lib.address import shown
from godmode.lib.clock import Clock
from godmode.lib.errors import Transient
from godmode.lib.kernel import Button, Checkpoint, Every, Gone, Receipt, Record, Skipped
from godmode.lib.ports import Channel, Heard, Word
from godmode.lib.rehearsal.diary import Diary, Try
from godmode.lib.rehearsal.script import Execution

RINGS, PICKS_UP = timedelta(seconds=40), timedelta(seconds=10)


@dataclass
class Quiet:
    """Stands for a source in which nothing new is written."""

    name: str
    every: Every
    authority: str

    def changes(self, cursor: Mapping[str, Any]) -> Iterator[Record | Skipped | Gone | Checkpoint]:
        return iter(())


@dataclass
class Workflows:
    """Stands for n8n: the script's executions that have ended by now."""

    every: Every
    clock: Clock
    runs: Sequence[Execution]
    name: str = "n8n"
    authority: str = "observed"
    keeps: str = "executions"

    def changes(self, cursor: Mapping[str, Any]) -> Iterator[Record | Skipped | Gone | Checkpoint]:
        last, now = cursor.get("last", 0), self.clock.now()
        new = [run for run in self.runs if run.number > last and run.at <= now]
        yield from map(_record, new)
        if new:
            yield Checkpoint({"last": new[-1].number})

    def explain(self, ids: Sequence[str]) -> Iterable[tuple[str, str]]:
        """Why some of them failed."""
        return [(str(run.number), run.error) for run in self.runs if run.error and str(run.number) in ids]


def _record(run: Execution) -> Record:
    status, at = "error" if run.error else "success", run.at.isoformat()
    fields = {
        "workflow_id": run.workflow, "workflow_name": run.workflow, "status": status, "mode": "trigger",
        "started_at": at, "stopped_at": at, "retry_of": None, "retry_success_id": None, "ended": True,
    }  # fmt: skip
    return Record("n8n", str(run.number), run.at, f"{run.workflow}: {status}", fields)


class Recorder:
    """Stands for a channel: it has the abilities of the real one that the router asks for, and notes what they are
    asked to do. Nothing of the real one but its way to cut a text is ever called.
    """

    def __init__(self, real: Channel, clock: Clock, diary: Diary, answers: Callable[[int], bool]) -> None:
        self.name, self.carries = real.name, real.carries
        self._clock, self._diary, self._answers = clock, diary, answers
        for fact in ("recipients", "local", "listens", "parts"):
            if hasattr(real, fact):
                setattr(self, fact, getattr(real, fact))
        mine = {"call": self._call, "speak": self._speak, "heard": self._heard, "offer": self._offer}
        mine |= {"words": self._words, "reply": self._offer, "acknowledge": self._acknowledge}
        for ability, stands_in in mine.items():
            if hasattr(real, ability):
                setattr(self, ability, stands_in)

    def send(self, to: str, text: str, key: str) -> Receipt:
        """Note a message or an SMS. Raises Transient where the script has the channel refuse."""
        return self._noted("sms" if "message" not in self.carries else "message", to, text, key, "sent")

    def _call(self, to: str, text: str, key: str) -> Receipt:
        return self._noted("call", to, text, key, "rings")

    def _speak(self, to: str, sound: bytes, caption: str, key: str) -> Receipt:
        return self._noted("voice message", to, caption, key, "sent")

    def _offer(self, to: str, text: str, buttons: Sequence[Button], key: str) -> Receipt:
        return self._noted("message", to, text, key, "sent")

    def _words(self, since: int) -> Sequence[Word]:
        return ()

    def _acknowledge(self, press: str, text: str) -> Receipt:
        return Receipt(press)

    def _heard(self, call: str) -> Heard:
        """A call is picked up where she waits for it, else it rings in vain."""
        placed = self._diary.tries[int(call)]
        passed: timedelta = self._clock.now() - placed.at
        if self._answers(placed.message):
            return self._became(placed, "answered") if passed >= PICKS_UP else Heard("ringing")
        return self._became(placed, "not answered") if passed >= RINGS else Heard("ringing")

    def _became(self, placed: Try, came: str) -> Heard:
        placed.came = came
        return Heard("answered") if came == "answered" else Heard("unheard", "no answer")

    def _noted(self, way: str, to: str, text: str, key: str, came: str) -> Receipt:
        now = self._clock.now()
        refused = self._diary.refuses(self.name, now)
        made = Try(
            now, self.name, way, shown(to) if to != "operator" else "", text, _message(key),
            "refused" if refused else came,
        )  # fmt: skip
        self._diary.tries.append(made)
        if refused:
            raise Transient(f"{self.name} does not take it just now")
        return Receipt(str(len(self._diary.tries) - 1))


def _message(key: str) -> int:
    """The number of the message that an action's key is about (notify/sending.py)."""
    return int(key.split(":")[1])
