"""`godmode report` as a file, and as a real Chromium shows it."""

from __future__ import annotations

import json
import resource
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from fakes import browser, quarter
from fakes.installation import GODMODE, Operator
from playwright.sync_api import Browser


@pytest.fixture
def her(tmp_path: Path, database_url: str) -> Operator:
    return Operator(tmp_path)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser.chromium() as made:
        yield made


@pytest.fixture
def page(her: Operator, db: psycopg.Connection) -> Path:
    """A month, with a title that somebody wrote to run in the browser."""
    quarter.fill(db, datetime.now(UTC), days=30)
    out = her.home / "report.html"
    assert her.types("report", "--out", str(out)).returncode == 0
    return out


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_renders_without_a_complaint_in_both_themes_and_widths(
    page: Path, chromium: Browser, theme: str, width: int
) -> None:
    seen = browser.opened(chromium, page, theme=theme, width=width)
    assert seen.said == []
    assert [url for url in seen.asked if not url.startswith("data:")] == [page.as_uri()]
    assert not seen.is_wider_than_its_window()
    for table in seen.page.locator("details").all():
        table.evaluate("details => details.open = true")
    assert seen.complaints() == []
    assert not seen.is_wider_than_its_window()


def test_the_themes_differ_and_a_title_with_a_script_is_only_text(page: Path, chromium: Browser) -> None:
    grounds = {
        theme: browser.opened(chromium, page, theme=theme).page.evaluate(
            "getComputedStyle(document.body).backgroundColor"
        )
        for theme in ("light", "dark")
    }
    assert grounds["light"] != grounds["dark"]
    shown = browser.opened(chromium, page, scripts=False).page
    assert shown.get_by_text("Workflow <script>alert(1)</script> failed 5 times").count() > 0


def test_without_scripts_a_person_finds_every_part_and_opens_a_digest(page: Path, chromium: Browser) -> None:
    shown = browser.opened(chromium, page, scripts=False).page
    for part in ("Jobs", "Incidents", "Messages", "Services", "Queue", "Proposals", "Digests"):
        shown.get_by_role("link", name=part).click()
        assert shown.get_by_role("heading", name=part, exact=True).is_visible()
    digest = shown.locator("details.digest").nth(1)
    assert not digest.locator("pre").is_visible()
    digest.locator("summary").click()
    assert "godmode digest" in digest.locator("pre").inner_text()


def test_on_paper_every_digest_is_unfolded_and_the_tables_behind_the_charts_are_left_out(
    page: Path, chromium: Browser
) -> None:
    seen = browser.opened(chromium, page)
    seen.page.emulate_media(media="print")
    assert seen.page.locator("details.digest pre").last.is_visible()
    assert not seen.page.locator("nav").is_visible()
    assert not seen.page.get_by_text("The jobs, day by day, as a table").is_visible()


def test_it_is_written_whole_and_readable_by_a_web_server_whatever_the_umask(her: Operator) -> None:
    out = her.home / "report.html"
    out.write_text("before")
    words = ["sh", "-c", 'umask 077; exec "$@"', "sh", str(GODMODE), "report", "--out", str(out)]
    done = subprocess.run(words, env=her.env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{out}: 30 days, ")
    assert stat.S_IMODE(out.stat().st_mode) == 0o644
    assert out.read_text().startswith("<!doctype html>")
    assert her.types("report", "--out", str(out), "--mode", "0600").returncode == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert [file.name for file in her.home.glob("*report*")] == ["report.html"]


def test_without_a_file_the_page_or_what_it_tells_goes_to_stdout(her: Operator) -> None:
    assert her.types("report").stdout.startswith("<!doctype html>")
    document = json.loads(her.types("report", "--days", "7", "--json").stdout)
    assert len(document["days"]) == 7
    assert {job["name"] for job in document["jobs"]} >= quarter.JOBS.keys()


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--days", "0"), 2, "'0' is not one of"),
        (("--days", "-7"), 2, "'-7' is not one of"),
        (("--days", "many"), 2, "'many' is not one of"),
        (("--out", "no/such/folder/x.html"), 2, "No such file or directory"),
        (("--out", "chats"), 2, "no regular file"),
        (("--out", "/dev/null"), 2, "no regular file"),
        (("--out", "config.toml/x.html"), 2, "Not a directory"),
        (("--out", "x.html", "--mode", "rw"), 2, '"rw" is no mode'),
        (("--out", "x.html", "--mode", "0000"), 2, '"0000" is no mode'),
    ],
)
def test_what_cannot_be_done_is_one_line_and_leaves_nothing(
    her: Operator, words: tuple[str, ...], code: int, says: str
) -> None:
    before = sorted(her.home.iterdir())
    failed = subprocess.run(
        [GODMODE, "report", *words], env=her.env, cwd=her.home, capture_output=True, text=True, check=False
    )
    assert (failed.returncode, failed.stdout, len(failed.stderr.splitlines())) == (code, "", 1), failed.stderr
    assert says in failed.stderr
    assert [file for file in sorted(her.home.iterdir()) if file.name != "state"] == before


def test_a_full_disk_leaves_the_page_that_was_there(her: Operator) -> None:
    out = her.home / "report.html"
    out.write_text("before")
    failed = subprocess.run(
        [GODMODE, "report", "--out", str(out)], env=her.env, capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)),
    )  # fmt: skip
    assert (failed.returncode, len(failed.stderr.splitlines())) == (2, 1), failed.stderr
    assert "free space" in failed.stderr
    assert out.read_text() == "before"
    assert [file.name for file in her.home.iterdir() if "report" in file.name] == ["report.html"]


def test_a_link_stays_and_what_it_points_at_is_replaced(her: Operator) -> None:
    (her.home / "www").mkdir()
    (her.home / "index.html").symlink_to(her.home / "www" / "report.html")
    assert her.types("report", "--out", str(her.home / "index.html")).returncode == 0
    assert (her.home / "index.html").is_symlink()
    assert (her.home / "www" / "report.html").read_text().startswith("<!doctype html>")


def test_without_a_database_it_is_one_line_and_the_old_page_stays(her: Operator) -> None:
    out = her.home / "report.html"
    out.write_text("before")
    failed = her.types("report", "--out", str(out), DATABASE_URL="postgresql://127.0.0.1:9/db")
    assert (failed.returncode, failed.stdout, len(failed.stderr.splitlines())) == (1, "", 1)
    assert out.read_text() == "before"


def test_only_the_report_pays_for_its_templates(her: Operator) -> None:
    for words, pays in ((("report",), True), (("status",), False), (("jobs",), False)):
        env = her.env | {"PYTHONPROFILEIMPORTTIME": "1"}
        done = subprocess.run([sys.executable, GODMODE, *words], env=env, capture_output=True, text=True, check=False)
        imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
        assert ("jinja2" in imported) == pays
