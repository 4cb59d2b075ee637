"""The configuration file, and what the platform wants it to be (``dn/desired``).

A wanted configuration is checked as a whole before anything is touched; the file is replaced only
after the box runs on it, and the one before is kept beside it as ``<name>.previous``. The YAML
travels with ``${env:…}`` and ``${file:…}`` references, never with what they stand for, and may use
only those that the file in force uses: no file of the box can be read from afar.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Literal

from edge.cases.evidence import write_durably
from edge.clock import Clock, utc_now
from edge.config.load import load_settings
from edge.config.model import Settings
from edge.errors import Code, ConfigError, GridpatrolError, StoreError
from edge.signing import Signer
from uploader.commands import Desired
from uploader.contract.build import reported_event
from uploader.contract.messages import PublicKey, ReportedData, WaitingData
from uploader.waiting_view import WaitingView

_REFERENCE = re.compile(r"\$\{[^}]*\}")
_LOCAL = ("box", "mqtt", "console")
"""Sections that only somebody at the box may change: from afar they could cut it off."""

State = Literal["applied", "refused", "pending"]


class Configuration:
    """The file behind the settings. One thread calls it.

    Args:
        path: the file; None when there is none: then nothing can be changed.
        settings: what runs now.
        clock: what time it is.
    """

    def __init__(self, path: Path | None, settings: Settings, clock: Clock = utc_now) -> None:
        self._path = path
        self._clock = clock
        self._memory = settings.box.state_dir / "desired.json"
        self._running = _digest(path, settings)
        self._config_id: str | None = None
        self._wanted = ""
        self._state: State = "applied"
        self._error: str | None = None
        self._recall()

    def running(self) -> str:
        """SHA-256 of the configuration in force."""
        return self._running

    def is_answered(self, desired: Desired) -> bool:
        """Whether this very one was dealt with: brokers repeat what is retained."""
        same = (desired.data.config_id, desired.data.sha256) == (self._config_id, self._wanted)
        return same and desired.fault is None and self._state != "pending"

    def read(self, desired: Desired, running: Settings) -> Settings | None:
        """The wanted settings, checked; None when the box runs on that very file already.

        Raises:
            GridpatrolError: it must not take effect; nothing was changed.
        """
        if desired.fault is not None:
            raise desired.fault
        text = desired.data.yaml.encode()
        if hashlib.sha256(text).hexdigest() != desired.data.sha256:
            raise ConfigError(
                Code.MSG_HASH,
                f"configuration {desired.data.config_id}",
                "its text has another sha256 than the message says",
                "Hash the UTF-8 bytes of yaml, and publish it again",
            )
        if desired.data.sha256 == self._running:
            return None
        path = self._file(desired)
        self._check_references(desired, path)
        candidate = path.with_name(f".{path.name}.desired")
        write_durably(candidate, text)
        try:
            settings = load_settings(candidate)
        except ConfigError as error:
            where = error.where.replace(str(candidate), f"configuration {desired.data.config_id}")
            raise ConfigError(error.code, where, error.what, error.fix) from error
        finally:
            candidate.unlink(missing_ok=True)
        where = f"configuration {desired.data.config_id}"
        self._check_local(settings, running, where)
        _check_privacy(settings, running, where)
        return settings

    def adopt(self, desired: Desired) -> None:
        """The box runs on it: from now on the file says so; the one before is kept.

        Raises:
            StoreError: the file could not be written and still says what it said.
        """
        path = self._file(desired)
        write_durably(path.with_name(f"{path.name}.previous"), path.read_bytes())
        write_durably(path, desired.data.yaml.encode())
        self._running = desired.data.sha256

    def reread(self, running: Settings) -> Settings:
        """The file again, after somebody has changed it.

        Raises:
            ConfigError: it must not take effect, or there is none.
        """
        if self._path is None:
            raise _no_file("reload")
        settings = load_settings(self._path)
        self._check_local(settings, running, str(self._path))
        self._running = _digest(self._path, settings)
        return settings

    def applied(self, desired: Desired) -> None:
        """Remember that the wanted configuration is in force."""
        self._remember(desired, "applied", None)

    def refused(self, desired: Desired, error: GridpatrolError) -> None:
        """Remember why the wanted configuration is not in force."""
        first = str(error).splitlines()[0]
        self._remember(desired, "refused", first[:4000])

    def report(
        self,
        settings: Settings,
        models: tuple[str, ...],
        signer: Signer | None,
        waiting: WaitingView | None = None,
    ) -> bytes:
        """The message for ``up/reported``; ``waiting``: cases whose turn has not come."""
        key = PublicKey(kid=signer.kid, algorithm="Ed25519", key=signer.public) if signer else None
        data = ReportedData(
            config_id=self._config_id,
            config_sha256=self._running,
            state=self._state,
            error=self._error,
            models=models,
            cameras=len(settings.active_cameras),
            at=self._clock(),
            public_key=key,
            waiting=_waiting(waiting),
        )
        return reported_event(data, city=settings.box.city, node=settings.box.id).to_bytes()

    def _file(self, desired: Desired) -> Path:
        if self._path is None:
            raise _no_file(f"configuration {desired.data.config_id}")
        return self._path

    def _check_references(self, desired: Desired, path: Path) -> None:
        allowed = set(_REFERENCE.findall(path.read_text(encoding="utf-8")))
        strange = [ref for ref in _REFERENCE.findall(desired.data.yaml) if ref not in allowed]
        if strange:
            raise ConfigError(
                Code.CFG_SECRET,
                f"configuration {desired.data.config_id}",
                f"it uses {strange[0]}, which the file in force does not",
                "Name new secrets in the file at the box first",
            )

    @staticmethod
    def _check_local(settings: Settings, running: Settings, where: str) -> None:
        for section in _LOCAL:
            if getattr(settings, section) != getattr(running, section):
                raise ConfigError(
                    Code.CFG_LOCAL,
                    where,
                    f"it changes the section {section}, which needs a restart at the box",
                    f"Leave {section} as it is",
                )

    def _remember(self, desired: Desired, state: State, error: str | None) -> None:
        self._config_id, self._wanted = desired.data.config_id, desired.data.sha256
        self._state, self._error = state, error
        document = {
            "config_id": self._config_id,
            "sha256": self._wanted,
            "state": state,
            "error": error,
        }
        write_durably(self._memory, json.dumps(document, ensure_ascii=False).encode())

    def _recall(self) -> None:
        try:
            kept = json.loads(self._memory.read_text(encoding="utf-8"))
            self._config_id, self._wanted = str(kept["config_id"]), str(kept["sha256"])
            self._error = kept["error"]
            self._state = "refused" if kept["state"] == "refused" else "applied"
        except (OSError, ValueError, LookupError, TypeError):
            return  # there was none, or it is damaged: the retained message comes again
        if self._state == "applied" and self._wanted != self._running:
            self._state = "pending"  # somebody has changed the file since


def _check_privacy(settings: Settings, running: Settings, where: str) -> None:
    """What pictures show is decided by whoever answers for the cameras, at the box."""
    for name, new, old in (
        ("evidence.redaction", settings.redaction, running.redaction),
        ("evidence.keep_clear", settings.evidence.keep_clear, running.evidence.keep_clear),
    ):
        if new != old:
            raise ConfigError(
                Code.CFG_LOCAL,
                where,
                f"it changes {name}, which is decided at the box",
                f"Leave {name} as it is, or change it in the file at the box",
            )


def _digest(path: Path | None, settings: Settings) -> str:
    """SHA-256 of the file in force; of the settings themselves when they came from none."""
    try:
        data = path.read_bytes() if path else settings.model_dump_json().encode()
    except OSError as error:
        raise StoreError(
            Code.CFG_FILE, str(path), f"cannot be read ({error.strerror})", "Put it back"
        ) from error
    return hashlib.sha256(data).hexdigest()


def _no_file(where: str) -> ConfigError:
    return ConfigError(
        Code.CFG_FILE,
        where,
        "this box was started without a configuration file",
        "Start it with --config",
    )


def _waiting(view: WaitingView | None) -> WaitingData | None:
    if view is None or not (view.total or view.unseen):
        return None
    return WaitingData(
        cases=view.total,
        by_kind=view.by_kind,
        oldest_at=datetime.fromisoformat(view.oldest_at) if view.oldest_at else None,
        gone_before_turn=view.unseen,
        sent_today=view.sent_today,
        daily_quota=view.daily,
        per_hour=view.per_hour,
    )
