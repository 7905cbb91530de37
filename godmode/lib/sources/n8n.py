"""n8n executions by the public API v1, newest first, until what is known.

A pass goes from the newest execution down to the known ones; a pass that is broken off goes on where it stood. What
was still running or waiting is looked at again, by the lists of its state and, where those do not show it, by id:
some versions hide executions that wait. n8n forgets old executions by itself, so a gap in the ids is no loss.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from godmode.lib.config import secret, token
from godmode.lib.errors import Auth, BadData, GodmodeError, Refused
from godmode.lib.kernel import Checkpoint, Every, Gone, Rate, Record, Sight, Skipped
from godmode.lib.ports import Probe, Site
from godmode.lib.sections import Address, Minutes, Remote
from godmode.lib.sources.chat_formats.message import clean

if TYPE_CHECKING:
    import httpx

    from godmode.lib.caller import Caller
    from godmode.lib.sources.n8n_actions import N8nActions

PAGE = 250  # the API's most; 251 is a 400
# n8n has no limit of its own; 20 a second leave its server room for its work. Counted over ten seconds, so that a
# page which took long to store is made up for by the next few.
RATE = Rate(200, timedelta(seconds=10))
BY_ID = 2  # so many open executions are asked for by id; more by the lists of their states, which are two requests
SCOPES = "workflow:list, execution:list and execution:read"
ENDED = frozenset({"success", "error", "crashed", "canceled"})
OPEN_LISTS = ("waiting", "running")


class N8nSettings(Remote, frozen=True, kw_only=True):
    """`base_url` is where n8n answers, with or without `/api/v1`."""

    base_url: Address
    scan_interval_minutes: Minutes | None = None


class Execution(msgspec.Struct, rename="camel"):
    """An execution as the API lists it. Older servers give ids as numbers."""

    id: str | int
    workflow_id: str | int
    status: str
    mode: str | None = None
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    wait_till: datetime | None = None
    retry_of: str | int | None = None
    retry_success_id: str | int | None = None

    @property
    def number(self) -> int:
        return int(self.id)

    @property
    def is_open(self) -> bool:
        return self.stopped_at is None and self.status not in ENDED


class Page(msgspec.Struct, rename="camel"):
    data: list[msgspec.Raw]
    next_cursor: str | None = None


class Workflow(msgspec.Struct):
    id: str | int
    name: str


class Workflows(msgspec.Struct, rename="camel"):
    data: list[Workflow]
    next_cursor: str | None = None


class Fault(msgspec.Struct):
    message: str = ""


class Result(msgspec.Struct, rename="camel"):
    error: Fault | None = None
    last_node_executed: str | None = None


class ResultData(msgspec.Struct, rename="camel"):
    result_data: Result | None = None


class WithData(msgspec.Struct):
    data: ResultData | None = None


class N8n:
    """Reads the executions of one n8n. Its cursor: `known`, the highest id below which all was read; of a pass that
    is under way `top` and `next`; `open`, the ids that had not ended; `names` of the workflows, and their `day`."""

    name, every, authority = "n8n", Every(minutes=30), "observed"
    keeps, prunes = "executions", True
    Settings = N8nSettings

    def __init__(self, settings: N8nSettings, site: Site) -> None:
        self._base = settings.base_url.rstrip("/").removesuffix("/api/v1") + "/api/v1"
        self._site = site
        self._names: Mapping[str, str | None] = {}

    @cached_property
    def _api(self) -> Caller:
        from godmode.lib import http
        from godmode.lib.caller import Caller

        key = token("N8N_API_KEY", "set it to a key that n8n gives at Settings, n8n API")
        client = http.client(self._base, headers={"X-N8N-API-KEY": key}, wire=self._site.wire)
        return Caller("n8n", client, self._site.meter("n8n", RATE), self._site, self._meaning)

    def _meaning(self, response: httpx.Response, error: GodmodeError) -> GodmodeError:
        """A refused key with what to do about it: n8n itself says only "unauthorized"."""
        if not isinstance(error, Auth):
            return error
        if response.status_code == 403:
            return Auth(error.message, f"give the key of N8N_API_KEY the scopes {SCOPES}")
        at = _expires(secret("N8N_API_KEY") or "")
        over = f"it ended on {at.astimezone(self._site.zone):%d %b %Y}: " if at and at < self._site.clock.now() else ""
        return Auth(error.message, f"is N8N_API_KEY a key of this n8n? {over}make a new one in n8n, Settings, n8n API")

    def close(self) -> None:
        """End the connections."""
        if "_api" in self.__dict__:
            self.__dict__.pop("_api").client.close()

    @property
    def actions(self) -> N8nActions:
        """What can be done there."""
        from godmode.lib.sources.n8n_actions import N8nActions

        return N8nActions(self._api)

    # -- what is new ---------------------------------------------------------------------------------------

    def changes(self, cursor: Mapping[str, Any]) -> Iterator[Record | Skipped | Gone | Checkpoint]:
        """What is new or has ended since `cursor`: first the rest of a pass that was broken off, then a new one."""
        state = _State(cursor)
        self._names = state.names
        if state.next is not None:
            yield from self._pass(state)
        yield from self._pass(state)
        yield from self._look_again(state)
        yield Checkpoint(state.cursor())

    def _pass(self, state: _State) -> Iterator[Record | Skipped | Checkpoint]:
        """From `state.next`, or the newest, down to the known ones."""
        while True:
            page = self._page(state)
            found = list(read(page.data))
            executions = [e for e in found if isinstance(e, Execution)]
            state.begin(executions)
            self._name(state, executions)
            for item in found:
                yield self._record(state, item) if isinstance(item, Execution) else item
            state.next = page.next_cursor
            if state.next is None or any(e.number <= state.known for e in executions):
                state.end()
                return
            yield Checkpoint(state.cursor(), state.left(executions))

    def _page(self, state: _State) -> Page:
        try:
            return self._list(state.next)
        except Refused:
            if state.next is None:
                raise
            state.next = None  # a kept cursor that a newer n8n no longer takes: the pass begins again
            return self._list(None)

    def _list(self, cursor: str | None, status: str | None = None) -> Page:
        params = {"limit": PAGE, "cursor": cursor, "status": status}
        return self._api.get_json("/executions", {k: v for k, v in params.items() if v is not None}, Page)

    def _look_again(self, state: _State) -> Iterator[Record | Skipped | Gone]:
        """What had not ended when it was last seen, and did not come with this sync's pages."""
        unseen = state.open - state.seen
        if len(unseen) > BY_ID:
            for execution in self._open_now():
                if execution.number in unseen:
                    unseen.discard(execution.number)
                    yield self._record(state, execution)
        for item in self.again([str(number) for number in sorted(unseen)]):
            if isinstance(item, Gone) or (isinstance(item, Record) and item.fields["ended"]):
                state.open.discard(int(item.id))
            yield item

    def _open_now(self) -> Iterator[Execution]:
        """The executions that wait or run, as the lists show them. Older servers know no list of the running ones."""
        for status in OPEN_LISTS:
            cursor: str | None = None
            while True:
                try:
                    page = self._list(cursor, status)
                except Refused:
                    break
                yield from (e for e in read(page.data) if isinstance(e, Execution))
                if (cursor := page.next_cursor) is None:
                    break

    def _name(self, state: _State, executions: Iterable[Execution]) -> None:
        """Know the workflows' names: once a day, and when one is new."""
        wanted = {str(e.workflow_id) for e in executions if e.number > state.known}
        today = self._site.clock.now().astimezone(self._site.zone).date().isoformat()
        if wanted and not state.named and (state.day != today or not wanted <= state.names.keys()):
            state.names = self._names = dict.fromkeys(wanted) | {str(w.id): clean(w.name) for w in self._workflows()}
            state.day, state.named = today, True

    def _workflows(self) -> Iterator[Workflow]:
        cursor: str | None = None
        while True:
            params = {"limit": PAGE, "excludePinnedData": "true"} | ({"cursor": cursor} if cursor else {})
            page = self._api.get_json("/workflows", params, Workflows)
            yield from page.data
            if (cursor := page.next_cursor) is None:
                return

    def _record(self, state: _State, e: Execution) -> Record:
        state.see(e)
        return _record(e, self._names)

    # -- proof, completeness, causes -----------------------------------------------------------------------

    def test(self) -> Sight:
        """Two requests: the workflows and the newest execution that the key may see."""
        page = self._api.get_json("/workflows", {"limit": PAGE, "excludePinnedData": "true"}, Workflows)
        newest = list(read(self._api.get_json("/executions", {"limit": 1}, Page).data))
        more = " or more" if page.next_cursor else ""
        count = f"{len(page.data):,}{more} workflow{'' if len(page.data) == 1 else 's'}"
        last = "and no execution yet" if not newest else "and their executions"
        if newest and isinstance(newest[0], Execution):
            last += f", the newest {newest[0].id}"
        return Sight(f"n8n answers, and the key may read {count} {last}{self._expiry()}")

    def probe(self) -> Probe:
        """One workflow: it takes the key, which n8n's own health page does not."""
        key, site = secret("N8N_API_KEY") or "", self._site
        path, headers = "/workflows?limit=1", {"X-N8N-API-KEY": key}
        return Probe(self._base, path, headers, site.meter("n8n", RATE), site.wire, _expires(key))

    def _expiry(self) -> str:
        at = _expires(secret("N8N_API_KEY") or "")
        return f"; the key ends on {at.astimezone(self._site.zone):%d %b %Y}" if at else ""

    def everything(self) -> Iterator[str]:
        """The ids of all executions that n8n still keeps; the API has no list of the ids alone."""
        cursor: str | None = None
        while True:
            page = self._list(cursor)
            yield from (str(e.id) for e in read(page.data) if isinstance(e, Execution))
            if (cursor := page.next_cursor) is None:
                return

    def again(self, ids: Sequence[str]) -> Iterator[Record | Skipped | Gone]:
        """Executions by id, a request each."""
        for number in ids:
            try:
                found = self._api.find_json(f"/executions/{number}", shape=Execution)
            except BadData as e:
                yield Skipped(f"execution {number}", e.message)
                continue
            yield Gone(number, "no longer kept by n8n") if found is None else _record(found, self._names)

    def explain(self, ids: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Why executions failed: id, and where and why in one line. A request each, so ask for a few.

        What cannot be told is left out: an incident without a cause is better than none.
        """
        for number in ids:
            try:
                found = self._api.find_json(f"/executions/{number}", {"includeData": "true"}, WithData)
            except GodmodeError as e:
                if not e.retried and not isinstance(e, BadData | Refused):
                    raise
                continue
            if line := _cause(found):
                yield number, line


class _State:
    """The cursor while a sync is under way."""

    def __init__(self, cursor: Mapping[str, Any]) -> None:
        self.known: int = cursor.get("known", 0)
        self.top: int | None = cursor.get("top")
        self.next: str | None = cursor.get("next")
        self.open: set[int] = set(cursor.get("open", ()))
        self.names: dict[str, str | None] = dict(cursor.get("names", {}))
        self.day: str = cursor.get("day", "")
        self.named = False
        self.seen: set[int] = set()

    def begin(self, page: Sequence[Execution]) -> None:
        """Note a pass's first page: where its top is. One below what is known means that n8n began anew."""
        if self.top is None and page:
            self.top = max(e.number for e in page)
            if self.top < self.known:
                self.known = 0

    def see(self, e: Execution) -> None:
        if e.is_open:
            self.open.add(e.number)
            self.seen.add(e.number)
        else:
            self.open.discard(e.number)

    def left(self, page: Sequence[Execution]) -> int | None:
        """How many executions are still to come at most; nobody knows how far back a first pass has to go."""
        return min(e.number for e in page) - self.known if page and self.known else None

    def end(self) -> None:
        """All down to the known ones was read."""
        self.known, self.top, self.next = max(self.known, self.top or 0), None, None

    def cursor(self) -> dict[str, Any]:
        kept = {"known": self.known, "open": sorted(self.open), "names": self.names, "day": self.day}
        return kept | ({} if self.next is None else {"top": self.top, "next": self.next})


def read(page: Sequence[msgspec.Raw]) -> Iterator[Execution | Skipped]:
    """The executions of a page, each by itself: one that is not as promised is skipped."""
    for raw in page:
        try:
            found = msgspec.json.decode(raw, type=Execution)
            found.number  # noqa: B018  # raises where the id is no number
        except (msgspec.ValidationError, ValueError) as e:
            yield Skipped(f"execution {_id_of(raw)}", f"is not as n8n promises: {e}")
        else:
            yield found


def _id_of(raw: msgspec.Raw) -> str:
    found = msgspec.json.decode(raw)
    return str(found.get("id", "without an id")) if isinstance(found, dict) else "that is no object"


def _record(e: Execution, names: Mapping[str, str | None]) -> Record:
    """The record of an execution; `ended` is false while it runs or waits."""
    workflow = names.get(str(e.workflow_id))
    fields = {
        "workflow_id": str(e.workflow_id),
        "workflow_name": workflow,
        "status": e.status,
        "mode": e.mode,
        "started_at": _iso(e.started_at),
        "stopped_at": _iso(e.stopped_at),
        "retry_of": _text(e.retry_of),
        "retry_success_id": _text(e.retry_success_id),
        "ended": not e.is_open,
    }
    return Record("n8n", str(e.id), e.stopped_at or e.started_at, f"{workflow or e.workflow_id}: {e.status}", fields)


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _text(value: str | int | None) -> str | None:
    return None if value is None else str(value)


def _cause(found: WithData | None) -> str:
    result = found.data.result_data if found and found.data else None
    if result is None:
        return ""
    message = " ".join((result.error.message if result.error else "").split())
    return ": ".join(part for part in (result.last_node_executed, message) if part)


def _expires(key: str) -> datetime | None:
    """When an API key ends: it is a JWT, whose second part says so. None where it says nothing."""
    from base64 import urlsafe_b64decode
    from datetime import UTC

    try:
        body = key.split(".")[1]
        claims = msgspec.json.decode(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return datetime.fromtimestamp(claims["exp"], UTC)
    except (IndexError, ValueError, KeyError, TypeError, OverflowError):
        return None
