"""Salesmsg's token: it expires an hour after its issue and is renewed with itself, so the newest one is kept.

The configured one is the first. The newest lies in the state folder, mode 0600, with the mark of the one it came
from: a token that the operator sets anew counts at once. One process renews at a time.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from godmode.lib import paths
from godmode.lib.channels import answers
from godmode.lib.errors import Auth, BadData
from godmode.lib.ports import Site

TOKEN = "SALESMSG_API_TOKEN"
LIFE = timedelta(hours=1)
ENOUGH = timedelta(minutes=5)  # what a token has to last to send with it
KEEP = timedelta(minutes=30)  # what it has to last to be left alone when it is looked after


class Kept(msgspec.Struct, frozen=True):
    """The newest token, when it expires, and the mark of the configured one that it came from."""

    token: str
    expires_at: datetime
    of: str


class Tokens:
    """The token in force."""

    def __init__(self, base: str, configured: str, site: Site) -> None:
        self._base, self._configured, self._site = base, configured, site
        self._of = hashlib.sha256(configured.encode()).hexdigest()[:16]

    def current(self) -> str:
        """A token that still lasts; renewed where it would not. Raises Auth when it cannot be renewed."""
        return self._lasting(ENOUGH)[0].token

    def keep(self) -> bool:
        """Renew a token that is half over; whether it was renewed."""
        return self._lasting(KEEP)[1]

    def _lasting(self, enough: timedelta) -> tuple[Kept, bool]:
        kept = self._read()
        if kept is not None and kept.expires_at - self._site.clock.now() > enough:
            return kept, False
        with self._alone():
            kept = self._read()  # another process may have renewed it meanwhile
            if kept is not None and kept.expires_at - self._site.clock.now() > enough:
                return kept, False
            return self._renewed(kept.token if kept else self._configured), True

    @property
    def _file(self) -> Path | None:
        return self._site.state / "salesmsg_token.json" if self._site.state else None

    def _read(self) -> Kept | None:
        """The kept token; the configured one where it says itself how long it lasts; else None."""
        try:
            kept = msgspec.json.decode(self._file.read_bytes(), type=Kept) if self._file else None
        except (OSError, msgspec.DecodeError):
            kept = None
        if kept is not None and kept.of == self._of:
            return kept
        expires = _expiry(self._configured)
        return Kept(self._configured, expires, self._of) if expires else None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if self._site.state is None:
            yield
            return
        with (paths.private_folder(self._site.state) / "salesmsg_token.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _renewed(self, token: str) -> Kept:
        from godmode.lib import http

        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        with (
            http.client(self._base, before=self._site.check, headers=headers) as client,
            http.translated("Salesmsg"),
        ):
            response = client.post(f"{self._base}/oauth/personal-token/refresh")
        answer = answers.document(response)
        if not response.is_success:
            self._refuse(response.status_code, answer)
        fresh, seconds = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(fresh, str):
            raise BadData("Salesmsg's answer holds no new token", "check channels.salesmsg.base_url")
        life = timedelta(seconds=seconds) if isinstance(seconds, int | float) else LIFE
        kept = Kept(fresh, self._site.clock.now() + life, self._of)
        if self._file:
            paths.replace_file(self._file, msgspec.json.encode(kept))
        return kept

    def _refuse(self, status: int, answer: dict[str, Any]) -> None:
        said = str(answer.get("message") or "")[:200]
        if status in (401, 403, 500):
            raise Auth(f"Salesmsg does not renew its token any more: {status} {said}", f"set a new {TOKEN}")
        from godmode.lib import http

        raise http.failure("Salesmsg", status, {}, self._site.clock.now(), said)


def _expiry(token: str) -> datetime | None:
    """When a token expires, where it is a JWT that says so (RFC 7519, `exp`)."""
    try:
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return datetime.fromtimestamp(claims["exp"], UTC)
    except (IndexError, ValueError, KeyError, TypeError, OverflowError, OSError):
        return None
