"""The status page as lines of styled pieces: for a terminal of any size, and in full for a pipe."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import psycopg

from godmode.commands import jobs, terminal
from godmode.lib.errors import GodmodeError
from godmode.lib.notify.wording import took
from godmode.lib.store.connect import trouble as database_trouble

if TYPE_CHECKING:
    from rich.text import Text

    from godmode.wiring import App

Document = Mapping[str, Any]
Line = list[tuple[str, str]]  # pieces: text and style
HEADS = ("JOB", "LAST", "AT", "TOOK", "RECENT", "NEXT")
WIDTHS = (19, 10, 9, 6, 20, 9)  # with a blank between two: 78
BARS = "▂▃▄▅▆▇█"  # a run that worked, by how long it took
MARKS = {"failed": "✗", "skipped": "·"}
STYLES = {"ok": "green", "failed": "red", "stuck": "red"}
LEAST = 3  # lines for what is wrong, however low the terminal is


def plain(document: Document) -> str:
    """Everything, for a pipe or a file: nothing is cut."""
    return "\n".join("".join(text for text, _ in line).rstrip() for line in lines(document))


def paint(document: Document) -> None:
    """Print it on the terminal, with colour, in a screen; rich obeys NO_COLOR."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    for line in _fitted(document):
        console.print(line)


def watch(godmode: App, look: Callable[[], Document], seconds: float) -> bool:
    """Show it anew every so often until Ctrl-C; whether all was well the last time. The terminal is left as it was."""
    from rich.console import Group
    from rich.live import Live
    from rich.text import Text

    well = False
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with Live(screen=True, auto_refresh=False) as live:
            while True:
                try:
                    document = look()
                    shown, well = _fitted(document), bool(document["well"])
                except (GodmodeError, psycopg.Error) as e:
                    error = database_trouble(e) if isinstance(e, psycopg.Error) else e
                    shown, well = [Text(f"✗ nothing can be seen: {godmode.clean(str(error))}", style="red")], False
                    godmode.store.close()
                live.update(Group(*shown), refresh=True)
                godmode.clock.sleep(seconds)
    except KeyboardInterrupt:
        return well


def _fitted(document: Document) -> list[Text]:
    """The lines cut to the terminal, its last line left to the prompt."""
    from rich.text import Text

    size = shutil.get_terminal_size()
    fitted = []
    for line in lines(document, width=size.columns, height=size.lines - 1):
        text = Text.assemble(*line, no_wrap=True, overflow="ellipsis")
        text.truncate(size.columns, overflow="ellipsis")
        fitted.append(text)
    return fitted


def lines(document: Document, width: int | None = None, height: int | None = None) -> list[Line]:
    """The page. Where there is a height, what is wrong is cut to it, and then the rest; both say how much is left out.

    The first line is there on any terminal, then as many as LEAST of what is wrong, the worst first.
    """
    heads = 1 + len(document["jobs"])
    below = [_heads(), *(_job(document, entry) for entry in document["jobs"]), *_rest(document)]
    found = [_trouble("✗", "red", t, width) for t in document["troubles"]]
    found += [_trouble("?", "yellow", t, width) for t in document["unseen"]]
    if height is not None:
        found = _cut(found, max(height - len(below) - 1, min(LEAST, height - 1)), "")
        left = height - 1 - len(found)
        below = below if len(below) <= left else _cut(_worst_first(document), left, " lines")
    gap: list[Line] = [[]] if height is None or len(found) + len(below) + 3 <= height else []
    return [_headline(document), *found, *gap, *below[:heads], *gap, *below[heads:]]


def _cut(shown: list[Line], room: int, what: str) -> list[Line]:
    """As many of the lines as there is room for, the last of them saying how many more there are."""
    if len(shown) <= room:
        return shown
    if room < 2:
        return shown[: max(room, 0)]
    more = [(f"  and {len(shown) - room + 1} more{what}  ", ""), ("godmode status | less", "cyan")]
    return [*shown[: room - 1], more]


def _worst_first(document: Document) -> list[Line]:
    """What stands below the troubles, where not all of it can be shown: jobs that fail come before those that work."""
    jobs_shown = sorted(document["jobs"], key=lambda entry: _last(entry)[1] != "red")
    return [_heads(), *(_job(document, entry) for entry in jobs_shown), *_rest(document)]


def _headline(document: Document) -> Line:
    now = terminal.local(document["at"])
    wrong, unknown = len(document["troubles"]), len(document["unseen"])
    if not wrong and not unknown:
        return [("✓ ", "green"), ("all is well", "bold"), (f"  {now}", "dim")]
    parts = [f"{wrong} {'thing is' if wrong == 1 else 'things are'} wrong"] if wrong else []
    parts += [f"{unknown} not looked at"] if unknown else []
    return [("✗ " if wrong else "? ", "red" if wrong else "yellow"), (", ".join(parts), "bold"), (f"  {now}", "dim")]


