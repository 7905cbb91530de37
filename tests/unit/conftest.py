"""What more than one file of unit tests needs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fakes.notion_reading import Reading, reading


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Reading]:
    """A Notion source with a token, on a fake of its own."""
    monkeypatch.setenv("NOTION_TOKEN", "ntn_test")
    with reading() as made:
        yield made
