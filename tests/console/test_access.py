"""Every route for every kind of visitor, and log-in, links, users and audit over real HTTP."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from starlette.routing import Mount, Route

from edge.config.console import ConsoleSettings, Role
from edge.console.access.gate import RULES, guard
from edge.console.access.policy import RANK, Access
from edge.console.access.routes import door_routes
from edge.console.board import Board
from edge.console.looked import Looking, looked_routes
from edge.console.spot_check import ReviewRoom, review_routes
from edge.console.views import CameraView
from edge.console.web import ConsoleServer, make_app
from edge.review.sample import SpotCheck
from tests.console.visitor import PASSWORD, Visitor

ROLES: tuple[Role, ...] = ("viewer", "operator", "admin")


@dataclass
class Box:
    """A console that listens."""

    access: Access
    state: Path
    url: str

    def visitor(self, name: str | None = None, role: Role = "viewer") -> Visitor:
        found = Visitor(self.url)
        if name:
            found.log_in(self.access, name, role)
        return found

    def audit(self) -> list[tuple[str, str, str]]:
        assert self.access.audit is not None
        return [(e.who, e.action, e.outcome) for e in self.access.audit.newest(100)]


Open = Callable[..., Box]


@pytest.fixture
def open_box(tmp_path: Path) -> Iterator[Open]:
    """Starts consoles with these settings."""
    running: list[ConsoleServer] = []

    def start(**settings: Any) -> Box:
        state = tmp_path / "state"
        access = Access(ConsoleSettings(**settings), state)
        board = Board("box-01", [CameraView("cam-1", "一号", "One")])
        server = ConsoleServer(
            "127.0.0.1", 0, board, lambda seq: seq == 1, more=review(tmp_path), access=access
        )
        running.append(server)
        return Box(access, state, server.start().rstrip("/"))

    yield start
    for server in running:
        server.stop()


def review(folder: Path) -> list[Any]:
    check = SpotCheck(folder / "gridpatrol.db", folder / "evidence")
    looking = Looking(folder)
    room = ReviewRoom(check, {}, "Asia/Shanghai", looking)
    return [*review_routes(room), *looked_routes(looking)]


@pytest.fixture
def box(open_box: Open) -> Box:
    return open_box(access="login")


def every_route(folder: Path) -> list[tuple[str, str]]:
    """Method and path of all there is, from the app itself."""
    access = Access(ConsoleSettings(access="login"), folder)
    app = make_app(Board("box-01", []), access, more=review(folder))
    found = []
    for route in app.routes:
        if isinstance(route, Mount):
            found.append(("GET", route.path))
        elif isinstance(route, Route):
            found += [(m, route.path) for m in sorted((route.methods or set()) - {"HEAD"})]
    access.close()
    return found


def concrete(path: str) -> str:
    fill = {"{camera}": "cam-1", "{sha256}": "ab", "{seq:int}": "9", "{name}": "nobody"}
    for name, value in {**fill, "{case}": "none", "{role}": "far"}.items():
        path = path.replace(name, value)
    return "/static/app.js" if path == "/static" else path


def test_every_route_for_every_visitor(box: Box, tmp_path: Path) -> None:
    """No cookie, a wrong token, a role too low, the role it takes: as the one list says."""
    routes = every_route(tmp_path / "other")
    assert {f"{method} {path}" for method, path in routes} == set(RULES)
    visitors = {role: box.visitor(f"a-{role}", role) for role in ROLES}
    box.visitor("another-admin", "admin")
    for method, path in routes:
        needs = RULES[f"{method} {path}"].needs
        where, public = concrete(path), needs in ("anybody", "probe")
        if where == "/api/logout":
            continue  # has a test of its own: it would end the session of all that follow
        stranger = Visitor(box.url)
        if method == "GET":
            refusals = {303, 401}
            got = {role: v.get(where).status for role, v in visitors.items()}
            assert (stranger.get(where).status in refusals) == (not public), path
        else:
            for wrong in ({}, {"X-Gridpatrol-CSRF": "0" * 64}, {"X-Gridpatrol-CSRF": "ü"}):
                assert stranger.raw_post(where, {}, wrong).status == (403 if public else 401), path
                for one in visitors.values():
                    assert one.raw_post(where, {}, wrong).status == 403, path
            theirs = visitors["viewer"].get("/api/me").json()["csrf"]
            stolen = visitors["admin"].raw_post(where, {}, {"X-Gridpatrol-CSRF": theirs})
            assert stolen.status == 403, path
            got = {role: v.post(where).status for role, v in visitors.items()}
            assert public or stranger.post(where).status == 401, path
        for role, status in got.items():
            may = public or RANK[role] >= RANK[needs]
            assert (status not in (401, 403)) == may, (path, role, status)


def test_a_route_without_a_rule_does_not_start(tmp_path: Path) -> None:
    """Neither a new path nor another method of a known one."""
    access = Access(ConsoleSettings(), None)

    async def nothing(_request: object) -> None: ...

    for route in (Route("/new", nothing), Route("/", nothing, methods=["POST"])):
        with pytest.raises(LookupError, match="has no rule"):
            guard([route], access)
    assert guard(door_routes(access), access)


def test_from_the_first_link_to_the_last_log_out(box: Box) -> None:
    """The link works once; the cookie is the server's; log-out ends it for good."""
    accounts = box.access.accounts
    assert accounts
    older, link = accounts.first_admin(), accounts.first_admin()
    admin = box.visitor()
    assert admin.get("/").headers["location"] == "/login"
    for bad in (older, "x", "", "ü\ud800"):
        told = admin.post("/api/enter", {"token": bad, "password": PASSWORD})
        assert (told.status, told.json()["code"]) == (410, "CON-009")
    short = admin.post("/api/enter", {"token": link, "password": "short"})
    assert (short.status, short.json()["code"]) == (400, "CON-008")
    entered = admin.post("/api/enter", {"token": link, "password": PASSWORD})
    assert entered.status == 200
    cookie = entered.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert admin.get("/api/me").json()["role"] == "admin"
    assert box.visitor().post("/api/enter", {"token": link, "password": PASSWORD}).status == 410
    assert accounts.first_admin() is None
    kept = dict(admin.cookies)
    assert admin.post("/api/logout").status == 200
    admin.cookies = dict(kept)
    assert admin.get("/api/status").status == 401
    log_in = {"name": " Admin ", "password": PASSWORD}
    assert admin.post("/api/login", log_in).status == 200
    assert admin.cookies != kept  # a session that somebody planted is not taken over
    assert [line[1:] for line in reversed(box.audit()) if line[1] != "enter"] == [
        ("logout", "ok"),
        ("login", "ok"),
    ]


