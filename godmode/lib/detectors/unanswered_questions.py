"""Questions among people that nobody took up within a day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import chain
from typing import TYPE_CHECKING, Literal

from godmode.lib.detectors.asks import find_asks
from godmode.lib.detectors.evidence import MOST_FINDINGS, day, evidence, search_words, shorten, window
from godmode.lib.detectors.statistics import wilson_lower
from godmode.lib.detectors.words import plain, tokens
from godmode.lib.kernel import Proposal

if TYPE_CHECKING:
    from godmode.lib.store import Store
    from godmode.lib.store.memory import Message

PATIENCE = timedelta(hours=24)
ENOUGH_OF_ITS_OWN = 20
SATURDAY = 5


class UnansweredQuestions:
    """Questions to people without a word from anybody else for 24 hours, and still without an answer.

    Confidence is that such a silence is an exception: the lower Wilson bound (95 %, one-sided) of the share of
    questions that do get an answer within 24 hours, in this conversation where it has twenty or more,
    otherwise in all conversations among people.
    """

    name = "unanswered_questions"

    def look(self, store: Store, now: datetime, lookback: timedelta) -> Iterator[Proposal]:
        """What the last `lookback` of messages shows, the surest first."""
        yield from find(*window(store, now, lookback))


@dataclass(frozen=True)
class Question:
    """What one author asked in one go. `late` is an answer after the patience was over."""

    messages: tuple[Message, ...]
    text: str
    answer: Literal["in time", "late", "none"]

    @property
    def first(self) -> Message:
        return self.messages[0]


def find(messages: Sequence[Message], as_of: datetime) -> Iterator[Proposal]:
    """The unanswered questions among `messages`, at most five, the surest first, of equal ones the newest."""
    zone = as_of.tzinfo
    questions = [q for c in _among_people(messages) for q in _questions(c, zone)]
    ripe = [q for q in questions if as_of - q.first.at >= PATIENCE]
    found = [_proposal(q, ripe, as_of) for q in ripe if q.answer == "none"]
    found.sort(key=lambda p: p.evidence["since"], reverse=True)
    found.sort(key=lambda p: p.confidence, reverse=True)
    yield from found[:MOST_FINDINGS]


def _among_people(messages: Sequence[Message]) -> list[list[Message]]:
    """What people said, by conversation, where at least two take part: there, a silence means something.

    In a chat with an assistant there is one person. A bot that posts in a channel answers nobody.
    """
    by_conversation: dict[str, list[Message]] = defaultdict(list)
    for message in messages:
        if message.role != "assistant":
            by_conversation[message.conversation].append(message)
    return [c for c in by_conversation.values() if len({m.author for m in c}) > 1]


def _questions(conversation: Sequence[Message], zone: tzinfo | None) -> Iterator[Question]:
    """The questions of one conversation, those of each thread apart."""
    is_pair = len({m.author for m in conversation}) == 2
    threads: dict[str | None, list[Message]] = defaultdict(list)
    for message in conversation:
        threads[message.thread].append(message)
    for thread, said in threads.items():
        # Outside of threads, anybody's next word in the conversation may be the answer.
        heard = conversation if thread is None else said
        for asked, reply in _asked(heard, thread):
            after = (heard[i] for i in range(reply, len(heard)) if heard[i].author != asked[0].author)
            late_is_answer = is_pair or thread is not None
            text = _question_in(asked[0]) or ""
            yield Question(tuple(asked), text, _answer(asked[0], after, late_is_answer, zone))


def _asked(heard: Sequence[Message], thread: str | None) -> Iterator[tuple[list[Message], int]]:
    """The questions asked in `thread`, each with the place in `heard` of the first reply to it.

    What one author goes on asking without a reply is one question.
    """
    waiting: dict[str, list[Message]] = {}
    for i, message in enumerate(heard):
        for author in [a for a in waiting if a != message.author]:
            yield waiting.pop(author), i
        if message.thread == thread and _question_in(message) is not None:
            waiting.setdefault(message.author, []).append(message)
    yield from ((asked, len(heard)) for asked in waiting.values())


def _question_in(message: Message) -> str | None:
    """The first question of a message that has a subject; "really?" has none."""
    for ask in find_asks(message.text):
        if ask.is_question and len(ask.wanted.split()) > 2 and tokens(ask.text):
            return ask.text
    return None


def _answer(
    question: Message, after: Iterator[Message], late_is_answer: bool, zone: tzinfo | None
) -> Literal["in time", "late", "none"]:
    """What became of a question, given what others said after it. Anything within the patience is an answer."""
    first = next(after, None)
    if first is None:
        return "none"
    if first.at <= _end_of_patience(question.at.astimezone(zone)):
        return "in time"
    return "late" if late_is_answer or any(_takes_up(m, question) for m in chain([first], after)) else "none"


def _end_of_patience(asked: datetime) -> datetime:
    """24 hours on, the weekend not counted: who is asked on Friday answers on Monday."""
    end = asked + PATIENCE
    while end.weekday() >= SATURDAY:
        end += timedelta(days=1)
    return end


def _takes_up(reply: Message, question: Message) -> bool:
    """Whether a late message is about the question, by a word of it or its author's name."""
    said = {t.stem for t in tokens(plain(reply.text))}
    about = {t.stem for t in tokens(plain(question.text))}
    return not said.isdisjoint(about | {t.stem for t in tokens(question.author)})


def _proposal(q: Question, questions: Sequence[Question], as_of: datetime) -> Proposal:
    alike = _comparable(q, questions)
    answered = sum(o.answer == "in time" for o in alike)
    words = search_words(q.messages[:1], list(dict.fromkeys(t.stem for t in tokens(q.text))), most=4)
    where = q.first.title or q.first.conversation
    summary = (
        f"{q.first.author} asked in {where} on {day(q.first.at.astimezone(as_of.tzinfo))}, and nobody took it up; "
        f"{answered} of {len(alike)} such questions were answered within 24 hours."
    )
    return Proposal(
        type=UnansweredQuestions.name,
        title=f'Unanswered for {_age(as_of - q.first.at)}: {q.first.author} in {where}, "{shorten(q.text, 100)}"',
        confidence=wilson_lower(answered, len(alike)),
        evidence=evidence(summary, words, q.messages, q.messages),
        dedup_key=f"{UnansweredQuestions.name}:{q.first.key}",
    )


def _comparable(q: Question, questions: Sequence[Question]) -> Sequence[Question]:
    """The questions of the same conversation where they are enough to judge by, otherwise all."""
    own = [o for o in questions if o.first.conversation == q.first.conversation]
    return own if len(own) >= ENOUGH_OF_ITS_OWN else questions


def _age(age: timedelta) -> str:
    return f"{age.days} days" if age.days > 1 else f"{int(age.total_seconds()) // 3600} hours"
