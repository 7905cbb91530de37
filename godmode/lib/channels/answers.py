"""What services answer to something sent, in the words that they share. httpx is the caller's to import."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn

from godmode.lib.errors import Unknown

if TYPE_CHECKING:
    import httpx


def document(response: httpx.Response) -> dict[str, Any]:
    """The answer's JSON object; an empty one where it is none."""
    try:
        answer = response.json()
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def refuse(service: str, response: httpx.Response, said: object, now: datetime) -> NoReturn:
    """Raise what an answer that is no success means, `said` being the service's own words.

    A gateway's time-out is as silent as a broken line, and so is a success that does not name what was sent.
    """
    from godmode.lib import http

    status, line = response.status_code, " ".join(str(said or "").split())[:200]
    if response.is_success:
        raise Unknown(f"{service}'s answer names nothing that was sent, so it may have been", "check base_url")
    if status in (502, 504) and not line:
        raise Unknown(f"{service}'s gateway answered {status} without a word, so it may have been sent")
    raise http.failure(service, status, response.headers, now, line)