def test_failures_look_the_same(box: Box) -> None:
    """An unknown name, a wrong password, a user without one; what was typed is not kept."""
    box.visitor("li")
    assert box.access.accounts
    box.access.accounts.add("new", "viewer")
    stranger = box.visitor()
    answers = [
        stranger.post("/api/login", {"name": name, "password": "wrong password!"})
        for name in ("li", "nobody-of-that-name", "new", "ü\ud800")
    ]
    assert {(a.status, a.body) for a in answers} == {(401, answers[0].body)}
    text = (box.state / "audit.jsonl").read_text(encoding="utf-8")
    assert "nobody-of" not in text
    assert PASSWORD not in text
    assert "wrong password" not in text


def test_too_many_tries(box: Box) -> None:
    """By name, whatever the password; another name goes on until the address is used up."""
    box.visitor("li")
    stranger = box.visitor()
    wrong = [stranger.post("/api/login", {"name": "li", "password": "no"}) for _ in range(12)]
    assert [answer.status for answer in wrong] == [401] * 10 + [429] * 2
    assert int(wrong[-1].headers["retry-after"]) > 0
    right = stranger.post("/api/login", {"name": "li", "password": PASSWORD})
    assert right.status == 429
    others = [
        stranger.post("/api/login", {"name": f"n{i}", "password": "no"}).status for i in range(12)
    ]
    assert others[0] == 401
    assert others[-1] == 429
    assert box.audit().count(("?", "login", "CON-006")) == 1  # a flood does not fill the log
    assert box.access.accounts
    link = box.access.accounts.link("li")  # the way in for whom somebody else locked out
    elsewhere = box.access.addresses
    elsewhere.give_back("127.0.0.1")
    entered = stranger.post("/api/enter", {"token": link, "password": PASSWORD})
    assert entered.status == 200


