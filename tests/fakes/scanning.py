"""godmode that scans when it is asked to, and detectors that see what the test says."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from fakes.company import NOON, configured

from godmode import registry
from godmode.lib.clock import FixedClock
from godmode.lib.config import Config
from godmode.lib.engine.equipment import Mode
from godmode.lib.kernel import JobResult, Proposal
from godmode.lib.store import proposals
from godmode.lib.store.proposals import ProposalRow
from godmode.wiring import App

Look = Callable[[Any], Iterator[Proposal]]


class Scanned(App):
    """The scan of a company with a folder of chats in which nothing stands."""

    def __init__(self, config: Config, db: psycopg.Connection[Any], now: datetime = NOON) -> None:
        (config.path.parent / "chats").mkdir(parents=True, exist_ok=True)
        self.at, self.db = FixedClock(now), db
        chosen = configured(config, '[sources.chatlogs]\npath = "chats"\n')
        super().__init__(chosen, clock=self.at, stream=io.StringIO())

    def scans(self, **mode: Any) -> JobResult:
        return self.runner.run("periodic_scan", Mode(again=True, **mode)).result

    def open(self) -> Sequence[ProposalRow]:
        return proposals.waiting(self.db)


def only(monkeypatch: pytest.MonkeyPatch, **looks: Look) -> None:
    """The detectors are these: each looks by a function of the store."""

    def kind(name: str) -> type:
        def look(self: Any, store: Any, now: datetime, lookback: timedelta) -> Iterator[Proposal]:
            return looks[name](store)

        return type(name, (), {"name": name, "look": look})

    load = registry.load
    kinds = {f"a test's own:{name}": kind(name) for name in looks}
    monkeypatch.setattr(registry, "DETECTORS", {name: ("", f"a test's own:{name}") for name in looks})
    monkeypatch.setattr(registry, "load", lambda target: kinds.get(target) or load(target))
