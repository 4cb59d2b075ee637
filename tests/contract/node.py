"""The packages of the Node client, or a clear reason why they are not there."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

NODE_CLIENT = Path(__file__).resolve().parents[2] / "examples/clients/node"


def need(reason: str) -> NoReturn:
    """Skip, or fail where the real servers are required."""
    if os.environ.get("GRIDPATROL_REQUIRE_REAL_SERVERS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def node_packages() -> Path:
    """``node_modules`` of the client, installed from its lock file when they are missing."""
    packages = NODE_CLIENT / "node_modules"
    if shutil.which("node") is None or shutil.which("npm") is None:
        need("node and npm are not installed")
    if not (packages / "@asyncapi/specs").is_dir():
        done = subprocess.run(
            ["npm", "ci", "--no-fund", "--no-audit"],
            cwd=NODE_CLIENT,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            need(f"npm cannot install the client's packages: {done.stderr[-300:]}")
    return packages
