"""Twilio: a call that speaks, and SMS. API 2010-04-01.

There is no idempotency parameter, but calls and messages can be listed: what became of a request without an answer
is asked for. A call counts as heard when Twilio's machine detection says that a person answered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any, NoReturn

from msgspec import field

from godmode.lib import address
from godmode.lib.channels import answers
from godmode.lib.channels.complete import require
from godmode.lib.channels.cutting import short
from godmode.lib.channels.sms import fitted
from godmode.lib.config import secret
from godmode.lib.errors import Auth, BadData, ExternalApi, Refused, Transient
from godmode.lib.kernel import Receipt
from godmode.lib.ports import Heard, Site
from godmode.lib.sections import Address, Section

SID, TOKEN = "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"
RING, TALK = 40, 180  # seconds that it rings, and that a call lasts at most
LONGEST = 2500  # characters spoken; TwiML in a request holds 4,000
SETTLED = timedelta(minutes=2)  # how long a new call or message may be missing from the lists
SKEW = timedelta(seconds=30)  # between Twilio's clock and ours
RESOURCES = {"call": "Calls", "sms": "Messages"}
RATE_LIMIT, OPTED_OUT, BAD_NUMBERS = 20429, 21610, (21211, 21214, 21217, 21614)


class Twilio:
    """Rings and texts the operator's phone."""

    name, carries = "twilio", frozenset({"voice", "sms"})
    secrets = (SID, TOKEN)

    class Settings(Section, frozen=True):
        base_url: Address = "https://api.twilio.com"
        from_: str = field(default="", name="from")
        messaging_service: str = ""  # MG…: what sends a message at a time to come

    def __init__(self, settings: Settings, site: Site) -> None:
        """Raises Usage where a half is missing or no phone number."""
        sid, token = secret(SID), secret(TOKEN)
        require(self.name, **{SID: sid, TOKEN: token, "from": settings.from_, "operator__phone": site.phone})
        self.recipients = (address.phone(site.phone),)
        self._from, self._site = address.phone(settings.from_), site
        self._service = settings.messaging_service
        self._auth = (sid or "", token or "")
        self._base = f"{settings.base_url.rstrip('/')}/2010-04-01/Accounts/{sid}"

    def prove(self) -> str:
        """Whose the credentials are, and whether that account is in use. Raises Refused where it is not."""
        account = self._read(f"{self._base}.json", {})
        name, status = account.get("friendly_name"), account.get("status")
        if status != "active":
            raise Refused(f"Twilio says that the account {name} is {status}", "see console.twilio.com")
        return f"the credentials are those of the account {name}"

    def send(self, to: str, text: str, key: str) -> Receipt:
        """Send an SMS of at most three segments. Raises Unknown when nobody knows whether it went out."""
        return self._post("Messages", {"To": to, "From": self._from, "Body": fitted(text)})

    def call(self, to: str, text: str, key: str) -> Receipt:
        """Ring, and speak the text. The receipt says that Twilio rings, not that anybody heard."""
        form = {
            "To": to, "From": self._from, "Twiml": twiml(text),
            "MachineDetection": "Enable", "Timeout": str(RING), "TimeLimit": str(TALK),
        }  # fmt: skip
        return self._post("Calls", form)

    def schedule(self, to: str, text: str, at: datetime) -> Receipt:
        """Have an SMS sent at a moment, 15 minutes to 35 days ahead, though nobody here is alive then."""
        require(self.name, messaging_service=self._service)
        form = {
            "To": to, "MessagingServiceSid": self._service, "Body": fitted(text),
            "ScheduleType": "fixed", "SendAt": f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        }  # fmt: skip
        return self._post("Messages", form)

    def scheduled(self, to: str, text: str) -> Receipt | None:
        """The SMS of this text that waits for its time, or None where surely none does."""
        found, body = self._get("Messages.json", {"To": to, "PageSize": "50"}), fitted(text)
        for entry in _entries(found, "messages"):
            if entry.get("body") == body and entry.get("status") == "scheduled":
                return Receipt(str(entry.get("sid")))
        return None

    def unschedule(self, message: str) -> Receipt:
        """Take an SMS back that waits for its time. Raises Refused where it has gone out; done twice is done."""
        try:
            return self._post(f"Messages/{message}", {"Status": "canceled"}, sends=False)
        except Refused:
            if str(self._get(f"Messages/{message}.json", {}).get("status")) == "canceled":
                return Receipt(message)
            raise

    def heard(self, call: str) -> Heard:
        """What became of a call."""
        found = self._get(f"Calls/{call}.json", {})
        status, by = str(found.get("status")), str(found.get("answered_by") or "")
        if by == "human":
            return Heard("answered")
        if status in ("queued", "initiated", "ringing") or (status == "in-progress" and not by):
            return Heard("ringing")
        if by.startswith(("machine", "fax")):
            return Heard("unheard", "voicemail answered")
        if status in ("completed", "in-progress"):
            return Heard("unheard", "nobody knows whether a person answered")
        return Heard("unheard", {"no-answer": "no answer"}.get(status, status))

    def ask(self, way: str, to: str, text: str, since: datetime) -> Receipt | None:
        """The call or SMS to this number that was made at `since`. Raises Transient while it may not be listed yet."""
        resource = RESOURCES[way]
        found = self._get(f"{resource}.json", {"To": to, "From": self._from, "PageSize": "50"})
        body = fitted(text)
        for entry in _entries(found, resource.lower()):
            made = _moment(entry.get("date_created"))
            if made is not None and made >= since - SKEW and (way == "call" or entry.get("body") == body):
                return Receipt(str(entry.get("sid")))
        if self._site.clock.now() - since < SETTLED:
            raise Transient("Twilio does not list it yet")
        return None

    # -- requests --------------------------------------------------------------------------------------------

    def _post(self, resource: str, form: Mapping[str, str], *, sends: bool = True) -> Receipt:
        from godmode.lib import http

        with self._client() as client, http.translated("Twilio", sends=sends):
            response = client.post(f"{self._base}/{resource}.json", data=form)
        answer = answers.document(response)
        if not response.is_success or not answer.get("sid"):
            self._refuse(response, answer)
        return Receipt(str(answer["sid"]))

    def _get(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        return self._read(f"{self._base}/{path}", query)

    def _read(self, url: str, query: Mapping[str, str]) -> dict[str, Any]:
        from godmode.lib import http

        with self._client() as client, http.translated("Twilio"):
            response = client.get(url, params=query)
        answer = answers.document(response)
        if not response.is_success:
            self._refuse(response, answer)
        if not answer:
            raise BadData("Twilio answered without JSON", "check channels.twilio.base_url")
        return answer

    def _client(self) -> Any:
        from godmode.lib import http

        return http.client(self._base, before=self._site.check, auth=self._auth)

    def _refuse(self, response: Any, answer: Mapping[str, Any]) -> NoReturn:
        code, said = answer.get("code"), str(answer.get("message", ""))[:200]
        if response.status_code == 429 or code == RATE_LIMIT:
            from godmode.lib import http

            wait = http.retry_after(response.headers, self._site.clock.now())
            raise ExternalApi(f"Twilio answered {code or 429}: {said}", retry_after=wait)
        if response.status_code == 401:
            raise Auth(f"Twilio answered 401: {said}", f"check {SID} and {TOKEN}")
        if code == OPTED_OUT:
            raise Refused(f"Twilio answered {code}: this number opted out", "text START to the sending number from it")
        if code in BAD_NUMBERS:
            raise Refused(f"Twilio answered {code}: {said}", "check operator.phone and channels.twilio.from")
        answers.refuse("Twilio", response, f"{code}: {said}" if code else said, self._site.clock.now())


def twiml(text: str) -> str:
    """The document that a call speaks, twice where it is short enough to be missed."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    said = _escaped(short(" ".join(plain.split()), LONGEST))
    while len(said) > LONGEST:  # escaping made it longer
        said = _escaped(short(plain, len(plain) - (len(said) - LONGEST)))
    loop = ' loop="2"' if len(said) < 300 else ""
    return f'<Response><Pause length="1"/><Say{loop}>{said}</Say></Response>'


def _escaped(text: str) -> str:
    return escape(text, quote=False)


def _entries(found: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    listed = found.get(name)
    return (entry for entry in (listed if isinstance(listed, list) else []) if isinstance(entry, dict))


def _moment(text: object) -> datetime | None:
    """A date of RFC 2822, as Twilio writes them."""
    from email.utils import parsedate_to_datetime  # late: it brings half of the email package

    try:
        at = parsedate_to_datetime(str(text))
    except (ValueError, TypeError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
