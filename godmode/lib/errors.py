"""One class per failure category of the specification, each saying how it is handled.

An adapter translates what its library raises into one of these at its own border; everything above
decides by `category`, `retried` and `alert_from`, never by a library's exception.
The message is for the operator: what happened, to what. `fix` is what to do next.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from godmode.lib.kernel import Backoff


def storable(text: str) -> str:
    """The text without what PostgreSQL's cannot hold: NUL, and half a surrogate pair."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode()


def printable(text: str) -> str:
    """The text as a terminal may be given it: lines and tabs stay, what would move its cursor or turn its letters round
    is left out."""
    if text.isprintable():
        return text
    import unicodedata

    return "".join(c for c in text if c in "\n\t\u200d" or unicodedata.category(c) not in ("Cc", "Cf"))


def first_line(error: BaseException) -> str:
    """What an error says, in one line: PostgreSQL adds details and context below it."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


class GodmodeError(Exception):
    """Base of everything that is reported to the operator in one line.

    `exit_code` is what a command ends with; `retried` whether trying again can help; `tries` how often it is tried
    in all, where that is fewer than the policy has; `retry_after` what a service asked to wait for;
    `alert_from` the number of failures in a row from which a WARN is due (0: never, it stays INFO).
    """

    category = "internal"
    exit_code = 1
    retried = False
    tries: int | None = None
    retry_after: timedelta | None = None
    alert_from = 1

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.message = storable(message)
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.message}; {self.fix}" if self.fix else self.message

    def wait(self, policy: Backoff, attempts: int) -> timedelta | None:
        """The wait after the `attempts`-th failure (counted from 1), None when it is not tried again.

        It is the policy's, or what the service asked for where that is longer.
        """
        if not self.retried or (self.tries is not None and attempts >= self.tries):
            return None
        delay = policy.delay(attempts)
        return None if delay is None else max(delay, self.retry_after or delay)


class Usage(GodmodeError):
    """Wrong words on the command line, or a configuration that cannot be used."""

    category = "usage"
    exit_code = 2


class Transient(GodmodeError):
    """Network, time-out, a 5xx, a run stopped half way: the same thing may work later."""

    category = "transient"
    retried = True
    alert_from = 3


class Unknown(Transient):
    """Sent, and nobody knows whether it arrived. Never repeated by itself."""

    retried = False


class Auth(GodmodeError):
    """401 or 403: trying again with the same credentials cannot help."""

    category = "auth"


class BadData(GodmodeError):
    """A record that does not parse. It is skipped and counted."""

    category = "data"
    alert_from = 0


class ExternalApi(GodmodeError):
    """429 or an error that the vendor names. `retry_after` is what it asked for."""

    category = "external_api"
    retried = True
    alert_from = 3

    def __init__(self, message: str, fix: str = "", retry_after: timedelta | None = None) -> None:
        super().__init__(message, fix)
        self.retry_after = retry_after


class DailyLimit(ExternalApi):
    """The day's calls are used up, by the service's limit or by our own budget. A sync ends well and goes on later."""

    retried = False


class Refused(ExternalApi):
    """The service understood and said no (any other 4xx): the same request would be refused again."""

    retried = False
    alert_from = 1


class NothingToRead(Refused):
    """The service answers, and shows nothing that could be read: a sharing taken back, a property renamed.

    A sync that ends so has failed, though no request did: what it found to be gone is superseded all the same.
    """


class DatabaseTrouble(GodmodeError):
    """The database cannot be reached, or refuses: tried once more, then given up."""

    category = "database"
    retried = True
    tries = 2
    alert_from = 2


class KillSwitchOn(GodmodeError):
    """The operator said stop."""

    category = "kill_switch"
    alert_from = 0
