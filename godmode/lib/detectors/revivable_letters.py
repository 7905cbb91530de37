"""Work that was given up on, though what broke it is over: the same kind of work has succeeded ever since."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from godmode.lib.detectors.evidence import shorten
from godmode.lib.detectors.runs import offered, proposal, quoted, surest
from godmode.lib.detectors.statistics import succession
from godmode.lib.kernel import Proposal
from godmode.lib.remedies import RetryDeadLetter
from godmode.lib.store import given_up
from godmode.lib.store.given_up import Ended, Letter

if TYPE_CHECKING:
    from godmode.lib.store import Store

WITHIN = timedelta(days=14)  # what was given up on before has waited for too long to be of use
FEWEST = 5  # of its kind that ended since
OFTEN = 0.8  # of them that worked
TYPES = ("notification", "custom")  # a job has had its next slot, and an approved remedy is like no other
CAUSES = ("transient", "external_api", "auth", "database")  # what can be over; what is wrong in itself stays so


class RevivableLetters:
    """Of each kind of work the dead letter that waits the longest, where its kind works again.

    Confidence is the probability that it works when it is started anew: Laplace's rule of succession over what ended
    of its kind since it was given up on (at most the newest fifty), of which the newest has to have worked. What was
    started anew before, and was given up on again, is not offered another time.
    """

    name = "revivable_letters"

    def look(self, store: Store, now: datetime, lookback: timedelta) -> Iterator[Proposal]:
        """The letters of two weeks that would now work, at most one of a kind, the surest first."""
        letters = given_up.oldest(store.conn, now - WITHIN, now, TYPES, CAUSES)
        yield from find([(letter, given_up.ended_since(store.conn, letter, now)) for letter in letters])


def find(letters: Sequence[tuple[Letter, Sequence[Ended]]]) -> Iterator[Proposal]:
    """The letters with a chance; how their kind ended since comes newest first."""
    found = [_proposal(letter, ended) for letter, ended in letters if _works_again(ended)]
    yield from surest(found)


def _works_again(ended: Sequence[Ended]) -> bool:
    worked = sum(one.worked for one in ended)
    return len(ended) >= FEWEST and ended[0].worked and worked >= OFTEN * len(ended)


def _proposal(letter: Letter, ended: Sequence[Ended]) -> Proposal:
    worked, what = sum(one.worked for one in ended), _kind(letter)
    others = letter.waiting - 1
    rest = f" {others} more of its kind wait{'s' if others == 1 else ''} (`godmode queue dead`)." if others else ""
    return proposal(
        RevivableLetters.name,
        f"dead letter {letter.id} would now work: {worked} of {len(ended)} {what} did since",
        succession(worked, len(ended)),
        dedup=str(letter.id),
        seen=f"dead letter {letter.id} ({what}) was given up on after {letter.attempts} attempts: "
        f"{shorten(' '.join((letter.error or 'nobody knows why').split()), 200)}. Since then {worked} of {len(ended)} "
        f"{what} worked, the newest among them.{rest}",
        do=f"let it start anew; `godmode queue show dead:{letter.id}` shows what it is.",
        changes="it is done after all, once, as it would have been.",
        undo="it can be taken out of the queue again, as long as it has not been tried.",
        more=f"godmode queue show dead:{letter.id}",
        times=[one.at for one in reversed(ended)],
        messages=[quoted(one.at, what, "worked" if one.worked else "failed") for one in reversed(ended)],
        remedy=offered(RetryDeadLetter(letter.id)),
    )


def _kind(letter: Letter) -> str:
    """ "messages by telegram", "custom retries"."""
    return f"messages by {' and '.join(letter.via)}" if letter.via else f"{letter.type} retries"
