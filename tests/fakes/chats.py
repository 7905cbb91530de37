"""Chats of small companies that never were: single messages, and two quiet weeks in which nothing is worth a word."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count

from godmode.lib.store.memory import Message, Role

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = 14


def at(day: float, hour: float = 9.0) -> datetime:
    """The hour of the day-th day, counted from 0, which is a Monday."""
    return MONDAY + timedelta(days=day, hours=hour)


def said(
    text: str,
    when: datetime,
    author: str = "Maria",
    where: str = "#general",
    role: Role = "person",
    thread: str | None = None,
) -> Message:
    """One message, without a place in a history yet (see `in_order`)."""
    return Message(0, "", when, author, role, where, where, thread, text)


def in_order(*parts: Message | list[Message]) -> list[Message]:
    """Messages in the order of time, numbered, each with a key of its own."""
    flat = [m for part in parts for m in (part if isinstance(part, list) else [part])]
    ordered = sorted(flat, key=lambda m: m.at)
    return [replace(m, id=i, key=f"chat/{m.at:%d-%H%M%S}-{i}") for i, m in enumerate(ordered, 1)]


@dataclass(frozen=True)
class Company:
    """What is said in a company: by whom, where, and the small words its news are made of."""

    people: tuple[str, ...]
    channels: tuple[str, ...]
    always: str
    subjects: tuple[str, ...]
    events: tuple[str, ...]
    questions: tuple[str, ...]
    answers: tuple[str, ...]
    meeting: str
    per_day: int


GREETINGS = ("Good morning everyone!", "morning all, how are you?", "Hi team ☀️", "Hello! How was your evening?")
THANKS = ("thanks!", "Thank you so much 🙏", "perfect, thanks", "great, will do", "ok 👍", "on it")


def quiet_weeks(company: Company, seed: int, days: int = DAYS) -> list[Message]:
    """Weeks of normal noise: greetings daily, a word that is always there, a weekly question that is answered."""
    chance = random.Random(seed)
    questions = iter(chance.sample(company.questions, len(company.questions)))
    return in_order([m for day in range(days) if day % 7 < 5 for m in _working_day(company, day, questions, chance)])


def _working_day(company: Company, day: int, questions: Iterator[str], chance: random.Random) -> Iterator[Message]:
    clock = (at(day, 8 + i * 9 / company.per_day) for i in count())
    general = company.channels[0]
    for who in chance.sample(company.people, 2):
        yield said(chance.choice(GREETINGS), next(clock), who, general)
    if day % 7 == 0:
        yield said(company.meeting, next(clock), company.people[0], general)
        yield said(chance.choice(company.answers), next(clock), company.people[1], general)
    for i in range(company.per_day - 6):
        who, where = chance.choice(company.people), chance.choice(company.channels)
        news = f"{chance.choice(company.subjects)} {chance.choice(company.events)}"
        text = f"{company.always}: {news}" if chance.random() < 0.4 else news
        yield said(text, next(clock), who, where)
        if i % 5 == 0 and (question := next(questions, None)):
            yield said(question, next(clock), who, where)
            other = chance.choice([p for p in company.people if p != who])
            yield said(chance.choice(company.answers), next(clock), other, where)
    yield said(chance.choice(THANKS), next(clock), chance.choice(company.people), general)


BAKERY = Company(
    people=("Ines", "Tom", "Grandma Lu", "Piet"),
    channels=("#bakery", "#shop"),
    always="oven two",
    subjects=(
        "the rye",
        "the baguette dough",
        "our sourdough starter",
        "tray seven",
        "the walnut bread",
        "a customer",
        "the van",
        "the slicer",
        "the almond croissant batch",
        "market stall",
    ),
    events=(
        "came out well",
        "sold out before ten",
        "needs another hour",
        "is packed",
        "is on its way to Hillside",
        "looks a bit dark",
        "smells wonderful",
        "is cooling now",
        "went to the hotel",
        "is ready for pickup",
    ),
    questions=(
        "Who has the key to the flour store?",
        "Did the yeast delivery arrive?",
        "Should I put cinnamon in the buns tomorrow?",
        "Can you cover my shift on Saturday?",
        "Is the card reader charged?",
        "Where did we leave the big whisk?",
        "Could someone call the plumber about the sink?",
        "How many boxes does the school want?",
        "Do we have enough paper bags?",
        "Is the window display finished?",
        "Which apron size does Nora wear?",
        "Can anyone lift the mixer with me?",
        "When does the inspector visit?",
        "Did you see my glasses?",
    ),
    answers=("yes", "in the drawer", "I'll look", "not before noon", "all done already", "give me five minutes"),
    meeting="Who brings what to the Monday meeting?",
    per_day=18,
)
AGENCY = Company(
    people=("Sam", "Aiko", "Devon", "Priya", "Leo"),
    channels=("#dev", "#clients", "#random"),
    always="the build",
    subjects=(
        "the login page",
        "Northwind's shop",
        "the staging server",
        "my branch",
        "the newsletter template",
        "the cookie banner",
        "the search index",
        "Alder's contract",
        "the color palette",
        "pull request review",
    ),
    events=(
        "is merged",
        "is waiting for feedback",
        "went live without trouble",
        "looks better on phones now",
        "has two comments left",
        "was moved to the next sprint",
        "is on my list",
        "got a thumbs up",
        "needs a second pair of eyes",
        "is documented",
    ),
    questions=(
        "Does the invoice for Alder include hosting?",
        "Can someone review the accessibility report?",
        "What is the wifi password at the client?",
        "Did the designer export the icons?",
        "Should we upgrade the database before launch?",
        "Who speaks at the meetup in Bergen?",
        "Could you share the analytics login with Leo?",
        "Is the fire drill still on?",
        "Which font did we license?",
        "Can we drop support for the old tablet?",
        "Has anyone tried the new profiler?",
        "Where is the contract template stored?",
        "Would you join the call with Northwind?",
        "Do you remember the name of that plugin?",
    ),
    answers=("yes, see the wiki", "no", "Leo knows", "I sent it to you", "let me check and come back", "sure"),
    meeting="Is everybody in for the weekly planning meeting at ten?",
    per_day=24,
)
WORKSHOP = Company(
    people=("Ola", "Ben", "Chiara"),
    channels=("Workshop group",),
    always="bike stand",
    subjects=(
        "the blue Gazelle",
        "the cargo bike",
        "an e-bike with a flat",
        "the wheel truing job",
        "the rental fleet",
        "the Brompton",
        "a kid's bike",
        "the drivetrain service",
        "a gravel frame",
        "the tandem",
    ),
    events=(
        "is finished",
        "was picked up",
        "waits for a part",
        "rides like new",
        "is on the wall",
        "got new cables",
        "needs its brakes bled",
        "came in this morning",
        "is paid",
        "was a pleasure",
    ),
    questions=(
        "Which torque for the stem bolts?",
        "Do we stock 28 mm tyres?",
        "Can you close up tonight?",
        "Is the compressor serviced?",
        "What did we quote for the fork?",
        "Who took the chain whip?",
        "Could you phone the lady with the tandem?",
        "Did the parcel from the importer come?",
        "Should we open on the holiday?",
        "Is there any grease left?",
        "How much is a rental per weekend?",
        "Where do the old tubes go?",
    ),
    answers=("five newton metres", "yes we do", "I can", "Ben had it", "no idea, ask Chiara", "top shelf"),
    meeting="Shall we sit down for the planning on Monday as always?",
    per_day=14,
)
COMPANIES = {"bakery": BAKERY, "agency": AGENCY, "workshop": WORKSHOP}
