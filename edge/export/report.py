"""The report: one HTML page in Chinese and English that needs nothing but a browser, or paper.

No script, no font, no link to anywhere: its policy forbids all but its own style and pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from edge.evidence.exported import LISTING
from edge.evidence.link import Link
from edge.export.choose import Chosen
from edge.export.gather import Leaf, Picture, State
from edge.export.words import DOUBTS, LEFT_OUT, METHOD, ROLE, STATUS, URGENCY, words
from edge.scenes.finding import Words

_POLICY = "default-src 'none'; img-src data: file: 'self'; media-src 'self' file:;"


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands at the head of a report.

    Attributes:
        box: ``city/node``.
        by, purpose: who asked for the export, and what for.
        time_zone: in which times are written.
    """

    box: str
    by: str
    purpose: str
    time_zone: str


def report(frame: Frame, chosen: Chosen, cases: Sequence[Sequence[Leaf]]) -> str:
    """The page.

    Args:
        frame: what stands at its head.
        chosen: what the chain has.
        cases: each with its revisions; where a picture has a ``src``, it is shown.
    """
    zone = ZoneInfo(frame.time_zone)
    style = files("edge.export").joinpath("report.css").read_text(encoding="utf-8")
    sections = "".join(_case(number, case, zone) for number, case in enumerate(cases, 1))
    return (
        '<!doctype html>\n<html lang="zh-CN"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}'
        " style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width">'
        f"<title>证据导出报告 Evidence report {escape(frame.box)}</title>"
        f"<style>{style}</style></head><body>"
        f"{_head(frame, chosen, cases, zone)}{sections}</body></html>\n"
    )


def _head(frame: Frame, chosen: Chosen, cases: Sequence[Sequence[Leaf]], zone: ZoneInfo) -> str:
    asked = chosen.asked
    what = f"案卷 case {asked.case}" if asked.case else f"{asked.first} – {asked.last}"
    last = max((leaf.link for case in cases for leaf in case), key=lambda link: link.seq)
    keys = "<br>".join(
        f"<code>{escape(kid)}</code> keys/{escape(kid)}.pub.pem" for kid in chosen.public_keys
    )
    rows = [
        ("设备", "Box", escape(frame.box)),
        ("导出范围", "Asked for", escape(what)),
        ("导出人", "Exported by", escape(frame.by)),
        ("用途", "Purpose", escape(frame.purpose)),
        ("案卷数", "Cases", str(len(cases))),
        (
            "最新内容",
            "Newest content",
            f"{_moment(last.body['at'], zone)}<br>证据链第 {last.seq} 环 link {last.seq}",
        ),
        ("时区", "Time zone", escape(frame.time_zone)),
        ("公钥", "Public keys", keys),
    ]
    return (
        "<h1>证据导出报告 <span>Evidence report</span></h1>"
        f"{_facts(rows)}{_left_out(cases)}{_how(chosen)}{_contents(cases, zone)}"
    )


def _how(chosen: Chosen) -> str:
    return (
        '<div class="how"><h3>如何核验 <span>How to check</span></h3>'
        "<p>图片为设备按其脱敏设置处理并封存的版本，不含未脱敏原图。"
        '<span class="en">Pictures are as the box sealed them, redacted as it is configured; clear'
        " originals are never exported.</span></p>"
        "<p>离线核验（不需要设备）："
        '<span class="en">Offline, without the box:</span> '
        f"<code>gridpatrol verify export.zip --key {escape(chosen.kid)}.pub.pem</code></p>"
        "<p>公钥请与登记时的公钥核对，不要只信本导出内的副本。"
        '<span class="en">Take the public key from the enrolment, not from this export.</span>'
        " 不装软件也可校验文件："
        '<span class="en">Without our software, files:</span>'
        f" <code>sha256sum -c SHA256SUMS</code>（{LISTING} 签名 signs it）</p></div>"
    )


