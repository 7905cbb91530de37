"""What in a message is an ask: a question, or a request to do something."""

from __future__ import annotations

import re
from dataclasses import dataclass

from godmode.lib.detectors.words import plain, sentences

ASKING = "can|could|would|will|did|does|do|is|are|has|have|who|what|when|where|why|how|please|pls"
SOMEBODY = "you|u|someone|anyone|anybody|somebody|we|i"
GREETING = re.compile(
    r"^(?:(?:hi|hey|hello|good (?:morning|afternoon|evening)|morning|thanks?(?: you)?|ok(?:ay)?|so|and|but"
    r"|also|btw|by the way|sorry|quick (?:one|question)|question|reminder|one more thing|again|@\w+)"
    rf"(?:[\s,]+(?!(?:{ASKING})\b)@?\w+){{0,2}}\s*(?:[,:;–—-]+\s*|$|\b(?=(?:{ASKING})\b)))+",
    re.I,
)
ADDRESSED = re.compile(rf"^(?:@\w{{1,40}}[\s,:]+|\w{{2,20}},\s*(?=(?:{ASKING})\b))", re.I)
POLITE = re.compile(
    r"^(?:(?:and|so|also|please|pls|kindly|(?:some|any)(?:one|body),?(?= please| pls| kindly)"
    rf"|(?:can|could|would|will) (?:{SOMEBODY})(?! all)"
    r"|i (?:need|want|would like|'d like) (?:you )?to|i'd like (?:you )?to|let's)\s+)+",
    re.I,
)
REQUEST = re.compile(
    rf"^(?:(?:can|could|would|will) (?:{SOMEBODY})\b"
    r"|(?:(?:someone|somebody|anyone|anybody),? )?(?:please|pls|kindly) (?!note|find|see attached|be aware|ignore|feel)"
    r"|i need (?:you to|the|a|an|that|this|my|our|last)\b"
    r"|(?:did|does|do|has|is) (?:anyone|anybody|someone|somebody)\b)",
    re.I,
)
SURE_VERBS = (
    "compile|convert|create|draft|explain|export|extract|forward|generate|improve|polish|prepare|proofread|pull"
    "|remind|rephrase|rewrite|reword|send|shorten|summarise|summarize|translate|write"
)
NOUNS_TOO = (
    "add|book|calculate|check|collect|compare|download|find|fix|format|get|give|help|list|make|move|order|print"
    "|put|remove|reply|run|schedule|share|show|turn|update|upload"
)
DETERMINER = "a|an|the|this|that|these|those|my|our|me|us|all|last|it|him|her|them|each|another|some"
FINITE = "is|are|was|were|has|have|had|needs|went|goes|looks|got|came|comes|will|can|failed|works|done|sent"
# "Export the list" asks; "order 44 left", "pull request review is done" do not.
IMPERATIVE = re.compile(
    rf"^(?:(?:{SURE_VERBS}|{NOUNS_TOO})\s+(?:{DETERMINER})\b"
    rf"|(?:{SURE_VERBS})\s+(?!(?:[\w'-]+\s+){{0,5}}(?:{FINITE})\b)\w)",
    re.I,
)
SMALL_TALK = re.compile(
    r"^(?:(?:how are (?:you|we|things)|how's (?:it|everyone|everybody)|how was (?:your|everyone's|the weekend)"
    r"|any(?:one|body) (?:for|up for|want|wants)|(?:who's|who is|anyone) in for)\b[^,:]{0,40}"
    r"|how did it go|what's up|everything (?:ok|fine|good)|all good|are you (?:there|ok|around)|right|ok(?:ay)?"
    r"|really|seriously|huh|what|why|sounds? good|deal|agreed|(?:does that )?makes? sense)\?+$",
    re.I,
)


@dataclass(frozen=True)
class Ask:
    """One asking sentence. `wanted` is it without its polite opening; `nearby` what stands around it."""

    text: str
    wanted: str
    is_question: bool
    nearby: str


def find_asks(text: str, most: int = 3) -> list[Ask]:
    """The first `most` asks of a message, in their order."""
    parts, found = sentences(plain(text)), []
    for i, part in enumerate(parts):
        bare = _without_paste(ADDRESSED.sub("", GREETING.sub("", part)))
        if not is_ask(bare):
            continue
        around = " ".join(parts[max(0, i - 1) : i] + parts[i + 1 : i + 2])
        found.append(Ask(bare, POLITE.sub("", bare), bare.endswith("?"), around))
        if len(found) == most:
            break
    return found


def _without_paste(sentence: str) -> str:
    """What stands before a colon, where that asks already: "shorten this: Dear Anna, …"."""
    ask, colon, _ = sentence.partition(": ")
    return ask + ":" if colon and is_ask(ask) else sentence


def is_ask(sentence: str) -> bool:
    """Whether a sentence without its greeting wants an answer or a deed; small talk wants neither."""
    if SMALL_TALK.match(sentence):
        return False
    asks = sentence.endswith("?") or REQUEST.match(sentence) or IMPERATIVE.match(sentence)
    return bool(asks) and any(c.isalpha() for c in sentence)
