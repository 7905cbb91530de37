"""The README's pictures show what the program prints now."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    env = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    subprocess.run([sys.executable, ROOT / "docs" / "pictures.py", folder], env=env, check=True)
    return folder


def words(picture: Path) -> str:
    return " ".join("".join(text.itertext()) for text in ET.parse(picture).iter(f"{SVG}text")).replace("\xa0", " ")


def without_durations(text: str) -> str:
    """The status but for how long runs took, which is another thing each time."""
    return re.sub(r"\s+", " ", re.sub(r"\d+(\.\d+)? m?s\b|[▂▃▄▅▆▇█]", "", text))


@pytest.mark.parametrize(("name", "kept"), [("digest.svg", str), ("status.svg", without_durations)])
def test_a_picture_shows_what_is_printed_now(drawn: Path, name: str, kept: Callable[[str], str]) -> None:
    shown = kept(words(ROOT / "docs" / name))
    assert shown == kept(words(drawn / name)), "draw them anew: PYTHONPATH=tests python docs/pictures.py"
    assert "Order import failed 4 times" in shown


@pytest.mark.parametrize("name", ["digest.svg", "status.svg"])
def test_a_picture_is_in_the_readme_and_fetches_nothing(name: str) -> None:
    assert f"(docs/{name})" in (ROOT / "README.md").read_text()
    assert not re.search(r"url\((?!#)|href|<script", (ROOT / "docs" / name).read_text())
