"""`godmode channels [test NAME]`: how godmode reaches her, and one marked message to try a channel out."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from godmode import registry
from godmode.commands import terminal
from godmode.lib.address import command, shown
from godmode.lib.channels.unusable import Unusable
from godmode.lib.config import nearest
from godmode.lib.errors import Usage
from godmode.lib.kernel import Every, Job, JobContext, JobResult, Outcome
from godmode.lib.notify.routes import CARRIES, goes
from godmode.lib.ports import Addressed, Channel
from godmode.lib.store import allowlist, attention
from godmode.wiring import App

app = typer.Typer(add_completion=False, help="How godmode reaches you.", rich_markup_mode=None)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.callback(invoke_without_command=True)
def list_(ctx: typer.Context, as_json: Json = False) -> int:
    """List the channels: what each carries, whom it reaches, and whether that address may be reached."""
    if ctx.invoked_subcommand is not None:
        return 0
    godmode = App(terminal.config())
    entries = entries_of(godmode)
    counts = attention.of_week(godmode.store.conn, godmode.clock.now())
    week = ", ".join(f"{way} {count}" for way, count in counts.items())
    rows = [(e["name"], e["help"], ", ".join(e["ways"]), _whom(e), e["state"]) for e in entries]
    text = terminal.table(("CHANNEL", "WHAT", "WAYS", "TO", "STATE"), rows) + f"\n\nin the last 7 days: {week}"
    terminal.show({"channels": entries, "week": dict(counts)}, as_json, text)
    return 0


def entries_of(godmode: App) -> list[dict[str, Any]]:
    """Every channel there is, as `channels --json` and `status --json` print it (docs/status.md)."""
    conn, made = godmode.migrated().conn, godmode.channels(lambda: None)
    return [_entry(conn, name, made.get(name)) for name in registry.CHANNELS]


def _entry(conn: Any, name: str, channel: Channel | None) -> dict[str, Any]:
    usable = channel is not None and not isinstance(channel, Unusable)
    ways = [way for way in CARRIES if channel is not None and usable and goes(channel, way)]
    addresses: tuple[str, ...] = channel.recipients if isinstance(channel, Addressed) else ()
    to = [{"address": shown(a), "allowed": [w for w in ways if allowlist.allowed(conn, a, w)]} for a in addresses]
    return {
        "name": name,
        "help": registry.CHANNELS[name][0],
        "configured": channel is not None,
        "ways": ways,
        "recipients": to,
        "state": _state(name, channel, ways, to),
    }


def _state(name: str, channel: Channel | None, ways: list[str], to: list[dict[str, Any]]) -> str:
    """In a line, with the command that mends what is missing."""
    if channel is None:
        return "not in use" if name == "console" else "not configured"
    if isinstance(channel, Unusable):
        return str(channel.mistake)
    for recipient in to:
        missing = [way for way in ways if way not in recipient["allowed"]]
        if missing:
            return f"not on the allowlist for {', '.join(missing)}: `{command(recipient['address'], name, *ways)}`"
    return "ready"


def _whom(entry: dict[str, Any]) -> str:
    return ", ".join(to["address"] for to in entry["recipients"])


@app.command()
def test(
    name: Annotated[
        str,
        typer.Argument(
            help="The channel, as `godmode channels` lists it.", autocompletion=terminal.known(registry.CHANNELS)
        ),
    ],
    way: Annotated[str | None, typer.Option(help="call, sms or message, where it goes several ways.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> int:
    """Send one marked test message by one channel; asks before. Exits 1 when it was not delivered."""
    godmode = App(terminal.config())
    channel = _channel(godmode, name)
    by = _way(channel, way)
    whom = shown(channel.recipients[0]) if isinstance(channel, Addressed) else "this terminal"
    terminal.confirm(f"Send a test {by} by {name} to {whom}?", yes)
    report = godmode.perform(_job(name, by))
    result = report.result
    if result.outcome is not Outcome.SUCCEEDED:
        raise Usage(result.error or str(result.data.get("message")), report.fix)
    delivery = dict(result.data)
    terminal.show({"channel": name, "way": by, "to": whom} | delivery, as_json, f"{name}: {_became(name, delivery)}")
    return 0 if delivery["status"] in ("sent", "sending") or delivery["rang"] else 1


def _became(name: str, delivery: dict[str, Any]) -> str:
    """What became of a test; what went wrong may begin with the channel's own name."""
    said = delivery["error"] or {"sending": "it rings"}.get(delivery["status"], delivery["status"])
    return ("it rang; " if delivery["rang"] else "") + str(said).removeprefix(f"{name}: ")


def _channel(godmode: App, name: str) -> Channel:
    if name not in registry.CHANNELS:
        known = nearest(name, registry.CHANNELS)
        raise Usage(f'there is no channel "{name}"{known}', "`godmode channels` lists them")
    channel = godmode.channels(lambda: None).get(name)
    if channel is None and name == "console":
        raise Usage("the console is not in use: another channel carries the messages")
    if channel is None:
        raise Usage(f"{name} is not configured", f"add [channels.{name}] to {godmode.config.path}")
    if isinstance(channel, Unusable):
        raise channel.mistake
    return channel


def _way(channel: Channel, wanted: str | None) -> str:
    ways = [way for way in ("message", "sms", "call") if goes(channel, way)]
    if wanted is not None and wanted not in ways:
        raise Usage(f'{channel.name} does not go by "{wanted}"', f"it takes {', '.join(ways)}")
    return wanted or ways[0]


def _job(name: str, way: str) -> Job:
    """The test as a job of its own, so that the switch, the audit log and the actions hold for it."""

    def run(ctx: JobContext) -> JobResult:
        delivery = ctx.notify.try_out(name, way)
        return JobResult(
            Outcome.SUCCEEDED, data={"status": delivery.status, "error": delivery.error, "rang": delivery.rang}
        )

    return Job(
        "channel_test",
        "try a channel out",
        Every(seconds=1),
        run,
        needs=frozenset({"comms_enabled"}),
        ignores=frozenset({"jobs_disabled"}),
    )
