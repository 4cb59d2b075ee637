"""``gridpatrol ask``: what a platform asks of a box, from the command line."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypedDict

import typer

if TYPE_CHECKING:
    from uploader.ask import Answer
    from uploader.contract.messages import RequestData
    from uploader.contract.properties import Sign
    from uploader.settings import BrokerLogin
    from uploader.topics import BoxTopics

app = typer.Typer(
    help="Ask a box, as the platform does: verify, look, feedback, another configuration.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

CaseOption = Annotated[str | None, typer.Option("--case", help="Case id.")]
CameraOption = Annotated[str | None, typer.Option("--camera", help="Camera id.")]
IdOption = Annotated[
    str | None,
    typer.Option("--id", help="request_id; the same again gives the stored answer. Default: new."),
]
WaitOption = Annotated[float, typer.Option("--wait", help="Seconds to wait for the answer.")]
OutOption = Annotated[
    Path | None, typer.Option("--out", help="Write the pictures into this folder.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="The answer as it came, one line.")]


class Purpose(StrEnum):
    """Why the platform verifies; both are called 核查 somewhere, so neither word is a key."""

    PRE_FILING_VERIFY = "pre_filing_verify"
    POST_HANDLING_CHECK = "post_handling_check"


class Said(StrEnum):
    """A verdict of the platform's people."""

    RIGHT = "right"
    WRONG = "wrong"
    DUPLICATE = "duplicate"
    POINTLESS = "pointless"


@dataclass(frozen=True, slots=True)
class _Whom:
    login: BrokerLogin
    box: BoxTopics
    key: Path | None


@app.callback()
def whom(  # noqa: PLR0917 - each is an option of its own
    context: typer.Context,
    box: Annotated[str, typer.Option(help="City code and box id: 420111/box-01.")],
    host: Annotated[str, typer.Option(help="Broker host.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Broker port.")] = 1883,
    username: Annotated[str | None, typer.Option(help="Broker user.")] = None,
    password_file: Annotated[
        Path | None, typer.Option(help="File that holds the password.")
    ] = None,
    ca_file: Annotated[Path | None, typer.Option(help="CA certificate: turns TLS on.")] = None,
    root: Annotated[str, typer.Option(help="First topic level.")] = "gridpatrol",
    key: Annotated[
        Path | None,
        typer.Option(help="The platform's private key (PEM), where boxes have mqtt.trusted_keys."),
    ] = None,
) -> None:
    """Ask a box, as the platform does: verify, look, feedback, another configuration."""
    from uploader.settings import BrokerLogin
    from uploader.topics import BoxTopics

    city, _, node = box.partition("/")
    password = password_file.read_text(encoding="utf-8").strip() if password_file else None
    login = BrokerLogin(
        host=host, port=port, username=username, password=password, ca_file=ca_file, root=root
    )
    context.obj = _Whom(login, BoxTopics(root, city, node), key)


