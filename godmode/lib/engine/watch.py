"""All watchers look at the same time: a few threads with a connection each take one after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import islice

from godmode.lib.engine import together
from godmode.lib.engine.stop import Stopper
from godmode.lib.kernel import Incident, JobContext, JobResult, Outcome
from godmode.lib.ports import Sighted, Watcher
from godmode.lib.store import Store, connect

THREADS = 4  # one that hangs stops no other as long as there are others; a connection each costs its server a process
MOST = 2000  # subjects that one watcher may see at once: more than what any reads at most
PATIENCE = "20s"  # for a statement of a watcher


@dataclass
class Looked:
    """What came of a look. `found` are the incidents of the watchers that looked without failing; `seeing` are those
    of them that saw, so that what they no longer see may be over; `failed` the results of the others, by name."""

    found: list[Incident] = field(default_factory=list)
    seeing: list[str] = field(default_factory=list)
    failed: dict[str, JobResult] = field(default_factory=dict)


def look(ctx: JobContext) -> Looked:
    """Let every watcher look once. Raises Stopped or KillSwitchOn when the run has to end."""
    watchers: Mapping[str, Watcher] = dict(ctx.watchers)
    left, looked, now = deque(watchers), Looked(), ctx.clock.now()

    def twin(stopper: Stopper) -> together.Twin:
        store = ctx.store.another()

        def work(thread: str) -> JobResult:
            while left:
                try:
                    name = left.popleft()
                except IndexError:  # another thread was faster
                    break
                result = ctx.worker.apart(stopper, partial(_look, watchers[name], store, now, looked))
                if result.outcome is Outcome.FAILED:
                    looked.failed[name] = result
            return JobResult(Outcome.SUCCEEDED)

        return together.Twin(work, lambda: None, store)

    threads = [f"watchers {number}" for number in range(1, min(THREADS, len(watchers)) + 1)]
    together.run(threads, twin, ctx.worker.stopper, ctx.check)
    looked.failed |= {name: _never() for name in left}
    return looked


def _look(watcher: Watcher, store: Store, now: datetime, looked: Looked) -> JobResult:
    """One watcher's look, in a transaction in which nothing can be written; what it sees is kept all or not at all."""
    conn = store.fresh()
    with conn.transaction():
        connect.only_read(conn, PATIENCE)
        found = list(islice(watcher.look(store, now), MOST))
        sees = not isinstance(watcher, Sighted) or watcher.sees(store, now)
    looked.found += found
    if sees:
        looked.seeing.append(watcher.name)
    return JobResult(Outcome.SUCCEEDED)


def _never() -> JobResult:
    return JobResult(Outcome.FAILED, None, "no thread was left for it", "internal")
