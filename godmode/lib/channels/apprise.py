"""Apprise: e-mail, ntfy, Slack and a hundred others, each known by one URL. The first of them that works is enough.

Apprise only says whether it worked; why not stands in its log, which is read for it and goes nowhere else, since it
can hold the URL's secrets.
"""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from godmode.lib.channels.complete import require
from godmode.lib.channels.cutting import short
from godmode.lib.errors import Auth, ExternalApi, GodmodeError, Refused, Transient, Unknown, Usage
from godmode.lib.kernel import Receipt
from godmode.lib.ports import Site
from godmode.lib.sections import Section

LONGEST = 20_000  # characters, where the service would take more
_STATUS = re.compile(r"error=(\d{3})")
_UNSENT = re.compile(
    r"refused|NewConnectionError|ConnectTimeout|NameResolution|Name or service not known|getaddrinfo|unreachable",
    re.IGNORECASE,
)


class Apprise:
    """Sends to the configured URLs."""

    name, carries = "apprise", frozenset({"message"})
    secrets: tuple[str, ...] = ()

    class Settings(Section, frozen=True):
        urls: tuple[str, ...] = ()

    def __init__(self, settings: Settings, site: Site) -> None:
        """Raises Usage where no URL is given."""
        require(self.name, urls=settings.urls)
        self.recipients = tuple(url.strip() for url in settings.urls)
        self._site = site

    def verify(self) -> None:
        """Raises Usage for a URL that apprise does not understand."""
        for url in self.recipients:
            with _listening():
                known = _service(url) is not None
            if not known:
                raise _unusable(url)

    def send(self, to: str, text: str, key: str) -> Receipt:
        """Send by one URL; the text's first line is the title. Raises Unknown where it may have arrived."""
        self._site.check()
        scheme = to.partition("://")[0]
        with _listening() as log:
            done = _notified(to, text)
            said = log.getvalue()
        if done is None:
            raise _unusable(to)
        if not done:
            raise _failure(f"apprise ({scheme})", said)
        return Receipt(key)


def _unusable(url: str) -> Usage:
    return Usage(f"apprise cannot use the URL {url.partition('://')[0]}://…", "check channels.apprise.urls")


def _service(url: str) -> Any:
    """What apprise sends by a URL; None for one that it does not understand."""
    from apprise import Apprise as Library
    from apprise import AppriseAsset

    asset = AppriseAsset(app_id="godmode", app_desc="godmode", interpret_escapes=False, interpret_emojis=False)
    return Library.instantiate(url, asset=asset)


def _notified(url: str, text: str) -> bool | None:
    """Whether it worked; None for a URL that apprise does not understand."""
    from apprise import NotifyFormat

    service = _service(url)
    if service is None:
        return None
    service.retry = 0
    title, _, body = text.partition("\n")
    done = service.notify(
        body=short(body or title, min(service.body_maxlen, LONGEST)),
        title=short(title, service.title_maxlen) if body and service.title_maxlen else "",
        body_format=NotifyFormat.TEXT,
    )
    return cast(bool, done)


@contextmanager
def _listening() -> Iterator[io.StringIO]:
    """What apprise logs meanwhile; it, and what the library below it logs, is kept from every other handler."""
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    loggers = [logging.getLogger(name) for name in ("apprise", "urllib3")]
    before = [(logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
    try:
        yield said
    finally:
        for logger, (level, propagate) in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)
            logger.propagate = propagate


def _failure(service: str, log: str) -> GodmodeError:
    """What a failed send means by its log."""
    status = _STATUS.search(log)
    code = int(status[1]) if status else None
    if code in (401, 403):
        return Auth(f"{service} was answered {code}", "check the URL's user and password")
    if code == 429:
        return ExternalApi(f"{service} was answered 429")
    if code is not None and code >= 500:
        return Transient(f"{service} was answered {code}")
    if code is not None:
        return Refused(f"{service} was answered {code}")
    if _UNSENT.search(log):
        return Transient(f"{service} cannot be reached")
    return Unknown(f"{service} broke off, so it may have been sent")
