"""What the redactor takes out, and how fast, against detect-secrets on the same sentences.

    .venv/bin/pip install -e '.[test,bench]'
    .venv/bin/python benchmarks/redaction.py [--development] [--runs 5] [--each 8]

The corpus is drawn from a seed (tests/fakes/secrets_corpus.py): the report's, or with --development the one that was
tuned against, which has other sentences. A secret counts when each of its characters is gone. Precision is over
stretches: those that took out a secret, of all that were taken out of the same sentences. Speed: both go through all
sentences and innocent lines in turn (A B A B …), the median of the pairs' ratios is printed. detect-secrets runs with
all its detectors, as on a file of text, and asks no service; it knows no cards, accounts and addresses of people, so
the kinds that it has a detector for are also counted apart.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from fakes import secrets_corpus
from fakes.secrets_corpus import Labelled

from godmode.lib.notify import redact

Spans = Callable[[str], list[tuple[int, int]]]
THEIRS = frozenset({
    "AWS access key", "AWS secret key", "Azure storage key", "basic-auth URL", "Discord token", "GitHub token",
    "GitLab token", "Mailchimp key", "npm token", "OpenAI key", "private key", "PyPI token", "SendGrid key",
    "Slack token", "Slack webhook", "Square token", "Stripe key", "Telegram bot token", "Twilio account", "Twilio key",
    "n8n key", "password", "API key by name", "random token",
})  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--development", action="store_true", help="the sentences that were tuned against")
    parser.add_argument("--runs", type=int, default=5, help="counted pairs (default 5)")
    parser.add_argument("--each", type=int, default=secrets_corpus.EACH, help="sentences a kind (default 8)")
    asked = parser.parse_args()
    seed = secrets_corpus.DEVELOPMENT if asked.development else secrets_corpus.REPORT
    lines, innocent = secrets_corpus.secrets(seed, asked.each), secrets_corpus.innocent(seed)
    theirs = detect_secrets()
    by_kind(lines, theirs)
    for name, find in (("godmode", ours), ("detect-secrets", theirs)):
        if find is not None:
            known = [line for line in lines if line.kind in THEIRS]
            touched = sum(bool(find(line)) for line in innocent)
            print(f"\n{name}: recall {recall(lines, find):.4f}, precision {precision(lines, find):.4f}")
            print(f"  of the kinds that both know: recall {recall(known, find):.4f}")
            print(f"  innocent lines touched: {touched} of {len(innocent)} ({touched / len(innocent):.2%})")
    texts = [line.text for line in lines] + innocent
    if theirs is not None:
        pairs = [(timed(ours, texts), timed(theirs, texts)) for _ in range(asked.runs + 1)][1:]
        print(f"\n{len(texts)} lines: godmode {statistics.median(a for a, _ in pairs):.0f} ms, ", end="")
        print(f"detect-secrets {statistics.median(b for _, b in pairs):.0f} ms, ", end="")
        print(f"ratio, median of {asked.runs} pairs: {statistics.median(a / b for a, b in pairs):.3f}")
    else:
        print(f"\n{len(texts)} lines: godmode {timed(ours, texts):.0f} ms (detect-secrets is not installed)")


def by_kind(lines: list[Labelled], theirs: Spans | None) -> None:
    print(f"{'kind':26}{'secrets':>8}{'recall':>8}{'precision':>10}{'  detect-secrets' if theirs else ''}")
    for kind in dict.fromkeys(line.kind for line in lines):
        of_kind = [line for line in lines if line.kind == kind]
        other = f"{recall(of_kind, theirs):16.2f}" if theirs else ""
        print(f"{kind:26}{len(of_kind):8}{recall(of_kind, ours):8.2f}{precision(of_kind, ours):10.2f}{other}")


def ours(text: str) -> list[tuple[int, int]]:
    return [(start, end) for start, end, _ in redact.found(text)]


def recall(lines: list[Labelled], find: Spans) -> float:
    whole = [covers(find(line.text), *span) for line in lines for span in line.spans]
    return sum(whole) / len(whole)


def precision(lines: list[Labelled], find: Spans) -> float:
    """The share of stretches taken out that touch a secret."""
    good = [any(a < end and b > start for start, end in line.spans) for line in lines for a, b in find(line.text)]
    return sum(good) / len(good) if good else 0.0


def covers(found: list[tuple[int, int]], start: int, end: int) -> bool:
    return not set(range(start, end)) - {at for a, b in found for at in range(a, b)}


def timed(find: Spans, texts: list[str]) -> float:
    """Milliseconds for all the texts."""
    begun = time.perf_counter()
    for text in texts:
        find(text)
    return (time.perf_counter() - begun) * 1000


def detect_secrets() -> Spans | None:
    """The other implementation, None where it is not installed."""
    try:
        from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
        from detect_secrets.settings import default_settings
    except ImportError:
        return None
    with default_settings():
        kinds: Iterable[Any] = get_mapping_from_secret_type_to_class().values()
        plugins = [kind() for kind in kinds]

    def find(text: str) -> list[tuple[int, int]]:
        values = (
            secret.secret_value
            for line in text.splitlines()
            for plugin in plugins
            for secret in plugin.analyze_line(filename="chat.txt", line=line, line_number=1)
        )
        return list(_spans(text, set(values)))

    return find


def _spans(text: str, values: set[str | None]) -> Iterator[tuple[int, int]]:
    for value in values:
        at = text.find(value) if value else -1
        while value and at >= 0:
            yield at, at + len(value)
            at = text.find(value, at + len(value))


if __name__ == "__main__":
    main()
