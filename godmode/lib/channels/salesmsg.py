"""Salesmsg, public API v2.3: SMS. The fields of a message are query parameters; there is no body and no key.

Tokens live an hour (see salesmsg_token.py). An endpoint that places a call is not known.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from godmode.lib import address
from godmode.lib.channels import answers
from godmode.lib.channels.complete import require
from godmode.lib.channels.salesmsg_token import TOKEN, Tokens
from godmode.lib.channels.sms import fitted
from godmode.lib.config import secret
from godmode.lib.errors import Auth, ExternalApi, Transient, Unknown
from godmode.lib.kernel import Receipt
from godmode.lib.ports import Site
from godmode.lib.sections import Address, Section

if TYPE_CHECKING:
    import httpx

MINUTE = timedelta(minutes=1)  # how long the rate limit of 60 a minute holds


class Salesmsg:
    """Texts the operator's phone from a team's inbox."""

    name, carries = "salesmsg", frozenset({"sms"})
    secrets = (TOKEN,)

    class Settings(Section, frozen=True):
        base_url: Address = "https://api.salesmessage.com/pub/v2.3"
        team_id: str | int = ""

    def __init__(self, settings: Settings, site: Site) -> None:
        """Raises Usage where a half is missing or no phone number."""
        token = secret(TOKEN)
        require(self.name, SALESMSG_API_TOKEN=token, team_id=settings.team_id, operator__phone=site.phone)
        self.recipients = (address.phone(site.phone),)
        self._base, self._team, self._site = settings.base_url.rstrip("/"), str(settings.team_id), site
        self._tokens = Tokens(self._base, token or "", site)

    def keep(self) -> bool:
        """Refresh the token where it would not last until the next look; whether it was. Raises as `send` does."""
        return self._tokens.keep()

    def prove(self) -> str:
        """That the token is taken (`GET /user`)."""
        from godmode.lib import http

        with self._client() as client, http.translated("Salesmsg"):
            response = client.get(f"{self._base}/user")
        answer = answers.document(response)
        if response.is_success and answer:
            return "the token is taken"
        try:
            _refuse(response, answer, self._site)
        except Unknown as e:
            raise Transient(f"Salesmsg answered {response.status_code}, and not what was asked", e.fix) from None

    def send(self, to: str, text: str, key: str) -> Receipt:
        """Send an SMS of at most three segments. Raises Unknown when nobody knows whether it went out."""
        from godmode.lib import http

        query = {"number": to, "team_id": self._team, "message": fitted(text)}
        with self._client() as client, http.translated("Salesmsg", sends=True):
            response = client.post(f"{self._base}/messages", params=query)
        answer = answers.document(response)
        number = _number(answer)
        if not response.is_success or number is None:
            _refuse(response, answer, self._site)
        return Receipt(str(number))

    def _client(self) -> httpx.Client:
        from godmode.lib import http

        headers = {"Authorization": f"Bearer {self._tokens.current()}", "Accept": "application/json"}
        return http.client(self._base, before=self._site.check, headers=headers)


def _refuse(response: Any, answer: dict[str, Any], site: Site) -> NoReturn:
    """Raise what an answer that is no success means; a token that cannot be read is even a 500 there."""
    said = str(answer.get("message") or answer.get("error") or "")
    if response.status_code in (401, 403) or (response.status_code == 500 and "token" in said.lower()):
        raise Auth(f"Salesmsg answered {response.status_code}: {said[:200]}", f"set a new {TOKEN}")
    if response.status_code == 429:
        from godmode.lib import http

        wait = http.retry_after(response.headers, site.clock.now()) or MINUTE
        raise ExternalApi(f"Salesmsg answered 429: {said[:200]}", retry_after=wait)
    answers.refuse("Salesmsg", response, said, site.clock.now())


def _number(answer: dict[str, Any]) -> object:
    """The message's own number; whether it stands at the top or below `data` differs between their examples."""
    data = answer.get("data")
    return answer.get("id") or (data.get("id") if isinstance(data, dict) else None)
