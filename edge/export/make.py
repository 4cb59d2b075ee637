"""Making an export: chosen, gathered, written, put into the access log, and only then named."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge import __version__
from edge.cases.metadata import thumbnail_in
from edge.errors import Code, ExportError
from edge.evidence.access import looked_at
from edge.evidence.copies import DOCUMENT, MANIFEST
from edge.evidence.exported import KIND, LINKS, LISTING, SUMS
from edge.evidence.link import signed
from edge.export.archive import Archive, archive
from edge.export.choose import Asked, Chosen, choose
from edge.export.gather import Leaf, State, gather
from edge.export.log import write_down
from edge.export.report import Frame, report
from edge.export.watching import watching
from edge.signing import Signer, public_pem

REPORT = "report.html"
EMBED_UP_TO = 24 << 20
"""Bytes of pictures: up to so many stand inside the report, beyond that beside it."""
_THUMBNAILS = 500
"""So many cases have one in the report's contents: some ten megabytes."""
MAX_BYTES = 4 << 30
"""What ``gridpatrol verify`` unpacks."""
MAX_WORDS = 500


@dataclass(frozen=True, slots=True)
class Done:
    """An export that was made.

    Attributes:
        path: the ZIP.
        sha256: of it, hex.
        cases: how many.
        left_out: files that are not in it, and why.
        seq: of the access log's link.
    """

    path: Path
    sha256: str
    cases: int
    left_out: list[tuple[str, State]]
    seq: int


def make_export(state: Path, frame: Frame, asked: Asked, signer: Signer, out: Path) -> Done:
    """Write the ZIP.

    Args:
        state: the box's state folder; the box may be running.
        frame: who asks, why, and in which time zone days are meant.
        asked: one case, or days.
        signer: the box's key.
        out: where to; nothing is overwritten.

    Raises:
        ExportError: nothing to export (EXP-001), or an option does not fit (EXP-002).
        ConfigError: the key is not the chain's (SEC-003).
        StoreError: disk or database refused; there is no ZIP.
    """
    _check(frame, out)
    chosen = choose(state, asked, frame.time_zone)
    size = _size(chosen)
    if size > MAX_BYTES:
        what = f"{size / 2**30:.1f} GB of pictures are more than the 4 GB that an export may have"
        raise _option(f"{asked.first} to {asked.last}", what, "Ask for fewer days at a time")
    with archive(out) as made:
        cases: list[list[Leaf]] = []
        for case_id in chosen.cases:
            leaves = _gathered(state, chosen, case_id, frame.time_zone)
            few = len(cases) < _THUMBNAILS
            _write(made, leaves, embed=size <= EMBED_UP_TO, thumbnails=few)
            cases.append(leaves)
        left_out = [each for leaves in cases for leaf in leaves for each in leaf.left_out]
        cameras = sorted({camera for each in cases for camera in _cameras(each)})
        seen = {str(c[0].link.body["case_id"]): sorted(set(_cameras(c))) for c in cases}
        looked_at(state, frame.by, "export", seen)
        for name, data in watching(state, cameras).items():
            made.add(name, data)
        _round_off(made, frame, chosen, cases, signer)
        sha256 = made.finish()
        entry = {
            "by": frame.by,
            "purpose": frame.purpose,
            "asked": chosen.asked.to_json(),
            "cases": len(cases),
            "cameras": cameras,
            "zip_sha256": sha256,
        }
        # Before it gets its name: evidence is never out without an entry.
        sealed = write_down(state, frame.box, signer, entry)
    return Done(out, sha256, len(cases), left_out, sealed.seq)


def _check(frame: Frame, out: Path) -> None:
    for name, text in (("--by", frame.by), ("--purpose", frame.purpose)):
        if not text.strip() or len(text) > MAX_WORDS or not text.isprintable():
            what = f"must be 1 to {MAX_WORDS} printable characters"
            raise _option(name, what, "It stands in the report and in the access log")
    if out.exists():
        raise _option(str(out), "is there already", "Give another --out")
    if not out.parent.is_dir():
        raise _option(str(out.parent), "is no folder", "Make it, or give another --out")


def _gathered(state: Path, chosen: Chosen, case_id: str, time_zone: str) -> list[Leaf]:
    """A case's files; where some are missing, after another look: did retention just take them?"""
    evidence = state / "evidence"
    leaves = gather(evidence, chosen.cases[case_id])
    if any(why is State.MISSING for leaf in leaves for _, why in leaf.left_out):
        chosen.cases[case_id] = choose(state, Asked(case_id), time_zone).cases[case_id]
        leaves = gather(evidence, chosen.cases[case_id])
    return leaves


def _size(chosen: Chosen) -> int:
    return sum(
        int(file.get("size_bytes", 0))
        for revisions in chosen.cases.values()
        for each in revisions
        for file in each.link.body["files"]
    )


def _inline(media_type: str, data: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}" if data else ""


def _write(made: Archive, leaves: Sequence[Leaf], *, embed: bool, thumbnails: bool) -> None:
    """A case's files; their bytes are let go of."""
    for leaf in leaves:
        for picture in leaf.pictures:
            if picture.data is None:
                continue
            made.add(picture.name, picture.data)
            picture.src = picture.name
            if thumbnails and picture.said.get("role") == "near":
                picture.small = _inline("image/jpeg", thumbnail_in(picture.data) or b"")
            if embed and str(picture.said.get("media_type")).startswith("image/"):
                picture.src = _inline(str(picture.said["media_type"]), picture.data)
            picture.data = None
        if leaf.document is not None:
            made.add(f"{leaf.folder}/{DOCUMENT}", leaf.document)
            leaf.document = None
        # Beside nothing, a manifest would only say that everything is missing; it is in LINKS.
        if leaf.removed is None:
            made.add(f"{leaf.folder}/{MANIFEST}", leaf.link.raw)


def _round_off(
    made: Archive, frame: Frame, chosen: Chosen, cases: Sequence[Sequence[Leaf]], signer: Signer
) -> None:
    links = chosen.links
    made.add(LINKS, b"".join(link.raw + b"\n" for link in links))
    for kid, key in chosen.public_keys.items():
        made.add(f"keys/{kid}.pub.pem", public_pem(key).encode())
    made.add(REPORT, report(frame, chosen, cases).encode())
    sums = "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(made.sums.items())).encode()
    made.add(SUMS, sums)
    newest = max((leaf.link for case in cases for leaf in case), key=lambda link: link.seq)
    body = {
        "kind": KIND,
        "box": frame.box,
        "chain": chosen.chain,
        "asked": chosen.asked.to_json(),
        "by": frame.by,
        "purpose": frame.purpose,
        "time_zone": frame.time_zone,
        "cases": len(cases),
        "left_out": sum(len(leaf.left_out) for case in cases for leaf in case),
        "newest": {"seq": newest.seq, "sha256": newest.sha256, "at": newest.body["at"]},
        "software": __version__,
        "sums_sha256": hashlib.sha256(sums).hexdigest(),
    }
    made.add(LISTING, signed(body, signer))


def _cameras(leaves: Sequence[Leaf]) -> list[str]:
    return [str(camera) for leaf in leaves for camera in leaf.link.body.get("cameras", ())]


def _option(where: str, what: str, fix: str) -> ExportError:
    return ExportError(Code.EXP_OPTION, where, what, fix)