def test_users_are_managed_and_sessions_end(box: Box) -> None:
    """Another role, or removed: the next request is a stranger's."""
    admin, li = box.visitor("boss", "admin"), box.visitor("li", "operator")
    assert li.post("/api/outbox/1/resend").status == 200
    assert admin.post("/api/users/li/role", {"role": "viewer"}).status == 200
    assert li.get("/api/status").status == 401
    assert li.post("/api/login", {"name": "li", "password": PASSWORD}).status == 200
    assert li.post("/api/outbox/1/resend").status == 403
    made = admin.post("/api/users", {"name": "Wang", "role": "viewer"})
    token = made.json()["link"].partition("#")[2]
    wang = box.visitor()
    assert wang.post("/api/enter", {"token": token, "password": PASSWORD}).status == 200
    assert admin.post("/api/users/wang/remove").status == 200
    assert wang.get("/api/status").status == 401
    for path, body in (
        ("/api/users", {"name": "li", "role": "viewer"}),
        ("/api/users", {"name": "../x", "role": "viewer"}),
        ("/api/users/boss/remove", {}),
        ("/api/users/boss/role", {"role": "viewer"}),
        ("/api/users/none/link", {}),
    ):
        told = admin.post(path, body)
        assert (told.status, told.json()["code"]) == (409, "CON-008"), path
    entries = admin.get("/api/audit").json()["entries"]
    about = {(e["who"], e["action"], e["about"], e["outcome"]) for e in entries}
    assert ("boss", "user.role", "li viewer", "ok") in about
    assert ("boss", "user.add", "wang viewer", "ok") in about
    assert ("boss", "user.remove", "boss", "409") in about
    assert ("li", "letter.resend", "1", "CON-001") in about


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b"\xff", b"[" * 3000, b'{"name": 1, "password": "x"}', b"x" * 10_000],
)
def test_bad_bodies_are_refused(box: Box, body: bytes) -> None:
    """One line, no trace back."""
    told = box.visitor().post("/api/login", body)
    assert (told.status, told.json()["code"]) == (400, "CON-003")


