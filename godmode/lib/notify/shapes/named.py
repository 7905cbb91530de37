"""Secrets that only the words around them give away: `password=…`, headers, cookies, addresses with a password."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

from godmode.lib.notify.shapes import Span
from godmode.lib.notify.shapes.randomness import word_share

_PASSWORD = r"pass(?:[_-]?(?:word|wd|phrase|code)|wort)|(?<![a-zA-Z])pass|pwd|kennwort|contrase(?:ñ|n)a|(?<![a-z])clave"
_KEY = (
    r"(?:secret[ _.-]?)?(?:api|access|account|auth|authorization|app|client|consumer|private|signing|encryption|shared|master"
    r"|storage|service|license|webhook|deploy|secret|subscription|integration)[ _.-]?(?:key|token|secret|credential)s?"
    r"(?:[ _.-]?value)?|apikey|hapikey|(?:api|zugangs)[ _-]?schlüssel|(?<!max[ _-])(?<!page[ _-])(?<!sync[ _-])(?<!cursor[ _-])token|secret|jwt|credentials?"
    r"|signature|x-amz-(?:signature|security-token|credential)|(?<![a-z])sig"
)
_SESSION = (
    r"(?:php|j|asp\.net_?)sess(?:ion)?_?id|connect\.sid|[a-z0-9]{0,20}_session|session[ _-]?(?:id|key|token)?|sessid"
    r"|(?:remember|csrf|xsrf)_?token|csrftoken"
)
_NAME = (
    rf"(?:(?P<password>{_PASSWORD})|(?P<key>{_KEY})|(?P<session>{_SESSION}))"
    r"(?:[_-](?:prod|production|live|test|dev|staging|old|new|\d{1,2}))?"
)
_VALUE = (
    r"(?P<quote>\\{0,3}[\"'`])(?P<quoted>[^\n]{1,256}?)(?P=quote)"
    r"|(?P<bare>(?:[^\s\"'`<>&,;\\]|[&,;](?!\s|$|[\w.-]{1,40}=|[\"'])|\\(?![nrt\"'])){1,1024})"
)
_ASSIGNED = re.compile(
    rf"(?i){_NAME}(?:\s(?:to|for|of|on|für|zu|de|para)(?:\s[^\s:=]{{1,30}}){{0,3}})?[\"'`\]\\]{{0,4}}[ \t]{{0,4}}(?P<sign>=>|:=|={{1,3}}|:|%3d)[ \t]{{0,4}}(?:{_VALUE})"
)
_SPOKEN = re.compile(
    rf"(?i)(?<![a-z]){_NAME}(?P<words>(?:\s(?:for|of|to|on|in|at|from|für|von|zu|para|de|del|la|el|the|der|die|das|our|my)"
    r"(?:\s[^\s:=]{1,30}){1,2}?)?\s(?:is|was|are|now|ist|war|lautet|es|era|sind|=>?|->|→)(?:\s(?:now|still|jetzt|ahora))?)"
    rf"[\s:]{{1,2}}(?:{_VALUE})"
)
_BESIDE = re.compile(
    r"(?i)(?<![a-z])(?:api[ _-]?keys?|(?:access|auth|bearer|api|bot|refresh)?[ _-]?tokens?|secrets?|credentials?|schlüssel|clave|pass(?:word|wort|phrase))"
    r"(?P<words>(?:[\s:,(]{1,2}(?!(?:commit|workflow|execution|run|page|id|request|order|trace|job|issue|ticket|hash|sha|build"
    r"|session|message|deal|contact|database|block|event|incident|digest|image|file|path|revision|invoice)\b)"
    r"[a-zäöüßáéíóúñ]{1,14}){0,4})[\s:,(=]{1,3}[\"'`]?(?P<bare>[A-Za-z0-9+/_.~=-]{16,512})"
)
_AUTHORIZATION = re.compile(
    r"(?i)authorization[\"'\\]{0,3}\s{0,3}[:=]\s{0,3}[\"'\\]{0,3}(?:(?:bearer|basic|token|apikey|key|negotiate)\s{1,3})?"
    r"(?P<bare>[A-Za-z0-9._~+/=:-]{6,4096})"
)
_BEARER = re.compile(r"(?i)(?<![a-z])bearer(?:\s{1,3}|%20)[\"']?(?P<bare>[A-Za-z0-9._~+/=-]{12,4096})")
_BASIC = re.compile(r"(?i)(?<![a-z])basic\s{1,3}(?P<bare>[A-Za-z0-9+/]{8,1024}={0,2})")
_COOKIE = re.compile(r"(?i)(?<![a-z])cookie[\"']?\s{0,2}:\s{0,2}[\"']?(?P<bare>[^\s=;\"']{1,128}=[^\r\n\"']+)")
_USERINFO = re.compile(r"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9+.-]{1,30}://(?P<user>[^\s/@:\"'<>]{0,128}):(?P<bare>[^\s/\"'<>]{1,256})@")
_USER_ONLY = re.compile(r"https?://(?P<bare>[A-Za-z0-9_.~-]{20,256})@")
_QUERY = re.compile(r"[?&;](?:key|code|auth|st|hash|access|[a-z]{1,10}_?token)=(?P<bare>[^\s&#\"'<>;]{16,2048})", re.IGNORECASE)

_NOTHING = re.compile(
    r"(?i)(?:\*+$|\*{3}|•|x{3,}|\.{3}|…|<|\$\{|\$[A-Z_]{2,}$|\{\{|\{|\[|%[a-z(]|none$|null$|nil$|true$|false$|undefined$|os\.|env\.|process\.|str$"
    r"|string$|required|optional$|missing$|expired|invalid|incorrect|wrong$|changed$|reset$|unset$|empty$|unknown$|protected"
    r"|rotated$|revoked$|valid$|ok$|yes$|no$|not$|set$|set,|your[_-]|https?://(?![^/\s]{1,200}@)|arn:|\(|self\.|re\.)"
)
_HEX = re.compile(r"[0-9a-fA-F]{32,512}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PATH = re.compile(r"~?/?(?:[\w.-]{1,64}/){1,20}[\w.-]{0,64}")
_DATED = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]|$)|\d{1,2}:\d{2}|v?\d{1,3}(?:\.\d{1,3}){1,3}$")
_COUNTED = re.compile(r"\d{1,3}(?:-[a-z]{2,20})?$|\d{1,3}(?:,\d{3}){1,3}$")
_WORDS = ("pass", "pwd", "kennwort", "contrase", "clave", "key", "token", "secret", "jwt", "credential", "sig", "sess",
          "schlüssel", "x-amz")  # fmt: skip


def find(text: str) -> Iterator[Span]:
    """Values that are named, headers, cookies, and what stands before the `@` of an address."""
    lower = text.lower()
    if any(word in lower for word in _WORDS):
        yield from _named(text)
    if "://" in text:
        yield from ((*m.span("bare"), "password") for m in _USERINFO.finditer(text) if _given(m["bare"]))
        yield from ((*m.span("bare"), "token") for m in _USER_ONLY.finditer(text) if _like_key(m["bare"]))
    if "authorization" in lower or "bearer" in lower:
        for pattern in (_AUTHORIZATION, _BEARER):
            yield from ((*m.span("bare"), "authorization") for m in pattern.finditer(text) if _mixed(m["bare"]))
    if "basic" in lower:
        yield from ((*m.span("bare"), "authorization") for m in _BASIC.finditer(text) if _is_pair(m["bare"]))
    if "cookie" in lower:
        yield from ((*m.span("bare"), "cookie") for m in _COOKIE.finditer(text))
    if "=" in text:
        yield from ((*m.span("bare"), "token") for m in _QUERY.finditer(text) if _like_key(m["bare"]))


def _named(text: str) -> Iterator[Span]:
    for match in _ASSIGNED.finditer(text):
        yield from _judged(match, text, loosely="=" in match["sign"] or match["sign"] == "%3d")
    for match in _SPOKEN.finditer(text):
        yield from _judged(match, text, loosely=False)
    for match in _BESIDE.finditer(text):
        value = match["bare"].rstrip(".=-")
        if _like_key(value):
            yield match.start("bare"), match.start("bare") + len(value), "token"


def _judged(match: re.Match[str], text: str, *, loosely: bool) -> Iterator[Span]:
    """The value of a name, where it is one; `loosely` where the sign before it leaves little doubt."""
    group = "quoted" if match["quoted"] is not None else "bare"
    start, end = match.span(group)
    if group == "bare":
        end = start + len(match["bare"].rstrip(".)]}:?…|"))
    value = text[start:end]
    if match["password"]:
        kind, is_one = "password", _is_password(value, text[end : end + 2], loosely or group == "quoted", match["password"])
    elif match["session"]:
        kind, is_one = "session id", len(value) >= 8 and _mixed(value) and _given(value)
    else:
        kind, is_one = "token", _is_key(value, loosely or group == "quoted")
    if is_one:
        yield start, end, kind


def _is_password(value: str, after: str, loosely: bool, name: str) -> bool:
    """A password is whatever the sign gives, but for the words that tell its state, and paths (`pwd`)."""
    if len(value) < 3 or not _given(value) or (name.lower() == "pass" and value.isdigit()) or (name.lower() == "pwd" and value.startswith(("/", "~", "."))):
        return False
    if loosely:
        return not _PATH.fullmatch(value)
    if len(value) < 4 or _DATED.match(value) or _COUNTED.match(value):
        return False
    if re.search(r"\d|[!$%&*#@^]", value):
        return not _PATH.fullmatch(value)
    return after[:1] in ("", ",", ";", "\n", "\r", '"', "'") and value.isalpha() and bool(after.strip() or not after)


def _is_key(value: str, loosely: bool) -> bool:
    if len(value) < 8 or not _given(value) or _PATH.fullmatch(value) and word_share(value) > 0.5:
        return False
    if not loosely and (_DATED.match(value) or _COUNTED.match(value)):
        return False
    return " " not in value and _mixed(value) and (loosely or len(value) >= 12)


def _like_key(value: str) -> bool:
    """Whether a long value without a sign before it is a key: letters and digits mixed, and hardly a word in it."""
    if len(value) < 16 or not _given(value) or _DATED.match(value) or not re.search(r"\d", value):
        return False
    return bool(_HEX.fullmatch(value)) or bool(re.search(r"[A-Za-z]", value)) and word_share(value) < 0.6


def _mixed(value: str) -> bool:
    """Whether it has digits, or letters of both cases in its midst."""
    return bool(re.search(r"\d", value)) or bool(re.search(r"[a-z][A-Z]", value) and len(value) >= 16)


def _given(value: str) -> bool:
    """Whether it is a value at all: not a placeholder, a variable, or a word for what became of it."""
    return not _NOTHING.match(value)


def _is_pair(value: str) -> bool:
    """Whether it is the base64 of `user:password` (RFC 7617)."""
    try:
        plain = base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
    except ValueError:
        return False
    return b":" in plain and all(32 <= byte < 127 or byte > 160 for byte in plain)
