"""What an evidence picture says of itself to any viewer: EXIF, and XMP for what EXIF has no field.

Nothing of it is made up when it is written: the same picture of the same case has the same bytes.
The thumbnail stands in EXIF, so it is under the picture's own hash and leaves with it; it is made
from the redacted picture.
"""

from __future__ import annotations

import hashlib
import io
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from PIL import Image
from PIL.ExifTags import GPS, IFD, Base
from PIL.TiffImagePlugin import IFDRational
from PIL.TiffImagePlugin import ImageFileDirectory_v2 as Ifd

from edge import __version__
from edge.cases.taxonomy import Category
from edge.clock import iso
from edge.detectors.base import Look
from edge.scenes.finding import Words

SOFTWARE = f"gridpatrol {__version__}"
_HEAD = b"MM\0*\0\0\0\x08"
"""Of a TIFF file: big-endian, the first directory stands right behind."""
_RESOLUTION = {Base.XResolution: 72, Base.YResolution: 72, Base.ResolutionUnit: 2}
_XMP_HEAD = b"http://ns.adobe.com/xap/1.0/\0"
_MOST_LETTERS = 2000
_NAMESPACE = "urn:gridpatrol:xmp:v1:"


@dataclass(frozen=True, slots=True)
class About:
    """What a picture shows.

    Attributes:
        title: as the caption says it.
        at: when it was taken, aware UTC.
        time_zone: IANA name, of the local time in EXIF.
        camera_id, camera_name: who took it.
        position: of the camera, CGCS2000 degrees (lon, lat); None: not known.
        box_id: who wrote it.
        redaction: the policy that was in force.
        case_id, revision: whose evidence it is; or:
        request_id: whose answer.
        codes: ``scheme code`` of the category.
        grid_cell: where.
        note: how the picture was chosen or made.
    """

    title: Words
    at: datetime
    time_zone: str
    camera_id: str
    camera_name: str
    position: tuple[float, float] | None
    box_id: str
    redaction: str
    case_id: str = ""
    revision: int = 0
    request_id: str = ""
    codes: tuple[str, ...] = ()
    grid_cell: str = ""
    note: Words | None = None


@dataclass(frozen=True, slots=True)
class CaseLabel:
    """What every picture of a case says about it.

    Attributes:
        position: of the camera, CGCS2000 degrees (lon, lat).
    """

    case_id: str
    revision: int
    category: Category
    grid_cell: str
    camera_name: str
    time_zone: str
    box_id: str = ""
    position: tuple[float, float] | None = None

    def about(
        self, look: Look, redaction: str, dwell_s: float | None = None, note: Words | None = None
    ) -> About:
        """What a picture of the case shows; ``dwell_s`` None: nothing any more."""
        kind, code = self.category, self.category.codes[0]
        stay_zh = f"  滞留 {dwell_s:.0f} 秒" if dwell_s is not None else "  已消失"
        stay_en = f"  dwell {dwell_s:.0f} s" if dwell_s is not None else "  gone"
        return About(
            Words(
                f"疑似{kind.name_zh}（{code.code}）{stay_zh}",
                f"Suspected: {kind.name_en} ({code.scheme} {code.code}){stay_en}",
            ),
            look.frame.captured_at,
            self.time_zone,
            look.frame.camera_id,
            self.camera_name,
            self.position,
            self.box_id,
            redaction,
            case_id=self.case_id,
            revision=self.revision,
            codes=tuple(f"{c.scheme} {c.code}" for c in kind.codes),
            grid_cell=self.grid_cell,
            note=note,
        )


def exif(about: About, role: str, size: tuple[int, int], thumbnail: bytes) -> bytes:
    """The EXIF block, a TIFF file of less than 64 KB with a thumbnail of less than 56 KB.

    ``ImageDescription`` and ``Artist`` are UTF-8, as EXIF 3.0 and every reader of today has it.
    """
    local = about.at.astimezone(ZoneInfo(about.time_zone))
    taken, offset = f"{local:%Y:%m:%d %H:%M:%S}", f"{local:%z}"
    offset = f"{offset[:3]}:{offset[3:5]}"
    note = f" | {about.note.zh} {about.note.en}" if about.note else ""
    said = f"{about.title.zh} | {about.title.en} | {about.camera_name}{note}"[:_MOST_LETTERS]
    main = {
        Base.ImageDescription: said.encode(),
        Base.Software: SOFTWARE.encode(),
        Base.Artist: about.box_id.encode(),
        Base.DateTime: taken,
        Base.Orientation: 1,
        Base.YCbCrPositioning: 1,
        **_RESOLUTION,
    }
    detail = {
        Base.ExifVersion: b"0232",
        Base.FlashPixVersion: b"0100",
        Base.DateTimeOriginal: taken,
        Base.OffsetTime: offset,
        Base.OffsetTimeOriginal: offset,
        Base.SubsecTimeOriginal: f"{local.microsecond // 1000:03}",
        Base.ImageUniqueID: unique_id(about, role),
        Base.ColorSpace: 1,
        Base.ExifImageWidth: size[0],
        Base.ExifImageHeight: size[1],
    }
    whole = Ifd(ifh=_HEAD, group=None)
    for tag, value in main.items():
        whole[tag] = value
    whole[IFD.Exif] = detail
    if about.position is not None:
        whole[IFD.GPSInfo] = _gps(about.position, about.at)
    return _HEAD + _linked(whole.tobytes(8), thumbnail)


