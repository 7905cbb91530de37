"""What can stand behind a name or a sign, and whether it is a secret at all. Pure functions of the value alone."""

from __future__ import annotations

import re

from godmode.lib.notify.shapes import Shape
from godmode.lib.notify.shapes.randomness import word_share

_NOT_GIVEN = Shape(
    r"(?i)(?:\*{1,256}$|\*{3}|•|x{3,64}|\.{3}|…|<|\$\{|\$[A-Z_]{2,64}$|\{|\[|%[a-z(]|\(|os\.|env\.|process\.|self\.|re\."
    r"|(?:none|null|nil|true|false|undefined|str|string|optional|missing|wrong|changed|reset|unset|empty|unknown|rotated"
    r"|revoked|valid|ok|yes|no|not|set)$|set,|required|expired|invalid|incorrect|protected|your[_-]"
    r"|https?://(?![^/\s]{1,200}@)|arn:)"
)
_HEX = Shape(r"[0-9a-fA-F]{32,512}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PATH = Shape(r"(?:~|\.{1,2}|[A-Za-z]:)?[/\\](?:[\w.-]{1,64}[/\\]){0,20}[\w.-]{0,64}")
_COUNT = Shape(
    r"\d{4}-\d{2}-\d{2}(?:[T ]|$)|\d{1,2}:\d{2}|v?\d{1,3}(?:\.\d{1,3}){1,3}$"
    r"|\d{1,3}(?:-[a-z]{2,20})?$|\d{1,3}(?:,\d{3}){1,3}$"
)


def is_given(value: str) -> bool:
    """Whether it is a value at all: not a placeholder, a variable, or a word for what became of it."""
    return not _NOT_GIVEN.match(value)


def is_path(value: str) -> bool:
    """Whether it is the path of a file, from the root, from home or from here, of more than one word."""
    return bool(_PATH.fullmatch(value)) and word_share(value) > 0.3


def tells_a_count(value: str) -> bool:
    """Whether it is a date, a time, a version or a small number, as in "the password is 12-character"."""
    return bool(_COUNT.match(value))


def is_mixed(value: str) -> bool:
    """Whether it has digits, or is long and has letters of both cases in its midst."""
    return bool(re.search(r"\d", value)) or (len(value) >= 16 and bool(re.search("[a-z][A-Z]", value)))


def is_like_key(value: str) -> bool:
    """Whether a long value is a key without a sign before it: letters and digits mixed, and hardly a word in it."""
    if len(value) < 16 or not is_given(value) or tells_a_count(value) or not re.search(r"\d", value):
        return False
    return bool(_HEX.fullmatch(value)) or (bool(re.search("[A-Za-z]", value)) and word_share(value) < 0.6)