def test_a_page_from_elsewhere_changes_nothing(box: Box) -> None:
    """Even if it got hold of the token."""
    admin = box.visitor("boss", "admin")
    host = admin.url.netloc
    for headers, status in (
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://[evil"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": f"http://{host}"}, 403),
        ({"Origin": f"http://{host}"}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ):
        assert admin.post("/api/users/boss/link", {}, headers).status == status, headers


def test_names_this_box_answers_to(open_box: Open) -> None:
    """By log-in: addresses, its own name and those it was given; local: loopback alone."""
    box = open_box(access="login", hosts=["box.example"])
    for host, status in (
        ("box.example:8470", 200),
        ("BOX.example", 200),
        ("10.1.2.3", 200),
        ("[fd00::1]:8470", 200),
        ("evil.example", 400),
        ("box.example.evil.example", 400),
        ("10.1.2.3.evil.example", 400),
        ("", 400),
        ("[", 400),
    ):
        assert box.visitor().get("/login", {"Host": host}).status == status, host
    local = open_box()
    assert local.visitor().get("/", {"Host": "10.1.2.3"}).status == 400


def test_without_log_in_only_this_machine(open_box: Open) -> None:
    """What a proxy passed on is refused; nobody asks for a name; changes are written down."""
    box = open_box()
    here = box.visitor()
    assert here.get("/api/me").json()["name"] == "local"
    assert here.post("/api/outbox/1/resend").status == 200
    assert box.audit() == [("local", "letter.resend", "ok")]
    for name in ("Forwarded", "X-Forwarded-For", "X-Real-IP", "X-Forwarded-Host"):
        assert here.get("/api/status", {name: "10.9.9.9"}).status == 403


def test_health_and_metrics(open_box: Open) -> None:
    """This machine, users, the token; what came through a proxy needs the token."""
    box = open_box(access="login", probe_token="a token of some length")
    passed_on = {"X-Forwarded-For": "10.9.9.9"}
    for path in ("/metrics", "/healthz"):
        stranger = box.visitor()
        assert stranger.get(path).status in (200, 503)
        assert stranger.get(path, passed_on).status == 401
        for token, status in (("a token of some length", 0), ("another", 401)):
            given = {**passed_on, "Authorization": f"Bearer {token}"}
            assert stranger.get(path, given).status in ({status} if status else {200, 503})


PROXY = {
    "trusted": ["127.0.0.0/8"],
    "roles": {"gp-admins": "admin", "gp-operators": "operator"},
}


def test_behind_a_proxy_that_logs_in(open_box: Open) -> None:
    """Name and groups are the proxy's; the highest role counts; no group, no way in."""
    box = open_box(access="proxy", proxy=PROXY)
    li = Visitor(
        box.url,
        X_Forwarded_User="李工",
        X_Forwarded_Groups="staff, gp-operators",
        X_Forwarded_For="6.6.6.6, 10.0.0.7, 127.0.0.1",
    )
    li.headers["X-Forwarded-User"] = "li@example.org"
    me = li.get("/api/me").json()
    assert (me["name"], me["role"]) == ("li@example.org", "operator")
    assert li.post("/api/outbox/1/resend").status == 200
    assert box.access.audit
    (entry,) = box.access.audit.newest(5)
    assert (entry.who, entry.address) == ("li@example.org", "10.0.0.7")
    li.headers["X-Forwarded-Groups"] = "gp-operators,gp-admins"
    assert li.get("/api/me").json()["role"] == "admin"
    for groups in ("staff", "", "GP-ADMINS"):
        li.headers["X-Forwarded-Groups"] = groups
        assert li.get("/api/status").status == 403
    assert Visitor(box.url).get("/api/status").status == 403
    assert Visitor(box.url).get("/metrics").status == 401


def test_behind_a_machine_that_ends_tls(open_box: Open) -> None:
    """Each of those behind it is an address of its own; what they claim left of it is not."""
    box = open_box(access="login", forwarded_by=["127.0.0.1"])
    box.visitor("li")
    guesser = Visitor(box.url)
    for number in range(21):
        body = {"name": f"n{number}", "password": "no"}
        way = {"X-Forwarded-For": f"10.9.9.{number}, 10.0.0.66"}
        last = guesser.post("/api/login", body, way)
    assert last.status == 429
    body, way = {"name": "li", "password": PASSWORD}, {"X-Forwarded-For": "10.0.0.7"}
    assert guesser.post("/api/login", body, way).status == 200
    assert box.access.audit
    assert [entry.address for entry in box.access.audit.newest(3)] == [
        "10.0.0.7",
        "10.0.0.66",
        "10.0.0.66",
    ]
    assert Visitor(box.url).get("/metrics").status == 401  # it might be anybody's


def test_a_proxy_nobody_trusts(open_box: Open) -> None:
    """Headers of anybody else are nothing."""
    box = open_box(access="proxy", proxy={**PROXY, "trusted": ["10.0.0.5"]})
    liar = Visitor(box.url, X_Forwarded_User="li", X_Forwarded_Groups="gp-admins")
    assert liar.get("/api/status").status == 403
    assert liar.get("/api/me").json()["role"] is None


def test_files_are_the_boxs_own(box: Box) -> None:
    """Nobody else on the machine reads hashes or the log; no token stands in them."""
    one = box.visitor("li")
    for path in box.state.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
        data = path.read_bytes()
        assert one.cookies["gridpatrol"].encode() not in data
        assert PASSWORD.encode() not in data


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"host": "0.0.0.0", "access": "local"}, "loopback only"),
        ({"host": "0.0.0.0"}, "in clear"),
        ({"host": "box.example"}, "in clear"),
        ({"access": "proxy"}, "belong together"),
        ({"proxy": PROXY}, "belong together"),
        ({"access": "proxy", "proxy": {"trusted": ["10.0.0.5"]}}, "nobody could come in"),
        ({"access": "proxy", "proxy": {**PROXY, "trusted": []}}, "at least 1"),
        ({"access": "proxy", "proxy": {**PROXY, "trusted": ["box"]}}, "IPv4"),
        ({"access": "proxy", "proxy": {**PROXY, "user_header": "X User"}}, "pattern"),
        ({"probe_token": "short"}, "too short"),
        ({"forwarded_by": ["10.0.0.5"]}, "is for access: login"),
        ({"access": "login", "forwarded_by": ["box"]}, "IPv4"),
    ],
)
def test_settings_that_would_let_anybody_in(settings: dict[str, Any], says: str) -> None:
    """Refused with what to do."""
    with pytest.raises(ValidationError, match=says):
        ConsoleSettings(**settings)


def test_without_a_word(tmp_path: Path) -> None:
    """Loopback: no log-in. Anything else: log-in."""
    assert ConsoleSettings().mode == "local"
    assert ConsoleSettings(host="::1").mode == "local"
    assert ConsoleSettings(host="0.0.0.0", plain_http=True).mode == "login"
    with pytest.raises(ValueError, match="state folder"):
        Access(ConsoleSettings(access="login"))
    assert json.loads(json.dumps(ConsoleSettings(host="10.0.0.1", enabled=False).mode)) == "login"
