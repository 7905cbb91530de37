"""Secrets in what goes over the wire: headers, cookies, and addresses with a password or a signature in them."""

from __future__ import annotations

from collections.abc import Iterator

from godmode.lib.notify.shapes import Shape, Span
from godmode.lib.notify.shapes.values import is_given, is_like_key, is_mixed

_AUTHORIZATION = Shape(
    r"(?i)(?<![a-z])authorization[\"'\\]{0,3}\s{0,3}[:=]\s{0,3}[\"'\\]{0,3}(?:(?:bearer|basic|token|apikey|key|negotiate)\s{1,3})?"
    r"([A-Za-z0-9._~+/=:-]{6,4096})"
)
_BEARER = Shape(r"(?i)(?<![a-z])bearer(?:\s{1,3}|%20)[\"']?([A-Za-z0-9._~+/=-]{12,4096})")
_BASIC = Shape(r"(?i)(?<![a-z])basic\s{1,3}([A-Za-z0-9+/]{8,1024}={0,2})")
_COOKIE = Shape(r"(?i)(?<![a-z])cookie[\"']?\s{0,2}:\s{0,2}[\"']?([^\s=;\"']{1,128}=[^\r\n\"']+)")
_PASSWORD = Shape(r"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9+.-]{1,30}://[^\s/@:\"'<>]{0,128}:([^\s/\"'<>]{1,256})@")
_USER_ALONE = Shape(r"https?://([A-Za-z0-9_.~-]{20,256})@")
_SQL = Shape(r"(?i)\b(?:password|identified\sby)\s{1,3}(?P<q>[\"'])([^\s\"']{4,128})(?P=q)")
_FLAG = Shape(
    r"\b(?:sshpass\s-p\s?|mysql(?:dump|admin)?\b[^\n]{0,80}?\s-p|curl\b[^\n]{0,200}?\s(?:-u|--user)[\s=][\"']?[^\s:\"']{1,64}:)"
    r"[\"']?([^\s\"']{3,128})"
)
_QUERY = Shape(r"(?i)[?&;](?:key|code|auth|st|hash|access|[a-z]{1,10}_?token)=([^\s&#\"'<>;]{16,2048})")


def find(text: str) -> Iterator[Span]:
    """What stands in a header, in a cookie (all of it), before the `@` of an address, or behind a telling `?key=`."""
    lower = text.lower()
    if "authorization" in lower or "bearer" in lower:
        for pattern in (_AUTHORIZATION, _BEARER):
            yield from ((*m.span(1), "authorization") for m in pattern.finditer(text) if is_mixed(m[1]))
    if "basic" in lower:
        yield from ((*m.span(1), "authorization") for m in _BASIC.finditer(text) if _is_pair(m[1]))
    if "cookie" in lower:
        yield from ((*m.span(1), "cookie") for m in _COOKIE.finditer(text))
    if "://" in text:
        yield from ((*m.span(1), "password") for m in _PASSWORD.finditer(text) if is_given(m[1]))
        yield from ((*m.span(1), "token") for m in _USER_ALONE.finditer(text) if is_like_key(m[1]))
    if "password" in lower or "identified" in lower:
        yield from ((*m.span(2), "password") for m in _SQL.finditer(text) if is_mixed(m[2]) or not m[2].isalpha())
    if "sshpass" in lower or "mysql" in lower or "curl" in lower:
        yield from ((*m.span(1), "password") for m in _FLAG.finditer(text) if is_given(m[1]))
    if "=" in text:
        yield from ((*m.span(1), "token") for m in _QUERY.finditer(text) if is_like_key(m[1]))


def _is_pair(value: str) -> bool:
    """Whether it is the base64 of `user:password` (RFC 7617)."""
    from base64 import b64decode

    try:
        plain = b64decode(value + "=" * (-len(value) % 4), validate=True)
    except ValueError:
        return False
    return b":" in plain and all(32 <= byte < 127 or byte > 160 for byte in plain)
