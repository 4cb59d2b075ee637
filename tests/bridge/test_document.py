"""The files that docs/platform.md shows are in order; a ledger is one bridge's."""

from __future__ import annotations

import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from edge.errors import Code, StoreError
from uploader.bridge.ledger import Ledger
from uploader.bridge.settings import BridgeSettings, load_bridge
from uploader.bridge.v22_words import V22Words

_TEXT = (Path(__file__).parents[2] / "docs/platform.md").read_text(encoding="utf-8")
_YAML = re.findall(r"```yaml\n(.*?)```", _TEXT, re.DOTALL)
_SITE = re.search(r"```toml\n# my-city\.toml\n(.*?)```", _TEXT, re.DOTALL)


def _load(folder: Path, text: str) -> BridgeSettings:
    for name in ("mqtt", "v22", "viid"):
        (folder / name).write_text("secret", encoding="utf-8")
    path = folder / "bridge.yaml"
    path.write_text(text.replace("/run/secrets", str(folder)), encoding="utf-8")
    return load_bridge(path)


def test_the_documents_files_are_in_order(tmp_path: Path) -> None:
    whole, library = (text for text in _YAML if "mapping:" in text)
    settings = _load(tmp_path, whole)
    assert settings.v22 is not None
    # Every number shown is the default, so that the page cannot fall behind.
    kept = {"url", "sender_code", "client_id", "client_secret"}
    bare = {key: value for key, value in settings.v22.model_dump().items() if key in kept}
    shown = settings.v22.model_dump(exclude={"mapping", "ca_file"})
    assert (
        type(settings.v22).model_validate(bare).model_dump(exclude={"mapping", "ca_file"}) == shown
    )
    assert _SITE is not None
    assert settings.v22.mapping == tmp_path / "my-city.toml"
    settings.v22.mapping.write_text(_SITE[1], encoding="utf-8")
    V22Words(settings.v22.mapping, ZoneInfo(settings.time_zone))

    other = _load(tmp_path, whole[: whole.index("v22:")] + library)
    assert other.gat1400 is not None
    assert other.gat1400.keepalive_s == 60


def test_a_second_bridge_on_a_ledger_is_refused(tmp_path: Path) -> None:
    first = Ledger(tmp_path / "bridge.db")
    with pytest.raises(StoreError) as fault:
        Ledger(tmp_path / "bridge.db")
    assert fault.value.code is Code.STO_LOCKED
    first.close()
    Ledger(tmp_path / "bridge.db").close()
