"""godmode's block in a crontab, and nothing else of it touched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from godmode.lib.errors import Usage
from godmode.lib.schedule import crontab

BLOCK = "# BEGIN godmode\n* * * * * godmode run daily-digest --scheduled 2>&1 | logger -t godmode\n# END godmode\n"
OTHER = "# BEGIN godmode /srv/b/config.toml\n* * * * * x\n# END godmode /srv/b/config.toml\n"
HERS = b"MAILTO=me@example.com\n# caf\xe9, in Latin 1\n17 3 * * * backup\n"


def test_the_block_goes_to_the_end_and_leaves_without_a_trace() -> None:
    there = crontab.with_block(HERS, "", BLOCK)
    assert there == HERS + BLOCK.encode()
    assert crontab.without_block(there, "") == HERS


@given(st.binary().filter(lambda raw: b" godmode" not in raw), st.binary().filter(lambda raw: b" godmode" not in raw))
def test_whatever_stands_around_the_block_stays_byte_for_byte(before: bytes, after: bytes) -> None:
    before += b"\n"
    there = before + BLOCK.encode() + after
    new = BLOCK.replace("daily-digest", "morning-call")
    assert crontab.with_block(there, "", new) == before + new.encode() + after
    assert crontab.without_block(there, "") == before + after


def test_to_install_twice_changes_nothing() -> None:
    once = crontab.with_block(HERS, "", BLOCK)
    assert crontab.with_block(once, "", BLOCK) == once


def test_a_crontab_without_a_last_line_break_is_given_one() -> None:
    assert crontab.with_block(b"1 * * * * x", "", BLOCK) == b"1 * * * * x\n" + BLOCK.encode()


def test_an_empty_crontab_becomes_the_block_and_is_empty_again() -> None:
    assert crontab.with_block(b"", "", BLOCK) == BLOCK.encode()
    assert crontab.without_block(BLOCK.encode(), "") == b""


def shells(content: bytes) -> dict[str, str]:
    """The shell that cron runs each line with, by its command."""
    shell, found = "/bin/sh", {}
    for line in content.decode(errors="replace").splitlines():
        if line.strip().startswith("SHELL"):
            shell = line.partition("=")[2].strip().strip('"')
        elif line[:1] in "0123456789*" and line:
            found[line.split(" ", 5)[5].split(" --")[0]] = shell
    return found


@pytest.mark.parametrize("said", [b"SHELL=/bin/csh", b'SHELL = "/usr/bin/fish" ', b"SHELL=/bin/bash\nSHELL=/bin/csh"])
def test_a_crontab_of_another_kind_of_shell_keeps_it_for_its_own_lines_alone(said: bytes) -> None:
    hers = said + b"\n1 * * * * backup\n"
    theirs = said.decode().rpartition("\n")[2].partition("=")[2].strip(' "')
    there = crontab.with_block(hers, "", BLOCK) + b"2 * * * * later\n"
    assert shells(there) == {"backup": theirs, "godmode run daily-digest": "/bin/sh", "later": theirs}
    assert crontab.with_block(there, "", BLOCK) == there
    assert crontab.without_block(there, "") == hers + b"2 * * * * later\n"


@pytest.mark.parametrize("said", [b"", b"SHELL=/bin/bash\n", b"SHELL=/bin/csh\nSHELL=/bin/sh\n"])
def test_a_crontab_whose_shell_reads_the_lines_gets_no_other(said: bytes) -> None:
    assert crontab.with_block(said + HERS, "", BLOCK) == said + HERS + BLOCK.encode()


def test_a_shell_that_is_named_below_the_block_does_not_count() -> None:
    there = crontab.with_block(HERS, "", BLOCK) + b"SHELL=/bin/csh\n"
    assert crontab.with_block(there, "", BLOCK) == there


def test_another_installation_of_the_same_user_keeps_its_block() -> None:
    both = crontab.with_block(HERS + OTHER.encode(), "", BLOCK)
    assert set(crontab.blocks(both)) == {"", "/srv/b/config.toml"}
    assert crontab.without_block(both, "") == HERS + OTHER.encode()
    assert crontab.without_block(both, "/srv/b/config.toml") == HERS + BLOCK.encode()


@pytest.mark.parametrize(
    "damaged",
    [
        "# BEGIN godmode\n* * * * * x\n",
        "* * * * * x\n# END godmode\n",
        "# BEGIN godmode\n# BEGIN godmode\n# END godmode\n",
        "# BEGIN godmode\n# END godmode /srv/b/config.toml\n",
        BLOCK + BLOCK,
        "# BEGIN godmode\n" + OTHER + "# END godmode\n",
    ],
)
def test_a_block_with_a_marker_too_few_or_too_many_is_not_touched(damaged: str) -> None:
    with pytest.raises(Usage, match="godmode block is damaged") as caught:
        crontab.with_block(damaged.encode(), "", BLOCK)
    assert "crontab -e" in str(caught.value)
    with pytest.raises(Usage, match="godmode block is damaged"):
        crontab.without_block(damaged.encode(), "")


def test_a_line_that_starts_a_job_outside_of_the_block_is_found() -> None:
    pasted = b"# godmode run x --scheduled\n*/5 * * * * /opt/godmode run periodic-scan --scheduled\n"
    assert crontab.strays(HERS + BLOCK.encode() + pasted) == [8]
    assert crontab.strays(HERS + BLOCK.encode()) == []


def test_a_machine_without_cron_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crontab, "PATH", "/nowhere")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Usage, match="no program `crontab`") as caught:
        crontab.read()
    assert "apt-get install cron" in str(caught.value)
