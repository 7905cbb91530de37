"""How far long syncs are, on a terminal: a line for each source, with its rate, what is left and what it waits for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from godmode.supply import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID


class Shown(Progress):
    """Shows nothing until a sync says how far it is, so that short ones print nothing."""

    def __init__(self) -> None:
        self._bars: Bars | None = None
        self._tasks: dict[str, TaskID] = {}

    def read(self, source: str, records: int, left: int | None) -> None:
        bars, task = self._of(source)
        total = None if left is None else records + left
        bars.update(task, completed=records, total=total, note="")

    def waits(self, source: str, seconds: float) -> None:
        bars, task = self._of(source)
        bars.update(task, note=f"waits {seconds:.0f} s for the service's limit")

    def _of(self, source: str) -> tuple[Bars, TaskID]:
        if self._bars is None:
            self._bars = _bars()
            self._bars.start()
        if source not in self._tasks:
            self._tasks[source] = self._bars.add_task(source, total=None, note="")
        return self._bars, self._tasks[source]

    def close(self) -> None:
        """Leave the last state on the screen."""
        if self._bars is not None:
            self._bars.stop()


def _bars() -> Bars:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: object) -> Text:
            speed = getattr(task, "speed", None) or 0
            return Text(f"{speed * 60:,.0f} a minute" if speed else "")

    return Progress(
        TextColumn("{task.description:8}"), BarColumn(20), TextColumn("{task.completed:,.0f} read"), Rate(),
        TimeRemainingColumn(), TextColumn("{task.fields[note]}", style="dim"),
        console=Console(stderr=True), refresh_per_second=4,
    )  # fmt: skip


@contextmanager
def on_terminal() -> Iterator[Progress]:
    """Progress on stderr where that is a terminal, else none."""
    if not sys.stderr.isatty():
        yield Progress()
        return
    shown = Shown()
    try:
        yield shown
    finally:
        shown.close()