@app.command()
def verify(  # noqa: PLR0917
    context: typer.Context,
    case: CaseOption = None,
    camera: CameraOption = None,
    zone: Annotated[str | None, typer.Option(help="Zone id.")] = None,
    purpose: Annotated[Purpose, typer.Option(help="Why.")] = Purpose.PRE_FILING_VERIFY,
    looks: Annotated[int, typer.Option(min=1, max=20, help="How many looks.")] = 3,
    over: Annotated[float, typer.Option(min=0, max=600, help="Over so many seconds.")] = 20.0,
    request_id: IdOption = None,
    wait: WaitOption = 60.0,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look at the place of a case now (核查): present, gone or cannot tell, with pictures."""
    from uploader.contract.messages import RequestData

    request = RequestData(
        **_request("verify", request_id, wait + over, context),
        purpose=purpose.value,
        case_id=case,
        camera_id=camera,
        zone_id=zone,
        looks=looks,
        over_s=over,
    )
    _say(_ask(context, request, wait + over, out), as_json)


@app.command()
def look(  # noqa: PLR0917
    context: typer.Context,
    camera: CameraOption = None,
    case: CaseOption = None,
    request_id: IdOption = None,
    wait: WaitOption = 60.0,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch a fresh picture of a camera, heads and plates covered."""
    from uploader.contract.messages import RequestData

    request = RequestData(
        **_request("look", request_id, wait, context), camera_id=camera, case_id=case, over_s=0.0
    )
    _say(_ask(context, request, wait, out), as_json)


@app.command()
def feedback(  # noqa: PLR0917
    context: typer.Context,
    case: Annotated[str, typer.Option("--case", help="Case id.")],
    verdict: Annotated[Said, typer.Option(help="What people say of it.")],
    by: Annotated[str, typer.Option(help="Who says so.")],
    note: Annotated[str, typer.Option(help="Anything else.")] = "",
    request_id: IdOption = None,
    wait: WaitOption = 60.0,
    as_json: JsonOption = False,
) -> None:
    """Tell a box what people say of a case (抽检); a wrong one is withdrawn."""
    from uploader.contract.messages import FeedbackData, RequestData

    request = RequestData(
        **_request("feedback", request_id, wait, context),
        case_id=case,
        feedback=FeedbackData(verdict=verdict.value, note=note, by=by),
    )
    _say(_ask(context, request, wait, None), as_json)


@app.command()
def configure(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The whole YAML file that the box should run.")],
    config_id: Annotated[str, typer.Option("--id", help="Its name, for up/reported.")],
    wait: WaitOption = 60.0,
) -> None:
    """Publish the configuration a box should run (retained), and print what it reports."""
    from uploader.ask import publish_desired
    from uploader.contract.messages import DesiredData

    asked: _Whom = context.obj
    text = file.read_text(encoding="utf-8")
    digest = hashlib.sha256(text.encode()).hexdigest()
    desired = DesiredData(config_id=config_id, sha256=digest, yaml=text, box_id=asked.box.node)
    reported = publish_desired(
        asked.login, asked.box, desired, patience_s=wait, sign=_sign(asked.key)
    )
    typer.echo(
        f"{reported.state}: {reported.config_id} on {asked.box.node},"
        f" {reported.cameras} camera(s), {', '.join(reported.models)}"
    )
    if reported.error:
        typer.echo(reported.error, err=True)
    raise typer.Exit(0 if reported.state == "applied" else 1)


class _Common(TypedDict):
    request_id: str
    action: Literal["verify", "look", "feedback"]
    expires_at: datetime
    requested_by: str
    box_id: str


def _request(
    action: Literal["verify", "look", "feedback"],
    request_id: str | None,
    lives_s: float,
    context: typer.Context,
) -> _Common:
    from edge.clock import utc_now

    asked: _Whom = context.obj
    return {
        "request_id": request_id or str(uuid.uuid4()),
        "action": action,
        "expires_at": utc_now() + timedelta(seconds=lives_s),
        "requested_by": "gridpatrol ask",
        "box_id": asked.box.node,
    }


def _ask(
    context: typer.Context, request: RequestData, patience_s: float, out: Path | None
) -> Answer:
    from uploader.ask import ask

    asked: _Whom = context.obj
    return ask(
        asked.login, asked.box, request, patience_s=patience_s, out=out, sign=_sign(asked.key)
    )


def _sign(key: Path | None) -> Sign | None:
    from edge.signing import load_signer

    return load_signer(key).sign if key else None


def _say(answer: Answer, as_json: bool) -> None:
    """The answer; exits with 1 unless the box did what was asked."""
    reply = answer.reply
    if as_json:
        typer.echo(answer.payload.decode())
    else:
        typer.echo(f"{reply.result}: {reply.reason.zh} / {reply.reason.en}")
        for taken in reply.looks:
            seen = {True: "there", False: "not there", None: "cannot tell"}[taken.present]
            typer.echo(f"  {taken.at.astimezone():%H:%M:%S} {seen}: {taken.note or ''}")
        for role, path in answer.pictures.items():
            typer.echo(f"  {role}: {path}")
    done = reply.result in ("present", "gone", "cannot_tell", "done")
    raise typer.Exit(0 if done else 1)
