"""Prometheus' text format, version 0.0.4: metrics to text. Pure.

Source: prometheus.io/docs/instrumenting/exposition_formats. A library would bring a registry and a server, of which
a file that is written from cron has no use; the tests read the text with the official client's parser.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct

Value = float | bool | datetime | None
_IN_LABEL = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_IN_HELP = str.maketrans({"\\": r"\\", "\n": r"\n"})


class Metric(Struct, frozen=True):
    """A gauge: its name without the prefix, what it tells, and a value for each set of labels.

    A moment becomes seconds since 1970, a truth 0 or 1; what is None is not known and left out.
    """

    name: str
    help: str
    samples: Iterable[tuple[Mapping[str, str], Value]]


def one(name: str, help: str, value: Value) -> Metric:
    """A metric without labels."""
    return Metric(name, help, [({}, value)])


def text(metrics: Iterable[Metric], prefix: str = "godmode_") -> str:
    """The exposition. A metric of which nothing is known is left out."""
    return "".join(_family(metric, f"{prefix}{metric.name}") for metric in metrics)


def _family(metric: Metric, name: str) -> str:
    lines = [f"{name}{_labels(labels)} {_number(value)}\n" for labels, value in metric.samples if value is not None]
    if not lines:
        return ""
    return f"# HELP {name} {metric.help.translate(_IN_HELP)}\n# TYPE {name} gauge\n{''.join(lines)}"


def _labels(labels: Mapping[str, str]) -> str:
    pairs = ",".join(f'{name}="{value.translate(_IN_LABEL)}"' for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""


def _number(value: float | bool | datetime) -> str:
    if isinstance(value, datetime):
        value = round(value.timestamp(), 3)
    return str(int(value)) if float(value).is_integer() else repr(float(value))
