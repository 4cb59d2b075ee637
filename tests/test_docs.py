"""Documents that would lie if nobody watched them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from edge.errors import Code

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "README.zh.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_every_error_code_is_explained() -> None:
    """docs/errors.md lists exactly the codes there are, each once."""
    text = (ROOT / "docs/errors.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| ([A-Z]{3}-\d{3}) \|", text, re.MULTILINE) == [str(c) for c in Code]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Relative links and pictures exist."""
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_readme_names_both_commands() -> None:
    """In both languages."""
    for name in ("README.md", "README.zh.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "make demo" in text
        assert "make test" in text


def test_no_machine_is_named() -> None:
    """No private path or registry host in what is committed."""
    bad = re.compile(r"/(?:root|work)/[A-Za-z.]|index-url\s+https?:|\"resolved\": *\"https?:")
    binary = {".mp4", ".onnx", ".otf", ".jpg", ".png"}
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    for path in (ROOT / name for name in listed.stdout.splitlines()):
        if path.suffix not in binary and path != Path(__file__):
            assert not bad.search(path.read_text(encoding="utf-8", errors="ignore")), path
