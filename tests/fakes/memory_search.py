"""`godmode memory search`, on a list of messages: every word somewhere in the text, in any case."""

from __future__ import annotations

import re
from collections.abc import Iterable

from godmode.lib.kernel import Proposal
from godmode.lib.store.memory import Message


def finds(proposal: Proposal, messages: Iterable[Message]) -> set[str]:
    """The keys of the messages that a proposal's follow-up command finds."""
    command = re.fullmatch(r'godmode memory search "([^"]+)"', proposal.evidence["follow_up"])
    assert command, proposal.evidence["follow_up"]
    words = command[1].lower().split()
    return {m.key for m in messages if all(w in m.text.lower() for w in words)}