def thumbnail_in(data: bytes) -> bytes | None:
    """The thumbnail inside a picture's file; None where there is none, or none to be read."""
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as opened:
            block = opened.info.get("exif", b"").removeprefix(b"Exif\0\0")
            inside = opened.getexif().get_ifd(IFD.IFD1)
        at, length = inside[Base.JpegIFOffset], inside[Base.JpegIFByteCount]
        found = bytes(block[at : at + length])
    except (OSError, SyntaxError, ValueError, TypeError, struct.error, LookupError):
        return None
    return found if len(found) == length and found.startswith(b"\xff\xd8") else None


def _linked(first: bytes, thumbnail: bytes) -> bytes:
    """A directory with a second one behind it that holds the thumbnail, which Pillow cannot write.

    Args:
        first: a directory's bytes as they stand after the eight of the head.
        thumbnail: a JPEG.
    """
    first += b"\0" * (len(first) % 2)
    (count,) = struct.unpack_from(">H", first)
    at = len(_HEAD) + len(first)
    second = Ifd(ifh=_HEAD, group=None)
    for tag, value in _RESOLUTION.items():
        second[tag] = value
    second[Base.Compression] = 6
    second[Base.JpegIFByteCount] = len(thumbnail)
    second[Base.JpegIFOffset] = 1 << 16  # of the same length as the true one below
    second[Base.JpegIFOffset] = at + len(second.tobytes(at))
    link = 2 + 12 * count
    linked = first[:link] + struct.pack(">I", at) + first[link + 4 :]
    return linked + second.tobytes(at) + thumbnail


def unique_id(about: About, role: str) -> str:
    """32 hex digits, the same for the same picture of the same revision or request."""
    of = (about.box_id, about.case_id, about.revision, about.request_id, role)
    name = "|".join((*map(str, of), about.camera_id, iso(about.at)))
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def xmp(about: About, role: str) -> bytes:
    """The XMP segment of a JPEG, UTF-8; properties that have no value are left out."""
    folder = f"{about.case_id}/r{about.revision}" if about.case_id else ""
    simple = {
        "CaseId": about.case_id,
        "Revision": str(about.revision or ""),
        "RequestId": about.request_id,
        "Role": role,
        "GridCell": about.grid_cell,
        "CameraId": about.camera_id,
        "CameraName": about.camera_name,
        "BoxId": about.box_id,
        "CapturedAt": iso(about.at),
        "Redaction": about.redaction,
        "Manifest": f"{folder}/manifest.json" if folder else "",
        "NoteZh": about.note.zh if about.note else "",
        "NoteEn": about.note.en if about.note else "",
    }
    lines = [f"<gp:{key}>{_text(value)}</gp:{key}>" for key, value in simple.items() if value]
    if about.codes:
        items = "".join(f"<rdf:li>{_text(code)}</rdf:li>" for code in about.codes)
        lines.append(f"<gp:CategoryCodes><rdf:Bag>{items}</rdf:Bag></gp:CategoryCodes>")
    title = (
        f'<rdf:li xml:lang="x-default">{_text(about.title.zh)}</rdf:li>'
        f'<rdf:li xml:lang="zh-CN">{_text(about.title.zh)}</rdf:li>'
        f'<rdf:li xml:lang="en">{_text(about.title.en)}</rdf:li>'
    )
    packet = (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        f' xmlns:gp="{_NAMESPACE}"><dc:title><rdf:Alt>{title}</rdf:Alt></dc:title>'
        f"{''.join(lines)}</rdf:Description></rdf:RDF></x:xmpmeta>"
        '<?xpacket end="r"?>'
    )
    return _XMP_HEAD + packet.encode()


def _gps(position: tuple[float, float], at: datetime) -> dict[int, object]:
    """CGCS2000 and WGS-84 are one within a metre: readers that know no datum are right, too."""
    lon, lat = position
    utc = at.astimezone(UTC)
    return {
        GPS.GPSVersionID: b"\2\3\0\0",
        GPS.GPSLatitudeRef: "N" if lat >= 0 else "S",
        GPS.GPSLatitude: _degrees(lat),
        GPS.GPSLongitudeRef: "E" if lon >= 0 else "W",
        GPS.GPSLongitude: _degrees(lon),
        GPS.GPSMapDatum: "CGCS2000",
        GPS.GPSDateStamp: f"{utc:%Y:%m:%d}",
        GPS.GPSTimeStamp: tuple(IFDRational(n) for n in (utc.hour, utc.minute, utc.second)),
    }


def _degrees(value: float) -> tuple[IFDRational, ...]:
    """Degrees, minutes and seconds; seconds to a ten-thousandth, 3 mm."""
    minutes, rest = divmod(round(abs(value) * 36_000_000), 600_000)
    degrees, minutes = divmod(minutes, 60)
    return IFDRational(degrees), IFDRational(minutes), IFDRational(rest, 10_000)


def _text(value: str) -> str:
    """For XML, which has no way to write control characters."""
    return escape("".join(sign for sign in value[:_MOST_LETTERS] if sign >= " "))
