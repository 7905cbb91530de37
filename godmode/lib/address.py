"""Addresses of the operator's, each in one written form, so that equal ones are equal."""

from __future__ import annotations

import re

from godmode.lib.errors import Usage

_CHAT_ID = re.compile(r"-?\d{1,20}")
_USER = re.compile(r"@[A-Za-z0-9_]{4,32}")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")


def normal(address: str) -> str:
    """A phone number as E.164, a Telegram chat id, a Telegram user in lower case, or an apprise URL as it is.

    Raises Usage for anything else.
    """
    text = address.strip()
    if text.startswith("+"):
        return phone(text)
    if _CHAT_ID.fullmatch(text) or _URL.fullmatch(text):
        return text
    if _USER.fullmatch(text):
        return text.lower()
    raise Usage(
        f'"{text}" is no address',
        'write a phone number as "+15125550100", a Telegram chat id or @user, or an apprise URL',
    )


def phone(number: str) -> str:
    """A phone number in the form +15125550100. Raises Usage for one that cannot exist."""
    import phonenumbers  # 30 ms: late

    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        raise Usage(f'"{number}" is no phone number', 'write it with its country, as "+15125550100"') from None
    if not phonenumbers.is_possible_number(parsed):
        raise Usage(f'"{number}" is no possible phone number', "check its digits")
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def shown(address: str) -> str:
    """An address fit for a log or a table: an apprise URL holds passwords, so its scheme alone is shown."""
    scheme, found, _ = address.partition("://")
    return f"{scheme}://…" if found else address


def command(address: str, channel: str, *ways: str) -> str:
    """What the operator types to let an address in; a URL's secrets are not for the command line."""
    which = f"--channel {channel}" if "://" in address or not address else address
    return f"godmode allowlist add {which} --for {','.join(ways)}"
