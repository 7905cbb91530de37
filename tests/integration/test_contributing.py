"""What CONTRIBUTING shows is run as it stands there, on the engine, so that it stays true."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import psycopg
import pytest
from msgspec import Struct

from godmode import registry
from godmode.lib import config as configuration
from godmode.lib import errors, kernel, ports
from godmode.lib.clock import FixedClock
from godmode.lib.config import Config
from godmode.lib.sections import Section
from godmode.lib.store import memory, news, proposals
from godmode.wiring import App

TEXT = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text()
NOW = datetime(2026, 3, 10, 18, 0, tzinfo=UTC)
SECTIONS = ("job", "source", "channel", "detector", "watcher")
TABLES = {"job": "JOBS", "source": "SOURCES", "channel": "CHANNELS", "detector": "DETECTORS", "watcher": "WATCHERS"}


def blocks(what: str) -> tuple[str, str]:
    """The example's file and its line for the registry."""
    part = TEXT.split(f"## Add a {what}\n")[1].split("\n## ")[0]
    code, line, *_ = re.findall(r"```python\n(.*?)```", part, re.S)
    return code, line


@pytest.fixture
def add(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Adds an example to the program: its file as a module, its line to the registry."""

    def adds(what: str) -> ModuleType:
        code, line = blocks(what)
        ((name, (_, target)),) = eval(f"{{{line}}}", vars(registry)).items()
        module = ModuleType(target.partition(":")[0])
        for word, value in (*vars(kernel).items(), *vars(ports).items(), *vars(errors).items()):
            if not word.startswith("__"):
                setattr(module, word, value)
        vars(module).update(Section=Section, Struct=Struct, memory=memory, news=news, proposals=proposals)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        exec(f"from __future__ import annotations\n{code}", vars(module))
        monkeypatch.setitem(getattr(registry, TABLES[what]), name, ("", target))
        return module

    return adds


@pytest.fixture
def app(config: Config) -> Iterator[App]:
    config.path.parent.mkdir(parents=True)
    (config.path.parent / "feed.txt").write_text("one\n\ntwo\n")
    config.path.write_text('[sources.feed]\npath = "feed.txt"\n[channels.pager]\nnumber = "+15125550100"\n')
    made = App(configuration.load(), clock=FixedClock(NOW))
    yield made
    made.store.close()


def test_the_job_runs(app: App, add: Callable[[str], ModuleType]) -> None:
    add("source")
    add("job")
    result = app.runner.run("tidy-inbox").result
    assert (result.error, result.data) == (None, {"looked_at": 0})


def test_the_source_is_read_by_its_own_job_and_by_the_scan(
    app: App, db: psycopg.Connection, add: Callable[[str], ModuleType]
) -> None:
    add("source")
    result = app.runner.run("sync-feed").result
    assert (result.error, result.data["new"], result.data["skipped"]) == (None, 2, 1)
    assert db.execute("SELECT value FROM memory_items ORDER BY id").fetchall() == [("one",), ("two",)]
    assert "feed" in app.runner.run("periodic-scan").result.data["sources"]


def test_the_channel_is_made_from_its_section(app: App, add: Callable[[str], ModuleType]) -> None:
    add("channel")
    channel = app.channels(lambda: None)["pager"]
    assert channel.send("+15125550100", "hello", "key").id == "key"


def test_the_detector_finds_and_what_it_found_is_a_proposal(
    app: App, db: psycopg.Connection, add: Callable[[str], ModuleType]
) -> None:
    add("source")
    add("detector")
    db.execute(
        "INSERT INTO memory_items (key, value, source_type, occurred_at) VALUES ('k', 'outdated', 'chatlogs', %s)",
        (NOW,),
    )
    assert app.runner.run("periodic-scan").result.data["patterns"] == {"found": 1, "new": 1}


def test_the_watcher_looks(app: App, db: psycopg.Connection, add: Callable[[str], ModuleType]) -> None:
    add("watcher")
    db.execute("INSERT INTO proposals (title, created_at) VALUES ('Do this', %s)", (NOW - timedelta(days=8),))
    assert app.runner.run("run-watchers").result.error is None
    assert db.execute("SELECT type, title FROM incidents").fetchall() == [
        ("old_proposals", "Proposal 1 has waited for 8 days")
    ]


@pytest.mark.parametrize("what", SECTIONS)
def test_the_files_that_are_named_lie_where_others_of_their_kind_do(what: str) -> None:
    code, line = blocks(what)
    target = re.search(r'f"(.*?):', line)
    assert target is not None
    module = target[1].format(_RUN=registry._RUN, _LIB=registry._LIB)
    named = re.search(r"# (lib/\S+)\.py", code)
    if named is not None:
        assert module == f"godmode.{named[1].replace('/', '.')}"
    assert (Path(registry.__file__).parent / Path(*module.split(".")[1:-1])).is_dir()
