"""Trying again within a run, by the specification's policy. Import it late: tenacity costs a scheduled run 20 ms.

For reading only: a channel never retries by itself, since a message may have arrived although no answer came.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type

from godmode.lib.errors import GodmodeError
from godmode.lib.kernel import Backoff
from godmode.lib.ports import Site

T = TypeVar("T")
PATIENCE = 5.0  # seconds for which a wait goes on before it asks again whether the run has to stop
JITTER = 0.1  # the share of Retry-After put on top, so that all who were told the same do not come back at once


def again(site: Site, call: Callable[[], T], policy: Backoff | None = None) -> T:
    """What `call` returns; it is called again while it raises an error that is retried (see errors.py).

    The waits are `policy`'s, by default 2, 4, 8 and 16 s; a longer Retry-After is obeyed, with up to a tenth of it
    on top. Between two tries `site.check` is asked, and what it raises, for a stop or the switch, ends the tries.
    Raises the last error as it is: after the last try, or at once where the wait would reach the run's deadline.
    """
    schedule = policy or Backoff()

    def over(state: RetryCallState) -> bool:
        return _error(state).wait(schedule, state.attempt_number) is None or state.upcoming_sleep >= site.time_left()

    retrying = Retrying(
        retry=retry_if_exception_type(GodmodeError),
        wait=lambda state: _seconds(_error(state), schedule, state.attempt_number),
        stop=over,
        sleep=lambda seconds: pause(site, seconds),
        reraise=True,
    )
    return retrying(call)


def pause(site: Site, seconds: float) -> None:
    """Wait, and find out within PATIENCE that the run has to stop. Raises what `site.check` raises."""
    while seconds > 0:
        step = min(seconds, PATIENCE)
        site.sleep(step)
        site.check()
        seconds -= step


def _error(state: RetryCallState) -> GodmodeError:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, GodmodeError)
    return error


def _seconds(error: GodmodeError, schedule: Backoff, attempts: int) -> float:
    wait = error.wait(schedule, attempts) or timedelta(0)
    return (wait + (error.retry_after or timedelta(0)) * random.uniform(0, JITTER)).total_seconds()
