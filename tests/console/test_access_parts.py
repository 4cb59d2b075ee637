"""Throttle, sessions, audit log, certificates and commands: what must hold whatever comes."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from typer.testing import CliRunner

from edge.cli import app
from edge.config.console import ConsoleSettings, ConsoleTlsSettings
from edge.console.access import accounts as accounts_module
from edge.console.access.accounts import SESSIONS_PER_USER, Accounts
from edge.console.access.audit import Audit
from edge.console.access.passwords import hashed, matches
from edge.console.access.policy import Access, throttle_key
from edge.console.access.throttle import SLOTS, Throttle
from edge.console.access.tls import check_tls
from edge.console.board import Board
from edge.console.web import ConsoleServer
from edge.errors import AccessError, StoreError
from tests.certificates import Authority
from tests.console.visitor import PASSWORD, Visitor

NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@settings(deadline=None, max_examples=200)
@given(
    tries=st.integers(1, 5),
    steps=st.lists(st.tuples(st.floats(0, 30), st.text(max_size=3)), min_size=1, max_size=200),
)
def test_never_more_tries_than_allowed(tries: int, steps: list[tuple[float, str]]) -> None:
    """In any span of ``per_s``: what was saved up and what came back; memory stays as it was."""
    now = 0.0
    throttle = Throttle(tries, 10.0, ticks=lambda: now)
    granted: dict[str, list[float]] = {}
    for pause, key in steps:
        now += pause
        wait = throttle.take(key)
        assert 0 <= wait <= 10.0 / tries + 1e-6
        if wait == 0:
            granted.setdefault(key, []).append(now)
    for times in granted.values():
        for first in times:
            assert sum(first <= at < first + 10.0 for at in times) <= 2 * tries
    assert len(throttle._left) == len(throttle._at) == SLOTS


def test_no_flood_makes_room() -> None:
    """A hundred thousand other keys do not wash a used-up one away."""
    throttle = Throttle(1, 1e9, ticks=lambda: 0.0)
    assert throttle.take("li") == 0
    for number in range(100_000):
        throttle.take(str(number))
    assert throttle.take("li") > 0
    throttle.give_back("li")
    assert throttle.take("li") == 0


def test_what_counts_as_one_address() -> None:
    """Of IPv6 a /64: one customer has them all."""
    assert throttle_key("2001:db8::1") == throttle_key("2001:db8::ffff:1")
    assert throttle_key("2001:db8::1") != throttle_key("2001:db8:0:1::1")
    assert throttle_key("10.0.0.1") != throttle_key("10.0.0.2")
    assert throttle_key("nonsense") == "nonsense"


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
def people(tmp_path: Path, clock: Hand, monkeypatch: pytest.MonkeyPatch) -> Iterator[Accounts]:
    found = Accounts(tmp_path, clock)
    found.add("li", "operator")
    yield found
    found.close()


class Sessions(RuleBasedStateMachine):
    """Sessions against the plain rule: known, not idle too long, not older than a day."""

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self._folder = tempfile.TemporaryDirectory()
        self._clock = Hand()
        self._people = Accounts(Path(self._folder.name), self._clock)
        self._people.add("li", "viewer")
        self._people.add("boss", "admin")
        self._open: dict[str, tuple[datetime, datetime]] = {}

    def teardown(self) -> None:
        self._people.close()
        self._folder.cleanup()

    @precondition(lambda self: len(self._open) < SESSIONS_PER_USER)
    @rule()
    def log_in(self) -> None:
        token = self._people.open_session("li")
        assert token not in self._open
        self._open[token] = (self._clock.now, self._clock.now)

    @rule(minutes=st.integers(2, 700))
    def wait(self, minutes: int) -> None:
        self._clock.now += timedelta(minutes=minutes)

    @rule(used=st.booleans())
    def ask(self, used: bool) -> None:
        now = self._clock.now
        for token, (made, seen) in list(self._open.items()):
            good = now - seen <= timedelta(hours=8) and now - made <= timedelta(hours=24)
            assert (self._people.session(token, used=used) is not None) == good
            if not good:
                del self._open[token]
            elif used and now - seen >= timedelta(minutes=1):
                self._open[token] = (made, now)

    @precondition(lambda self: self._open)
    @rule()
    def log_out(self) -> None:
        token = next(iter(self._open))
        self._people.close_session(token)
        del self._open[token]
        assert self._people.session(token) is None

    @rule()
    def change_role(self) -> None:
        self._people.set_role("li", "operator")
        for token in self._open:
            assert self._people.session(token) is None
        self._open.clear()

    @rule(text=st.text(max_size=60))
    def guess(self, text: str) -> None:
        assert self._people.session(text) is None


Sessions.TestCase.settings = settings(
    deadline=None,
    max_examples=15,
    stateful_step_count=30,
    suppress_health_check=[HealthCheck.too_slow],
)
TestSessions = Sessions.TestCase


def test_a_session_does_not_outlive_a_clock_set_back(people: Accounts, clock: Hand) -> None:
    """It would be young for ever."""
    token = people.open_session("li")
    clock.now -= timedelta(days=2)
    assert people.session(token) is None


def test_a_disk_that_takes_nothing_shuts_nobody_out(people: Accounts, clock: Hand) -> None:
    """Whoever is logged in goes on; a new log-in has to wait."""
    token = people.open_session("li")
    clock.now += timedelta(minutes=5)
    people._db.execute("PRAGMA query_only = ON")  # SQLite refuses to write, as on a full disk
    assert people.session(token) == ("li", "operator")
    with pytest.raises(StoreError):
        people.open_session("li")


def test_only_so_many_sessions(people: Accounts, clock: Hand) -> None:
    """The oldest make room."""
    tokens = []
    for _ in range(SESSIONS_PER_USER + 3):
        clock.now += timedelta(seconds=1)
        tokens.append(people.open_session("li"))
    good = [people.session(token) is not None for token in tokens]
    assert good == [False] * 3 + [True] * SESSIONS_PER_USER


def test_links_end(people: Accounts, clock: Hand) -> None:
    """After a day; and two who follow one link at once: one of them gets in."""
    late = people.link("li")
    clock.now += timedelta(hours=accounts_module.LINK_HOURS, seconds=1)
    assert people.enter(late, PASSWORD) is None
    link, got = people.link("li"), []
    threads = [
        threading.Thread(target=lambda: got.append(people.enter(link, PASSWORD))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got, key=str) == [None, None, None, "li"]


def test_a_new_password_ends_what_was_open(people: Accounts) -> None:
    """Who forgot it, or whose it was no more."""
    assert people.enter(people.link("li"), PASSWORD) == "li"
    token = people.open_session("li")
    assert people.enter(people.link("li"), "another long password") == "li"
    assert people.session(token) is None
    assert not people.check("li", PASSWORD)
    assert people.check("li", "another long password")


def test_passwords_in_any_script() -> None:
    """The same word by two input methods is one password; each hash has its own salt."""
    kept = hashed("ｆｕｌｌ ｗｉｄｔｈ　口令口令")
    assert kept.startswith("$argon2id$")
    assert matches("full width 口令口令", kept)
    assert not matches("full width 口令", kept)
    assert not matches("x" * 100_000, kept)
    assert not matches("full width 口令口令", None)
    assert hashed(PASSWORD) != hashed(PASSWORD)
    for bad in ("", "short", "x" * 257):
        with pytest.raises(AccessError, match="CON-008"):
            hashed(bad)


def test_the_audit_log_is_rotated_and_keeps_its_order(tmp_path: Path) -> None:
    """Lines of several writers are whole; the newest files are kept; odd text stays one line."""
    audit = Audit(tmp_path, rotate_bytes=2000)
    threads = [
        threading.Thread(target=lambda n=n: [audit.write(f"w{n}", "x", str(i)) for i in range(50)])
        for n in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    audit.write("li\nadmin", "login\r\n", '"},{"')
    sizes = [path.stat().st_size for path in tmp_path.glob("audit.jsonl*")]
    assert max(sizes) <= 2000
    entries = audit.newest(1000)
    assert (entries[0].who, entries[0].about) == ("li\nadmin", '"},{"')
    for n in range(3):
        mine = [int(entry.about) for entry in entries if entry.who == f"w{n}"]
        assert mine == sorted(mine, reverse=True)
    with (tmp_path / "audit.jsonl").open("ab") as file:
        file.write(b'{"at": "2026')  # the power went
    assert audit.newest(1)[0].who == "li\nadmin"
    audit.write("after", "x")
    assert [entry.who for entry in audit.newest(2)] == ["after", "li\nadmin"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_sudo_leaves_nothing_the_box_cannot_open(tmp_path: Path) -> None:
    """What root makes belongs to whom the state folder belongs to."""
    os.chown(tmp_path, 65534, 65534)
    audit = Audit(tmp_path, rotate_bytes=200)
    for number in range(3):
        audit.write("cli:root", "x", str(number))
    people = Accounts(tmp_path)
    people.add("li", "viewer")
    found = {path.name: path.stat().st_uid for path in tmp_path.iterdir()}
    people.close()
    assert {
        "access.db",
        "access.db-wal",
        "audit.jsonl",
        "audit.jsonl.1",
        "audit.jsonl.lock",
    } <= set(found)
    assert set(found.values()) == {65534}


def test_certificates_that_are_not_fit(tmp_path: Path) -> None:
    """Each with one line that says which file and what to do."""
    authority = Authority(tmp_path)
    cert, key = authority.issue("box")
    with pytest.raises(AccessError, match=r"others may read it .*chmod 600"):
        check_tls(ConsoleTlsSettings(cert=cert, key=key))
    key.chmod(0o600)
    check_tls(ConsoleTlsSettings(cert=cert, key=key))
    old, old_key = authority.issue("old", expired=True)
    old_key.chmod(0o600)
    other = tmp_path / "other.pem"
    other.write_text("no certificate")
    for pair, says in (
        ((old, old_key), "expired at"),
        ((cert, old_key), "does not belong"),
        ((other, key), "is no PEM certificate"),
        ((tmp_path / "none.pem", key), "cannot be read"),
        ((cert, tmp_path / "none.key"), r"none\.key: cannot be read"),
    ):
        with pytest.raises(AccessError, match=says):
            check_tls(ConsoleTlsSettings(cert=pair[0], key=pair[1]))
    with pytest.raises(AccessError, match="valid only from"):
        check_tls(ConsoleTlsSettings(cert=cert, key=key), lambda: NOON - timedelta(days=900))


def test_over_tls(tmp_path: Path) -> None:
    """The cookie is for TLS alone then, and bound to this host."""
    cert, key = Authority(tmp_path / "ca").issue("box")
    key.chmod(0o600)
    config = ConsoleSettings(access="login", tls=ConsoleTlsSettings(cert=cert, key=key))
    access = Access(config, tmp_path / "state")
    server = ConsoleServer("127.0.0.1", 0, Board("box-01", []), access=access)
    url = server.start()
    try:
        assert url.startswith("https://")
        one = Visitor(url)
        one.log_in(access, "li", "viewer")
        assert list(one.cookies) == ["__Host-gridpatrol"]
        assert one.get("/api/status").status == 200
        assert one.post("/api/logout").status == 200
        assert one.get("/api/status").status == 401
    finally:
        server.stop()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    text = Path("configs/gridpatrol.yaml").read_text(encoding="utf-8")
    for name in ("grid.geojson", "owners.csv"):
        (tmp_path / name).write_bytes(Path("configs", name).read_bytes())
    path = tmp_path / "gridpatrol.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_commands(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Add, list, role, link, remove; each change is in the audit log with who was at the box."""
    for name in ("CAMERA_PASSWORD", "STORE_ACCESS_KEY", "STORE_SECRET_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("SUDO_USER", "zhang")

    def run(*args: str) -> str:
        result = CliRunner().invoke(app, [*args, "-c", str(config)], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout

    link = run("users", "add", "li", "--role", "admin")
    assert link.startswith("http://127.0.0.1:8470/enter#")
    people = Accounts(tmp_path / "state")
    assert people.enter(link.strip().partition("#")[2], PASSWORD) == "li"
    people.close()
    run("users", "add", "wang", "--role", "viewer")
    run("users", "role", "wang", "operator")
    assert "enter#" in run("users", "link", "wang")
    listed = json.loads(run("users", "list", "--json"))
    assert [(u["name"], u["role"], u["ready"]) for u in listed] == [
        ("li", "admin", True),
        ("wang", "operator", False),
    ]
    run("users", "remove", "wang")
    with pytest.raises(AccessError, match="only admin"):
        run("users", "remove", "li")
    lines = [json.loads(line) for line in run("audit", "--json").splitlines()]
    assert [(e["who"], e["action"], e["about"]) for e in reversed(lines)] == [
        ("cli:zhang", "user.add", "li admin"),
        ("cli:zhang", "user.add", "wang viewer"),
        ("cli:zhang", "user.role", "wang operator"),
        ("cli:zhang", "user.link", "wang"),
        ("cli:zhang", "user.remove", "wang"),
    ]
    assert "user.remove" in run("audit")
    assert (tmp_path / "state/access.db").stat().st_mode & 0o077 == 0
