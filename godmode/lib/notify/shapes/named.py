"""Secrets that only a name before them gives away: `password=…`, "the API key is …", `"token": "…"`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from godmode.lib.notify.shapes import Shape, Span
from godmode.lib.notify.shapes.randomness import is_public_id, word_share
from godmode.lib.notify.shapes.values import is_given, is_like_key, is_mixed, is_path, tells_a_count

_PASSWORD = r"pass(?:[_-]?(?:word|wd|phrase|code)|wort)|(?<![a-zA-Z])pass|pwd|kennwort|contrase(?:ñ|n)a|(?<![a-z])clave"
_KEY = (
    r"(?:secret[ _.-]?)?(?:api|access|account|auth|authorization|app|client|consumer|private|signing|encryption|shared"
    r"|master|storage|service|license|webhook|deploy|secret|subscription|integration)[ _.-]?"
    r"(?:key|token|secret|credential)s?(?:[ _.-]?value)?|apikey|hapikey|(?:api|zugangs)[ _-]?schlüssel"
    r"|(?<!max[ _-])(?<!page[ _-])(?<!sync[ _-])(?<!cursor[ _-])(?<!next)(?<!next[ _-])token|secret|jwt|credentials?"
    r"|signature|x-amz-(?:signature|security-token|credential)|(?<![a-z])sig"
)
_SESSION = (
    r"(?:php|j|asp\.net_?)sess(?:ion)?_?id|connect\.sid|[a-z0-9]{0,20}_session|session[ _-]?(?:id|key|token)|sessid"
    r"|(?:remember|csrf|xsrf)_?token|csrftoken|session(?==)|(?<![a-z])sid(?==)"
)
_NAME = (
    rf"(?:(?P<password>{_PASSWORD})|(?P<key>{_KEY})|(?P<session>{_SESSION}))"
    r"(?:[_-](?:prod|production|live|test|dev|staging|old|new|\d{1,2}))?"
)
_VALUE = (
    r"(?:(?P<quote>\\{0,3}[\"'`])(?P<quoted>[^\n]{1,4096}?)(?P=quote)"
    r"|(?P<bare>(?:[^\s\"'`<>&,;\\]|[&,;](?!\s|$|[\w.-]{1,40}=|[\"'])|\\(?![nrt\"']))+))"
)
_WHERE = (
    r"(?:\s(?:to|for|of|on|in|at|from|für|zu|von|de|del|para|la|el|the|der|die|das|our|my)(?:\s[^\s:=]{1,30}){0,3}?)?"
)
_ASSIGNED = Shape(
    rf"(?i){_NAME}{_WHERE}[\"'`\]\\]{{0,4}}[ \t]{{0,4}}(?P<sign>=>|:=|={{1,3}}|:|%3d|>)[ \t]{{0,4}}{_VALUE}"
)
_SPOKEN = Shape(
    rf"(?i)(?<![a-z]){_NAME}{_WHERE}\s(?:is|was|are|now|ist|war|lautet|es|era|sind|=>?|->|→)(?:\s(?:now|still|jetzt|ahora))?"
    rf"[\s:]{{1,2}}{_VALUE}"
)
_BESIDE = Shape(
    r"(?i)(?<![a-z])(?:api[ _-]?keys?|(?:access|auth|bearer|api|bot|refresh)?[ _-]?tokens?|secrets?|credentials?"
    r"|schlüssel|clave|pass(?:word|wort|phrase))"
    r"(?:[\s:,(]{1,2}(?!(?:commit|workflow|execution|run|page|id|request|order|trace|job|issue|ticket|hash|sha|build"
    r"|session|message|deal|contact|database|block|event|incident|digest|image|file|path|revision|invoice)\b)"
    r"[a-zäöüßáéíóúñ]{1,14}){0,4}[\s:,(=]{1,3}[\"'`]?(?P<bare>[A-Za-z0-9+/_.~=-]{16,512})"
)
SHORT = 64  # characters; more would not be read twice in linear time
_CALL = Shape(r"[A-Za-z_][\w.]{0,80}[(\[]")  # a line of code, not what it computes
_COMPLAINT = Shape(r"(?i)\s(?:is|was|must|has|cannot|too|not)\s")
_SENTENCE_ENDS = Shape(r"[,;\r\n\"]|'(?!\w)|$")
_WORDS = (
    "pass", "pwd", "kennwort", "contrase", "clave", "key", "token", "secret", "jwt", "credential", "sig", "sess",
    "sid=", "schlüssel", "x-amz",
)  # fmt: skip


def find(text: str) -> Iterator[Span]:
    """Every value that its name says is a secret, and that looks like one."""
    lower = text.lower()
    if not any(word in lower for word in _WORDS):
        return
    yield from _assigned(text)
    for match in _SPOKEN.finditer(text):
        yield from _judged(match, text, sure=False, spoken=True)
    for match in _BESIDE.finditer(text):
        value = match["bare"].rstrip(".=-")
        if is_like_key(value):
            yield match.start("bare"), match.start("bare") + len(value), "token"


def _assigned(text: str) -> Iterator[Span]:
    at = 0
    while match := _ASSIGNED.search(text, at):
        sign, at = match["sign"].lower(), match.end()
        if sign == ">" and text[at : at + 2] != "</":  # a path of menus, not an element of XML
            continue
        judged = list(_judged(match, text, sure=sign != ":", spoken=False))
        yield from judged
        if not judged and at - match.end("sign") < SHORT:  # it may be a name itself, as in "secret: password: …"
            at = match.end("sign")


def _judged(match: re.Match[str], text: str, *, sure: bool, spoken: bool) -> Iterator[Span]:
    """The value behind a name, where it is one; `sure` where the sign between them leaves little doubt."""
    quoted = match["quoted"] is not None
    start, end = match.span("quoted" if quoted else "bare")
    if not quoted:
        end = start + len(match["bare"].rstrip(".)]}:?…|"))
    value, sure = text[start:end], sure or quoted
    if not is_given(value) or (not quoted and _CALL.match(text, start, end + 1)):
        return
    if name := (match["password"] or "").lower():
        ends = not spoken and name != "clave" and bool(_SENTENCE_ENDS.match(text, end))
        if _is_password(name, value, sure, ends):
            yield start, end, "password"
    elif match["session"]:
        if len(value) >= 8 and is_mixed(value) and not is_public_id(value):
            yield start, end, "session id"
    elif _is_key(value, sure):
        yield start, end, "token"


def _is_password(name: str, value: str, sure: bool, ends: bool) -> bool:
    """Whatever the sign gives it is one, but for paths (`pwd`) and counts (`pass`); else it must not be plain words,
    unless it is a single one with which the sentence `ends`."""
    if len(value) < 3 or is_path(value) or _COMPLAINT.search(value) or (name == "pass" and value.isdigit()):
        return False
    if sure:
        return True
    if len(value) < 4 or tells_a_count(value):
        return False
    return bool(re.search(r"\d|[!$%&*#@^]", value)) or (ends and value.isalpha())


def _is_key(value: str, sure: bool) -> bool:
    if len(value) < (8 if sure else 12) or " " in value or is_path(value) or ("/" in value and word_share(value) > 0.5):
        return False
    return is_mixed(value) and (sure or not tells_a_count(value))
