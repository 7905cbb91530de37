"""What the runner lends to the jobs that do other work: the retry queue, and the watchers."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from godmode.lib.engine.locks import Owner
from godmode.lib.engine.stop import Stopper
from godmode.lib.kernel import GateDecision, Job, JobResult
from godmode.lib.store.controls import Controls


class Worker(Struct, frozen=True):
    """`attempt` runs a step, and whatever it raises becomes its result. `gate` decides on work that has no slot, as
    the controls are. `run_slot` runs a job for a slot (None: the current one) as the operator would by hand, and
    leaves its retry to the caller. `job` finds a job as the file configures it. `apart` is
    `attempt` for another thread, which has a stopper of its own.
    """

    owner: Owner
    run_id: str
    stopper: Stopper
    attempt: Callable[[Callable[[], JobResult]], JobResult]
    gate: Callable[[Job, Controls | None], GateDecision]
    run_slot: Callable[[str, str | None], JobResult]
    job: Callable[[str], Job]
    apart: Callable[[Stopper, Callable[[], JobResult]], JobResult]
