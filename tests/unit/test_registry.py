"""Everything that is named in the registry is there, and is what the engine takes it for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import get_args

import msgspec
import pytest

from godmode import registry
from godmode.lib.engine.remedies.contract import Reversible
from godmode.lib.kernel import Daily, Every, Job
from godmode.lib.ports import Grounds
from godmode.lib.remedies import Remedy

DECLARED = {
    "periodic_scan", "daily_digest", "morning_call", "run_watchers", "process_retry_queue", "cleanup_old_data",
    "health_monitor", "sync_notion", "sync_n8n", "sync_hubspot",
}  # fmt: skip


def entries(table: Mapping[str, tuple[str, str | None]]) -> list[tuple[str, str]]:
    return [(name, target) for name, (_, target) in table.items() if target]


def test_the_ten_jobs_of_the_specification_are_declared() -> None:
    assert set(registry.JOBS) == DECLARED


@pytest.mark.parametrize(("name", "target"), entries(registry.JOBS))
def test_a_job_is_declared_under_its_name_with_a_cadence(name: str, target: str) -> None:
    job = registry.load(target)
    assert isinstance(job, Job)
    assert job.name == name
    assert isinstance(job.cadence, Every | Daily)
    assert job.help


@pytest.mark.parametrize(("name", "target"), entries(registry.SOURCES))
def test_a_source_has_its_name_its_interval_and_its_settings(name: str, target: str) -> None:
    kind = registry.load(target)
    assert kind.name == name
    assert isinstance(kind.every, Every)
    assert issubclass(kind.Settings, msgspec.Struct)
    assert callable(kind.changes)
    job = registry.load(registry.SYNC)(name, kind.every)
    assert (job.name, job.needs) == (f"sync_{name}", {f"source_{name}"})


@pytest.mark.parametrize(("name", "target"), entries(registry.CHANNELS))
def test_a_channel_has_its_name_and_says_what_it_carries(name: str, target: str) -> None:
    kind = registry.load(target)
    assert kind.name == name
    assert kind.carries
    assert kind.carries <= {"message", "sms", "voice"}
    assert callable(kind.send)


@pytest.mark.parametrize(("name", "target"), entries(registry.REMEDIES))
def test_a_remedy_is_carried_out_as_the_contract_says(name: str, target: str) -> None:
    way = registry.load(target)()
    for step in ("describe", "look", "apply", "after", "measure"):
        assert callable(getattr(way, step))
    assert isinstance(way, Reversible) is hasattr(way, "undo")


def test_every_remedy_of_the_closed_list_is_carried_out() -> None:
    assert {str(kind.__struct_config__.tag) for kind in get_args(Remedy)} == set(registry.REMEDIES)


@pytest.mark.parametrize(("name", "target"), entries(registry.DETECTORS))
def test_a_detector_can_look(name: str, target: str) -> None:
    assert callable(registry.load(target)().look)


@pytest.mark.parametrize(("name", "target"), entries(registry.WATCHERS))
def test_a_watcher_has_its_name_and_its_settings_and_can_look(name: str, target: str) -> None:
    kind = registry.load(target)
    assert kind.name == name
    assert callable(kind(kind.Settings(), Grounds(UTC)).look)


@pytest.mark.parametrize(("name", "target"), entries(registry.RETRIES))
def test_a_kind_of_retry_is_there(name: str, target: str) -> None:
    assert registry.load(target) is not None
