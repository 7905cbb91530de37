"""Debian's Chromium, driven by Playwright: a page as a person sees it, and as axe judges it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from fakes.debian import program
from playwright.sync_api import Browser, Page, sync_playwright


class Seen:
    """A page that was opened, all that its console said, and all that it asked the network for."""

    def __init__(self, page: Page, file: Path) -> None:
        self.page = page
        self.said: list[str] = []
        self.asked: list[str] = []
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(file.as_uri())

    def complaints(self) -> list[str]:
        """What axe finds wrong, with the place of the first."""
        found: list[dict[str, Any]] = Axe().run(self.page).response["violations"]
        return [f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:200]}" for one in found]

    def is_wider_than_its_window(self) -> bool:
        return bool(self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window."""
    words = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program("chromium"), args=words)
        yield browser
        browser.close()


def opened(browser: Browser, file: Path, *, theme: Any = "light", width: int = 1280, scripts: bool = True) -> Seen:
    """A file in a window of its own."""
    context = browser.new_context(
        color_scheme=theme, viewport={"width": width, "height": 900}, java_script_enabled=scripts
    )
    return Seen(context.new_page(), file)
