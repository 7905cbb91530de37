"""What is done in n8n, once she has approved it: each a request of its own, never repeated by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from godmode.lib.sources.n8n import PAGE, Execution, Page, read

if TYPE_CHECKING:
    from godmode.lib.caller import Caller


class Known(msgspec.Struct):
    """A workflow as it is asked for by id."""

    id: str | int
    name: str
    active: bool


class _Began(msgspec.Struct):
    id: str | int | None = None


@dataclass(frozen=True)
class N8nActions:
    """Reads what it is about before and after, with the tries of any reading; acts with one."""

    api: Caller

    def execution(self, number: str) -> Execution | None:
        """An execution; None where n8n keeps it no more."""
        return self.api.find_json(f"/executions/{number}", shape=Execution)

    def retries_of(self, number: str) -> list[Execution]:
        """The retries of an execution among the newest of all, the newest first."""
        page = self.api.get_json("/executions", {"limit": PAGE}, Page)
        found = [item for item in read(page.data) if isinstance(item, Execution)]
        return [item for item in found if item.retry_of is not None and str(item.retry_of) == number]

    def workflow(self, id_: str) -> Known | None:
        """A workflow; None where there is none of this id."""
        return self.api.find_json(f"/workflows/{id_}", {"excludePinnedData": "true"}, Known)

    def retry(self, number: str) -> str:
        """Have an execution retried; the id of the new one, "" where n8n does not say. Raises Unknown."""
        began = self.api.act(f"/executions/{number}/retry", _Began).id
        return "" if began is None else str(began)

    def switch(self, id_: str, on: bool) -> None:
        """Switch a workflow on or off. Raises Unknown."""
        self.api.act(f"/workflows/{id_}/{'activate' if on else 'deactivate'}")
