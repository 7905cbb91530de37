"""A channel whose configuration is not whole: it takes part as one that fails, and says why."""

from __future__ import annotations

from dataclasses import dataclass

from godmode.lib.errors import Usage
from godmode.lib.kernel import Receipt


@dataclass
class Unusable:
    """Stands in the place of a channel so that the next way is tried, and its mistake told."""

    name: str
    carries: frozenset[str]
    mistake: Usage
    local: bool = True  # nothing leaves by it

    def send(self, to: str, text: str, key: str) -> Receipt:
        """Raises the mistake."""
        raise self.mistake

    call = send