def _contents(cases: Sequence[Sequence[Leaf]], zone: ZoneInfo) -> str:
    if len(cases) < 2:
        return ""
    rows = []
    for number, case in enumerate(cases, 1):
        last, facts = case[-1], _facts_of(case)
        status = words(STATUS, last.link.body.get("status"))
        name = facts.get("category", {})
        rows.append(
            f'<tr><td><a href="#case-{number}">{number}</a></td><td>{_small(case)}</td>'
            f"<td>{_moment(case[0].link.body['at'], zone)}</td>"
            f"<td>{escape(str(name.get('name_zh', '—')))}"
            f' <span class="en">{escape(str(name.get("name_en", "")))}</span></td>'
            f"<td>{escape(_place(facts) or '—')}</td><td>{_both(status)}</td>"
            f"<td><code>{escape(str(last.link.body['case_id']))}</code></td></tr>"
        )
    return (
        "<h3>目录 <span>Contents</span></h3><table><thead><tr><th>序号 <span>No.</span></th>"
        "<th>图 <span>Picture</span></th>"
        "<th>首次封存 <span>First sealed</span></th><th>类别 <span>Category</span></th>"
        "<th>地点 <span>Place</span></th><th>状态 <span>Status</span></th>"
        f"<th>案卷编号 <span>Case id</span></th></tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


def _small(case: Sequence[Leaf]) -> str:
    """The thumbnail of a case's first near view: before anything was done about it."""
    found = (picture.small for leaf in case for picture in leaf.pictures if picture.small)
    small = next(found, "")
    return f'<img class="small" src="{small}" alt="近景 near view">' if small else "—"


def _left_out(cases: Sequence[Sequence[Leaf]]) -> str:
    count = sum(len(leaf.left_out) for case in cases for leaf in case)
    if not count:
        return ""
    return (
        f'<div class="fault"><p>有 {count} 个文件不在本导出中，各案卷中逐一说明。</p>'
        f"<p>{count} file(s) are not in this export; each case says which and why.</p></div>"
    )


def _case(number: int, case: Sequence[Leaf], zone: ZoneInfo) -> str:
    facts, last = _facts_of(case), case[-1].link
    category = facts.get("category", {})
    title = (
        f"{number}. {escape(str(category.get('name_zh', '案卷')))}"
        f" <span>{escape(str(category.get('name_en', 'Case')))}</span>"
    )
    pages = "".join(_leaf(leaf, zone) for leaf in case)
    return (
        f'<section id="case-{number}"><h2>{title}</h2>'
        f"{_facts(_rows(facts, last, zone))}{pages}</section>"
    )


def _rows(facts: Any, link: Link, zone: ZoneInfo) -> list[tuple[str, str, str]]:
    """Facts of a case: from its newest document that is here, and from the link at any rate."""
    body = link.body
    codes = ", ".join(f"{c['scheme']} {c['code']}" for c in body.get("codes", ()))
    rows = [
        ("案卷编号", "Case id", f"<code>{escape(str(body['case_id']))}</code>"),
        ("状态", "Status", _both(words(STATUS, body.get("status")))),
        ("事项代码", "Category codes", escape(codes)),
        ("单元网格", "Unit grid cell", escape(str(body.get("grid_cell", "")))),
        ("摄像头", "Cameras", escape(", ".join(body.get("cameras", ())))),
    ]
    if not facts:
        return rows
    where = facts["location"]
    department = facts.get("suggested_department") or {}
    rows += [
        ("地点", "Place", escape(_place(facts))),
        (
            "坐标",
            "Coordinates",
            f"{where['lon']:.6f}, {where['lat']:.6f} ({escape(str(where['datum']))},"
            f" {_both(words(METHOD, where['method']))})",
        ),
        ("首次发现", "First seen", _moment(facts["first_seen"], zone)),
        ("最近发现", "Last seen", _moment(facts["last_seen"], zone)),
        ("次数 / 置信度", "Looks / score", f"{facts['sightings']} / {facts['score']:.2f}"),
        ("缓急", "Urgency", _both(words(URGENCY, facts.get("urgency", "normal")))),
    ]
    if department:
        rule = f"{department['name']} ({department['code']}; {department['rule']})"
        rows.append(("建议处置部门", "Suggested department", escape(rule)))
    rows.append(("模型", "Models", escape(", ".join(facts["models"]))))
    return rows


def _leaf(leaf: Leaf, zone: ZoneInfo) -> str:
    body = leaf.link.body
    status = words(STATUS, body.get("status"))
    shown = "".join(_picture(each, zone) for each in leaf.pictures if each.src)
    pictures = f'<div class="pictures">{shown}</div>' if shown else ""
    faults = "".join(
        f"<p><code>{escape(name)}</code> {_both(LEFT_OUT[state])}{_removal(leaf, state, zone)}</p>"
        for name, state in leaf.left_out
    )
    return (
        f"<h3>第 {body['revision']} 版 {escape(status.zh)}"
        f" <span>Revision {body['revision']}: {escape(status.en)}</span></h3>"
        + (f'<div class="fault">{faults}</div>' if faults else "")
        + pictures
        + _facts([*_reasons(leaf), *_seal(leaf.link, zone)])
    )


def _removal(leaf: Leaf, state: State, zone: ZoneInfo) -> str:
    if state is not State.REMOVED or leaf.removed is None:
        return ""
    link = leaf.removed
    rule = link.body.get("rule")  # a box of an earlier version did not say
    because = f", {escape(str(rule))}" if rule else ""
    return f" ({_moment(link.body['at'], zone)}{because}, 第 {link.seq} 环 link {link.seq})"


def _reasons(leaf: Leaf) -> list[tuple[str, str, str]]:
    reasons = "<br>".join(_pair(each) for each in leaf.facts.get("reasons", ()))
    return [("依据", "Reasons", reasons)] if reasons else []


def _seal(link: Link, zone: ZoneInfo) -> list[tuple[str, str, str]]:
    clock = link.body.get("clock") or {}
    doubts = "; ".join(_both(words(DOUBTS, each)) for each in clock.get("doubts", ()))
    at = _moment(link.body["at"], zone) + (f"<br>{doubts}" if doubts else "")
    return [
        ("封存时间", "Sealed at", at),
        (
            "证据链",
            "Evidence chain",
            f"第 {link.seq} 环 link {link.seq}, <code>{link.sha256}</code>",
        ),
        ("签名公钥", "Signed with key", f"<code>{escape(link.kid)}</code>"),
    ]


def _picture(picture: Picture, zone: ZoneInfo) -> str:
    said, src = picture.said, escape(picture.src)
    role = words(ROLE, said.get("role"))
    if str(said.get("media_type", "")).startswith("image/"):
        shown = f'<img src="{src}" alt="{escape(role.zh)} {escape(role.en)}">'
    elif str(said.get("media_type", "")).startswith("video/"):
        name = escape(picture.name)
        shown = f'<video src="{src}" controls preload="metadata"><a href="{src}">{name}</a></video>'
    else:
        shown = f'<a href="{src}">{escape(picture.name)}</a>'
    at = said.get("captured_at")
    when = _moment(at, zone) if at else ""
    return (
        f"<figure>{shown}<figcaption>{_both(role)} · {when} · {escape(str(said.get('camera_id')))}"
        f"<br>SHA-256 <code>{escape(said['sha256'])}</code></figcaption></figure>"
    )


def _facts(rows: Sequence[tuple[str, str, str]]) -> str:
    lines = "".join(
        f"<tr><th>{zh} <span>{en}</span></th><td>{value}</td></tr>" for zh, en, value in rows
    )
    return f'<table class="facts">{lines}</table>'


def _facts_of(case: Sequence[Leaf]) -> Any:
    return next((leaf.facts for leaf in reversed(case) if leaf.facts), {})


def _place(facts: Any) -> str:
    """Address and place, where they say two things."""
    address = (facts.get("matter") or {}).get("SFWZ")
    return " / ".join(dict.fromkeys(str(each) for each in (address, facts.get("place")) if each))


def _both(said: Words) -> str:
    if said.zh == said.en:
        return escape(said.zh)
    return f'{escape(said.zh)} <span class="en">{escape(said.en)}</span>'


def _pair(said: Any) -> str:
    return _both(Words(str(said["zh"]), str(said["en"])))


def _moment(text: object, zone: ZoneInfo) -> str:
    try:
        moment = datetime.fromisoformat(str(text)).astimezone(zone)
    except (ValueError, OverflowError):
        return escape(str(text))
    return moment.isoformat(" ", "seconds")
