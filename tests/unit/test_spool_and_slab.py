"""The files of the fallback: what was written is there, once, whatever broke off in between."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from godmode.lib.health import slab, spool
from godmode.lib.health.spool import Entry


def entry(number: int, text: str = "") -> Entry:
    return Entry(f"spool-{number}", "2026-03-10T17:00:00+00:00", "health_monitor", success=False, error=text)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.text(), max_size=5), torn=st.binary(max_size=30))
def test_every_entry_is_handed_over_once_and_half_a_line_harms_none(
    tmp_path: Path, texts: list[str], torn: bytes
) -> None:
    for number, text in enumerate(texts):
        assert spool.add(tmp_path, entry(number, text))
    with (tmp_path / "spool.jsonl").open("ab") as file:
        file.write(b'{"id": "' + torn.replace(b'"', b""))
    found: list[Entry] = []
    spool.take_over(tmp_path, found.extend)
    assert [e.error for e in found] == texts
    assert spool.take_over(tmp_path, found.extend) == 0


def test_entries_stay_where_whoever_keeps_them_fails(tmp_path: Path) -> None:
    def fails(entries: Sequence[Entry]) -> None:
        raise RuntimeError("the database is away again")

    spool.add(tmp_path, entry(1))
    with pytest.raises(RuntimeError):
        spool.take_over(tmp_path, fails)
    found: list[Entry] = []
    assert spool.take_over(tmp_path, found.extend) == 1


def test_a_spool_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "LONGEST", 200)
    kept = [spool.add(tmp_path, entry(number)) for number in range(5)]
    assert kept == [True, True, False, False, False]


def test_a_slab_keeps_what_was_written_last_and_its_size(tmp_path: Path) -> None:
    path = tmp_path / "sub" / "alert"
    for number in range(3):
        with slab.held(path) as kept:
            assert kept is not None
            assert kept.read().get("x") == (number - 1 if number else None)
            assert kept.write({"x": number})
    assert path.stat().st_size == slab.SIZE
    assert path.stat().st_mode & 0o777 == 0o600
    assert not slab.spare(path).exists()


def test_a_slab_is_one_processs_at_a_time(tmp_path: Path) -> None:
    with slab.held(tmp_path / "alert") as mine, slab.held(tmp_path / "alert") as other:
        assert mine is not None
        assert other is None


def test_a_slab_that_holds_anything_else_is_empty(tmp_path: Path) -> None:
    for content in (b"", b"{", b"[1]", os.urandom(2000)):
        (tmp_path / "alert").write_bytes(content)
        with slab.held(tmp_path / "alert") as kept:
            assert kept is not None
            assert kept.read() == {}


def test_a_link_that_somebody_put_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("theirs")
    (tmp_path / "alert").symlink_to(tmp_path / "theirs")
    with slab.held(tmp_path / "alert") as kept:
        assert kept is not None
        kept.write({"x": 1})
    assert (tmp_path / "theirs").read_text() == "theirs"
    slab.spare(tmp_path / "alert").unlink(missing_ok=True)


def test_where_the_disk_takes_nothing_memory_does_and_the_disk_again_when_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, real, broken = tmp_path / "alert", os.pwrite, True

    def pwrite(handle: int, block: bytes, offset: int) -> int:
        if broken and os.path.samestat(os.fstat(handle), path.stat()):
            raise OSError(28, "No space left on device")
        return real(handle, block, offset)

    monkeypatch.setattr(os, "pwrite", pwrite)
    for number in (1, 2):
        with slab.held(path) as kept:
            assert kept is not None
            assert kept.write({"x": number})
    broken = False
    with slab.held(path) as kept:
        assert kept is not None
        assert kept.read()["x"] == 2
        assert kept.write({"x": 3})
    slab.spare(path).unlink()
    with slab.held(path) as kept:
        assert kept is not None
        assert kept.read()["x"] == 3
