"""The closed list of what a proposal may offer to do, as it is stored in `proposals.remedy`. Pure.

A detector offers one by `remedy=stored(DisableJob(job="sync_notion"))`; what carries it out is in engine/remedies.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from godmode.lib.errors import BadData

Number = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Word = Annotated[str, Meta(pattern=r"^\S{1,200}$")]
JobName = Annotated[str, Meta(pattern="^[a-z0-9_]{1,60}$")]
Execution = Annotated[str, Meta(pattern="^[0-9]{1,20}$")]  # they become part of an address
Workflow = Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,60}$")]
Minutes = Annotated[int, Meta(ge=1, le=1440)]
Days = Annotated[int, Meta(ge=1, le=366)]


class _Kind(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", omit_defaults=True):
    """What all kinds have in common: `{"kind": …}` and nothing beside their parameters; `words` say what it does."""


class RetryDeadLetter(_Kind, frozen=True, tag="retry_dead_letter"):
    """Let work that was given up on start anew, by its number as `godmode queue dead` lists it."""

    dead_letter: Number

    @property
    def words(self) -> str:
        return f"let dead letter {self.dead_letter} start anew"


class RetryWorkflow(_Kind, frozen=True, tag="retry_workflow"):
    """Have n8n retry a failed execution, by its id."""

    execution: Execution

    @property
    def words(self) -> str:
        return f"have n8n retry execution {self.execution}"


class DeactivateWorkflow(_Kind, frozen=True, tag="deactivate_workflow"):
    """Switch an n8n workflow off, by its id; `name` is what she knows it by."""

    workflow: Workflow
    name: str = ""

    @property
    def called(self) -> str:
        name = " ".join(self.name.split())[:80]
        return f'the n8n workflow "{name}"' if name else f"the n8n workflow {self.workflow}"

    @property
    def words(self) -> str:
        return f"switch {self.called} off"


class ChangeInterval(_Kind, frozen=True, tag="change_interval"):
    """Run an interval job every so many minutes; `was` is its interval when that was proposed, where that matters."""

    job: JobName
    minutes: Minutes
    was: Minutes | None = None

    @property
    def words(self) -> str:
        return f"run {self.job.replace('_', '-')} every {self.minutes} min"


class MuteIncidents(_Kind, frozen=True, tag="mute_incidents"):
    """Tell nothing of incidents of a type for so many days from her yes on, or until a moment; exactly one of both."""

    type: Word
    days: Days | None = None
    until: Annotated[datetime, Meta(tz=True)] | None = None

    def __post_init__(self) -> None:
        if (self.days is None) is (self.until is None):
            raise ValueError("either `days` or `until` is needed")

    @property
    def words(self) -> str:
        long = f"until {self.until:%d %b %Y %H:%M %Z}" if self.until else f"for {self.days} days"
        return f"mute incidents of type {self.type} {long}"


class SupersedeMemory(_Kind, frozen=True, tag="supersede_memory"):
    """Take one item of memory as outdated, by its id; `by` is the item that holds in its place, where there is one."""

    item: Number
    by: Number | None = None

    @property
    def words(self) -> str:
        return f"take memory item {self.item} as outdated" + (f", in favour of {self.by}" if self.by else "")


class DisableJob(_Kind, frozen=True, tag="disable_job"):
    """Keep a job from running."""

    job: JobName

    @property
    def words(self) -> str:
        return f"disable {self.job.replace('_', '-')}"


Remedy = (
    RetryDeadLetter
    | RetryWorkflow
    | DeactivateWorkflow
    | ChangeInterval
    | MuteIncidents
    | SupersedeMemory
    | DisableJob
)  # fmt: skip


def stored(remedy: Remedy) -> Mapping[str, Any]:
    """The remedy as `proposals.remedy` keeps it. Raises BadData for parameters out of bounds."""
    kept: dict[str, Any] = msgspec.to_builtins(remedy)
    read(kept)  # a Struct that is made in Python is not checked
    return kept


def kind(remedy: Remedy) -> str:
    """Its name in the list."""
    return str(remedy.__struct_config__.tag)


def read(kept: Mapping[str, Any]) -> Remedy:
    """The remedy of a proposal. Raises BadData for what is none of the list, or has other parameters."""
    try:
        found: Remedy = msgspec.convert(dict(kept), Remedy)
    except msgspec.ValidationError as e:
        raise BadData(f"the remedy is none that is known: {e}") from e
    return found
