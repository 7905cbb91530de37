"""All the secrets that this process was given, so that none of them leaves, wherever it turns up."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from godmode.lib.config import secret
from godmode.lib.errors import Usage

NAMES = ("DATABASE_URL", "BACKUP_DATABASE_URL", "TWILIO_ACCOUNT_SID")
SUFFIXES = ("_TOKEN", "_KEY", "_SECRET", "_PASSWORD", "_PASSPHRASE")


def given(env: Mapping[str, str] = os.environ) -> frozenset[str]:
    """The values of all variables that are named like a secret, of the files they name, and of systemd's credentials.

    More than godmode reads: a job's process may have others in its environment. One that cannot be read is left out.
    """
    found: set[str] = set()
    for name in _names(env):
        try:
            value = secret(name, env)
        except Usage:
            continue
        if value:
            found.add(value)
            found.update(_passwords(value))
    return frozenset(found)


def _names(env: Mapping[str, str]) -> Iterator[str]:
    for name in (*env, *_credentials(env)):
        plain = name.removesuffix("_FILE")
        if plain in NAMES or plain.endswith(SUFFIXES):
            yield plain


def _credentials(env: Mapping[str, str]) -> Iterator[str]:
    folder = env.get("CREDENTIALS_DIRECTORY")
    if folder and Path(folder).is_dir():
        yield from (entry.name for entry in Path(folder).iterdir())


def _passwords(value: str) -> Iterator[str]:
    """The password within an address or a connection string, but for one that is a mere word: words are in texts."""
    from urllib.parse import unquote

    for match in re.finditer(r"://[^\s/@:]*:([^\s/]+)@|\bpassword=('[^']+'|[^\s&]+)", value):
        written = (match[1] or match[2]).strip("'")
        yield from (word for word in {written, unquote(written)} if len(word) >= 8 and not word.isalpha())
