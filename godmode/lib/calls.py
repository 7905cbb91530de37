"""What stands around one outgoing request, whatever library makes it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from godmode.lib.errors import ExternalApi, GodmodeError, Refused
from godmode.lib.ports import Meter


@contextmanager
def metered(meter: Meter) -> Iterator[None]:
    """Room for one request before it, its count and its time after it. The block raises errors of errors.py.

    An ExternalApi that is no Refused is a throttle, whose `retry_after` all processes keep; any other GodmodeError is
    an error. A request that a stop breaks off is counted as well: it had been made.
    """
    meter.before()
    begun = time.monotonic()
    failed: GodmodeError | None = None
    try:
        yield
    except GodmodeError as e:
        failed = e
        raise
    finally:
        meter.after(
            ms=(time.monotonic() - begun) * 1000,
            error=failed is not None,
            throttled=isinstance(failed, ExternalApi) and not isinstance(failed, Refused),
            retry_after=failed.retry_after if failed else None,
        )