def _trouble(mark: str, style: str, trouble: Mapping[str, str], width: int | None) -> Line:
    """What and the command; where a line is not long enough, of the two it is what that is cut."""
    what, command = trouble["what"], trouble["command"]
    room = max(width - len(command) - 6, 20) if width else len(what)
    cut = what if len(what) <= room else f"{what[: room - 1]}…"
    return [("  ", ""), (f"{mark} ", style), (f"{cut}  ", ""), (command, "cyan")]


def _heads() -> Line:
    return [(" ".join(head.ljust(width) for head, width in zip(HEADS, WIDTHS, strict=True)), "dim")]


def _job(document: Document, entry: Mapping[str, Any]) -> Line:
    last, style = _last(entry)
    cells = (
        entry["job"].replace("_", "-"),
        last,
        terminal.near(entry["last_finished_at"], document["at"]),
        took(entry["last_duration_ms"]),
        sparkline(entry["recent"], entry["recent_ms"]),
        terminal.near(entry["next_slot"], document["at"]) if _runs(entry) else "",
    )
    styles = ("", style, "", "dim", "", "dim")
    return [(f"{cell:<{width}} ", style) for cell, width, style in zip(cells, WIDTHS, styles, strict=True)]


def _runs(entry: Mapping[str, Any]) -> bool:
    return bool(entry["implemented"] and entry["enabled"] and not entry["lacks"])


def _last(entry: Mapping[str, Any]) -> tuple[str, str]:
    """How it last went, in ten characters, and its colour: `ok ×20`, `failed ×3`, `skipped`."""
    if not entry["implemented"]:
        return "not yet", "dim"
    if not entry["enabled"]:
        return "disabled", "dim"
    if entry["state"] == "running":
        return ("stuck", "red") if entry["stuck"] else ("running", "cyan")
    if entry["lacks"]:
        return "not set up", "dim"
    word = jobs.last(entry)
    if word.startswith("skipped"):
        return "skipped", "dim"
    short = {"succeeded": "ok", "never ran": "never"}.get(word, word)
    times = f" ×{entry['streak']}" if entry["streak"] > 1 and short in STYLES else ""
    return f"{short}{times}", STYLES.get(short, "dim")


def sparkline(outcomes: Sequence[str], ms: Sequence[float]) -> str:
    """The last outcomes, oldest first: a bar as high as it took long, `✗` for a failure, `·` for a skip."""
    longest = max((took for outcome, took in zip(outcomes, ms, strict=True) if outcome == "succeeded"), default=0)
    return "".join(
        MARKS.get(outcome) or BARS[round((len(BARS) - 1) * took / longest) if longest else 0]
        for outcome, took in zip(outcomes, ms, strict=True)
    )


def _rest(document: Document) -> list[Line]:
    ways = ", ".join(f"{way} {count}" for way, count in document["reached"].items())
    reached: Line = [("reached you in 7 days: ", "dim"), (ways, "")]
    return [*([(f"{name:<10}", "dim"), (text, "")] for name, text in _facts(document)), reached]


def _facts(document: Document) -> Iterator[tuple[str, str]]:
    drill = document["drill"]
    came = "passed" if drill and drill["passed"] else "FAILED"
    tried = f" (drill {terminal.near(drill['at'], document['at'])} {came})" if drill else ""
    states = [f"{name.partition('_')[0]} {'on' if on else 'OFF'}" for name, on in document["controls"].items()]
    yield "controls", f"kill switch {'ON' if document['kill_switch'] else 'off'}{tried}, {', '.join(states)}"
    sources = [_source(source, document) for source in document["sources"] if source["configured"]]
    yield "sources", ", ".join(sources) or "none configured"
    yield "channels", ", ".join(_channel(channel) for channel in document["channels"] if channel["configured"])
    backlog = document["backlog"]
    waits = {"retry": "retries", "dead letter": "dead letters", "message": "messages", "approval": "approvals"}
    counts = (backlog["retries"], backlog["dead_letters"], backlog["messages"], backlog["proposals"])
    said = [f"{n} {one if n == 1 else many}" for n, (one, many) in zip(counts, waits.items(), strict=True)]
    yield "waiting", ", ".join(said) + (" (godmode proposals)" if backlog["proposals"] else "")


def _source(source: Mapping[str, Any], document: Document) -> str:
    last = source["last_sync_completed_at"]
    mark = "" if source["last_sync_success"] is not False else " ✗"
    return f"{source['source_name']} {terminal.near(last, document['at']) or 'never read'}{mark}"


def _channel(channel: Mapping[str, Any]) -> str:
    return f"{channel['name']}{'' if channel['state'] == 'ready' else ' ✗'}"
