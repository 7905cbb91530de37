"""Her word on a proposal, and the buttons that carry it: what a press sends back. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from godmode.lib.kernel import Button

APPROVED, REJECTED = "approved", "rejected"
_DATA = re.compile(r"(approved|rejected):(\d{1,18}):([0-9a-f]{12})")


@dataclass(frozen=True)
class Approval:
    """`verdict` on the proposal of this number as it was `shown` (its hash, store/proposals.py; None: as it is)."""

    verdict: str
    proposal: int
    shown: str | None = None

    @property
    def data(self) -> str:
        """What a button sends back: at most 42 of Telegram's 64 bytes."""
        return f"{self.verdict}:{self.proposal}:{self.shown}"


def read(data: str) -> Approval | None:
    """What a button sent back; None for what is none of ours."""
    found = _DATA.fullmatch(data)
    return Approval(found[1], int(found[2]), found[3]) if found else None


def buttons(proposal: int, shown: str) -> tuple[Button, Button]:
    """What stands under a message that tells of a proposal."""
    return (
        Button(f"Approve {proposal}", Approval(APPROVED, proposal, shown).data),
        Button(f"Reject {proposal}", Approval(REJECTED, proposal, shown).data),
    )
