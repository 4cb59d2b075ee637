"""Object models: the shipped one, other layouts by card, and every kind of bad model."""

from __future__ import annotations

import hashlib
import shutil
from datetime import UTC, datetime
from pathlib import Path

import av
import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from edge.detectors.base import Look
from edge.detectors.card import ModelCard, load_card
from edge.detectors.decode import (
    decode_fastestdet,
    decode_nanodet,
    decode_yolov8,
    decode_yolox,
    expected_rows,
    expected_shape,
)
from edge.detectors.objects import ObjectDetector
from edge.errors import Code, ModelError
from edge.geometry import Box
from edge.shipped import shipped
from edge.streams.frame import Frame, Image
from edge.streams.planes import decoded

SHIPPED = shipped("models") / "coco-nanodet"
FOOTAGE = shipped("demo") / "footage"


def look_at(image: Image, camera: str = "cam-1") -> Look:
    return Look(Frame(camera, datetime(2026, 11, 24, tzinfo=UTC), image, "key_frame", 1))


def frames(name: str, *seconds: int) -> list[Image]:
    """Key frames of a demo clip at whole seconds."""
    with av.open(str(FOOTAGE / f"{name}.mp4")) as clip:
        stream = clip.streams.video[0]
        stream.codec_context.skip_frame = "NONKEY"
        wanted = set(seconds)
        return [
            frame.to_ndarray(format="bgr24")
            for number, frame in enumerate(clip.decode(stream))
            if number in wanted
        ]


@pytest.fixture(scope="module")
def nanodet() -> ObjectDetector:
    return ObjectDetector(SHIPPED, provider="cpu")


def test_the_shipped_model_finds_the_street(nanodet: ObjectDetector) -> None:
    """On real footage: people, the parked van, and the vendor's umbrella."""
    (image,) = frames("vending", 30)
    (found,) = nanodet.detect([look_at(image)])
    meanings = [d.meaning for d in found]
    assert meanings.count("person") >= 4
    assert "vehicle" in meanings
    umbrella = next(d for d in found if d.meaning == "umbrella")
    assert umbrella.box.iou(Box(0.70, 0.38, 0.98, 0.55)) > 0.5
    assert all(d.score >= nanodet.card.thresholds.score for d in found)


def test_a_batch_gives_what_single_pictures_give(nanodet: ObjectDetector) -> None:
    """Also with pictures of different sizes in one batch."""
    first, second = frames("clear", 5, 40)
    third = np.ascontiguousarray(first[100:400, 200:700])
    looks = [look_at(image) for image in (first, second, third)]
    together = nanodet.detect(looks)
    apart = [nanodet.detect([look])[0] for look in looks]
    for left, right in zip(together, apart, strict=True):
        assert len(left) == len(right)
        for a, b in zip(left, right, strict=True):
            assert a.label == b.label
            assert a.box.iou(b.box) > 0.98


def test_pictures_side_by_side_give_what_single_pictures_give(nanodet: ObjectDetector) -> None:
    """More pictures than threads, of different sizes: each gets its own answer, in order."""
    first, second = frames("clear", 5, 40)
    pictures = [first, second, np.ascontiguousarray(first[100:400, 200:700]), first, second]
    beside = ObjectDetector(SHIPPED, provider="cpu", at_once=2)
    assert beside.find(pictures) == [nanodet.find([picture])[0] for picture in pictures]


@pytest.mark.parametrize(
    ("width", "height", "cut"),
    [
        (1920, 1080, (416, 256)),
        (1080, 1920, (256, 416)),
        (1280, 800, (416, 288)),
        (768, 576, (416, 416)),
        (500, 500, (416, 416)),
        (4000, 40, (416, 32)),
    ],
)
def test_the_input_is_cut_to_what_the_picture_fills(
    nanodet: ObjectDetector, width: int, height: int, cut: tuple[int, int]
) -> None:
    """Two fifths of a square are black around a wide picture; the model need not see them."""
    picture = np.full((height, width, 3), 90, np.uint8)
    wanted = nanodet.card_for(picture).input
    assert (wanted.width, wanted.height) == cut
    assert nanodet.find([picture]) == [()]


@pytest.mark.parametrize(
    ("rows", "columns"), [(slice(60, 384), slice(None)), (slice(100, 484), slice(100, 700))]
)
def test_a_cut_input_finds_what_the_whole_one_finds(
    nanodet: ObjectDetector, tmp_path: Path, rows: slice, columns: slice
) -> None:
    """Wide pictures of real footage, and as the camera gives them."""
    shutil.copytree(SHIPPED, tmp_path / "whole")
    card = tmp_path / "whole/model.toml"
    card.write_text(card.read_text("utf-8").replace("step = 32", "step = 0"), "utf-8")
    whole = ObjectDetector(tmp_path / "whole", provider="cpu")
    pictures = [image[rows, columns] for image in frames("vending", 10, 25, 40)]
    pairs = [
        (a, b)
        for one, other in ((nanodet, whole), (whole, nanodet))
        for left, right in zip(one.find(pictures), other.find(pictures, least=0.2), strict=True)
        for a in left
        if a.score > 0.5
        for b in [max(right, key=lambda d, a=a: d.box.iou(a.box))]
    ]
    assert len(pairs) > 20
    assert sum(a.label == b.label and a.box.iou(b.box) > 0.6 for a, b in pairs) > 0.9 * len(pairs)


def test_planes_give_what_their_picture_gives(nanodet: ObjectDetector) -> None:
    """The model sees the same, whether colours are made before the picture is shrunk or after."""
    with av.open(str(FOOTAGE / "vending.mp4")) as clip:
        given_ = next(clip.decode(video=0))
    (planes,) = nanodet.find([decoded(given_)])
    (image,) = nanodet.find([np.asarray(given_.to_ndarray(format="bgr24"))])
    assert [d.label for d in planes] == [d.label for d in image]
    assert all(a.box.iou(b.box) > 0.95 for a, b in zip(planes, image, strict=True))


def test_a_step_the_model_does_not_have_is_refused(tmp_path: Path) -> None:
    """As the model is loaded, not when the first wide picture comes."""
    folder = made_model(tmp_path, "yolov8", (1, 6, 84))
    card = folder / "model.toml"
    card.write_text(card.read_text("utf-8").replace("height = 64", "height = 64\nstep = 32"))
    assert refused(folder).code is Code.MDL_SHAPE


def test_boxes_follow_the_picture_not_the_letterbox(nanodet: ObjectDetector) -> None:
    """The same people with black bars around them have the same pixels."""
    (image,) = frames("clear", 30)
    padded = np.zeros((image.shape[0] + 200, image.shape[1], 3), np.uint8)
    padded[200:] = image
    plain = [d for d in nanodet.detect([look_at(image)])[0] if d.score > 0.6]
    moved = nanodet.detect([look_at(padded)])[0]
    for detection in plain:
        box, share = detection.box, image.shape[0] / padded.shape[0]
        expected = Box(box.x0, 1 - share + box.y0 * share, box.x1, 1 - share + box.y1 * share)
        assert max(d.box.iou(expected) for d in moved) > 0.6


def card_for(layout: str, classes: int = 2, size: int = 64, **output: object) -> ModelCard:
    return ModelCard.model_validate(
        {
            "name": "made",
            "version": "1",
            "file": "model.onnx",
            "sha256": "0" * 64,
            "licence": "none",
            "source": "test",
            "input": {"name": "images", "width": size, "height": size, "colour": "rgb"},
            "output": {"layout": layout, "classes": [f"c{i}" for i in range(classes)], **output},
            "meanings": {"c0": "person"},
        }
    )


@settings(deadline=None)
@given(
    cell=st.integers(0, 83),
    size=st.tuples(st.floats(4, 60), st.floats(4, 60)),
    shift=st.tuples(st.floats(0, 0.99), st.floats(0, 0.99)),
)
def test_layouts_agree_on_the_same_box(
    cell: int, size: tuple[float, float], shift: tuple[float, float]
) -> None:
    """A box encoded as YOLOX and as YOLOv8 decodes to the same corners."""
    yolox, yolov8 = card_for("yolox"), card_for("yolov8")
    assert expected_rows(yolox) == expected_rows(yolov8) == 84
    stride, offset = (8, 0) if cell < 64 else (16, 64) if cell < 80 else (32, 80)
    columns = 64 // stride
    grid = np.array([(cell - offset) % columns, (cell - offset) // columns])
    centre = (grid + shift) * stride
    x = np.zeros((84, 7), np.float32)
    x[cell, :2], x[cell, 2:4], x[cell, 4:6] = shift, np.log(np.array(size) / stride), (0.5, 0.8)
    v8 = np.zeros((6, 84), np.float32)
    v8[:2, cell], v8[2:4, cell], v8[4, cell] = centre, size, 0.4
    boxes_x, scores_x = decode_yolox(x, yolox)
    boxes_8, scores_8 = decode_yolov8(v8, yolov8)
    np.testing.assert_allclose(boxes_x[cell], boxes_8[cell], rtol=1e-4, atol=1e-3)
    assert scores_x[cell, 0] == pytest.approx(scores_8[cell, 0])


def test_nanodet_distances_are_expectations() -> None:
    """A distribution that is certain of bin n means n strides."""
    card = card_for("nanodet")
    output = np.zeros((84, 2 + 44), np.float32)
    output[:, 2:] = -50
    for side, step in enumerate((1, 2, 3, 4)):
        output[0, 2 + side * 11 + step] = 50
    boxes, _ = decode_nanodet(output, card)
    np.testing.assert_allclose(boxes[0], [4 - 8, 4 - 16, 4 + 24, 4 + 32], atol=1e-3)


@settings(deadline=None)
@given(
    cell=st.integers(0, 15),
    size=st.tuples(st.floats(0.1, 0.9), st.floats(0.1, 0.9)),
    shift=st.tuples(st.floats(-0.9, 0.9), st.floats(-0.9, 0.9)),
)
def test_fastestdet_squashes_offsets_and_sizes(
    cell: int, size: tuple[float, float], shift: tuple[float, float]
) -> None:
    """One map of 4 x 4 at stride 16: a box encoded the other way round comes back."""
    card = card_for("fastestdet", strides=[16])
    output = np.zeros((7, 4, 4), np.float32)
    shares = np.array(size)
    flat = output.reshape(7, 16)
    flat[0, cell], flat[5, cell] = 0.5, 0.8
    flat[1:3, cell], flat[3:5, cell] = np.arctanh(shift), np.log(shares / (1 - shares))
    boxes, scores = decode_fastestdet(output, card)
    assert expected_shape(card) == (1, 7, 4, 4)
    centre = (np.array([cell % 4, cell // 4]) + shift) * 16
    expected = np.concatenate((centre - 32 * shares, centre + 32 * shares))
    np.testing.assert_allclose(boxes[cell], expected, rtol=1e-3, atol=1e-2)
    assert scores[cell, 0] == pytest.approx(0.5**0.6 * 0.8**0.4)
    assert scores[cell, 1] == 0


def made_model(folder: Path, layout: str, shape: tuple[int, ...], *, boxes: bool = True) -> Path:
    """A folder with a tiny ONNX that always gives the same output, and its card."""
    folder.mkdir(exist_ok=True)
    output = np.zeros(shape, np.float32)
    if boxes and layout == "yolov8":
        output[0, :5, 3] = (32, 32, 20, 40, 0.9)
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Add", ["fixed", "nothing"], ["output"]),
    ]
    graph = helper.make_graph(
        nodes,
        "made",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, 64, 64])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, list(shape))],
        [
            numpy_helper.from_array(output, "fixed"),
            numpy_helper.from_array(np.zeros((), np.float32), "zero"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, folder / "model.onnx")
    write_card(folder, layout)
    return folder


def write_card(folder: Path, layout: str, extra: str = "", meanings: str = 'c0 = "person"') -> None:
    digest = hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()
    (folder / "model.toml").write_text(
        f"""
name = "made"
version = "1"
file = "model.onnx"
sha256 = "{digest}"
licence = "none"
source = "test"
{extra}
[input]
name = "images"
width = 64
height = 64
colour = "rgb"
[output]
layout = "{layout}"
classes = ["c0", "c1"]
[meanings]
{meanings}
""",
        encoding="utf-8",
    )


def test_a_user_may_drop_in_a_yolov8(tmp_path: Path) -> None:
    """Layout, classes and meaning come from the card alone."""
    detector = ObjectDetector(made_model(tmp_path, "yolov8", (1, 6, 84)), provider="cpu")
    (found,) = detector.detect([look_at(np.zeros((64, 64, 3), np.uint8))])
    (only,) = found
    assert (only.label, only.meaning, only.model) == ("c0", "person", "made 1")
    assert only.box.pixels(64, 64) == (22, 12, 42, 52)


def copied(folder: Path, extra: str) -> Path:
    """The shipped model with more in its card."""
    shutil.copytree(SHIPPED, folder)
    with (folder / "model.toml").open("a", encoding="utf-8") as card:
        card.write(extra)
    return folder


def test_calibration_moves_scores_and_keeps_their_order(tmp_path: Path) -> None:
    """Thresholds are in calibrated scores; the boxes stay."""
    extra = "\n[calibration]\nraw = [0.0, 0.5, 1.0]\nright = [0.0, 0.25, 1.0]\n"
    (image,) = frames("clear", 30)
    (plain,) = ObjectDetector(SHIPPED, provider="cpu").find([image], least=0.5)
    calibrated = ObjectDetector(copied(tmp_path / "m", extra), provider="cpu")
    (moved,) = calibrated.find([image], least=0.25)
    assert len(plain) >= 5
    assert [d.box for d in moved] == [d.box for d in plain]
    for before, after in zip(plain, moved, strict=True):
        assert after.score == pytest.approx(np.interp(before.score, [0.5, 1], [0.25, 1]), abs=1e-6)


@pytest.mark.parametrize(
    ("extra", "why"),
    [
        ("raw = [0.0, 0.5, 1.0]\nright = [0.0, 1.0]", "3 raw scores but 2 shares"),
        ("raw = [0.0, 0.5, 1.0]\nright = [0.0, 0.9, 0.5]", "right must rise"),
    ],
)
def test_a_calibration_that_makes_no_sense_is_refused(tmp_path: Path, extra: str, why: str) -> None:
    error = refused(copied(tmp_path / "m", f"\n[calibration]\n{extra}\n"))
    assert error.code is Code.MDL_CARD
    assert why in str(error)


def test_evaluation_sees_what_is_below_the_threshold() -> None:
    look = look_at(frames("clear", 30)[0])
    (usual,) = ObjectDetector(SHIPPED, provider="cpu").detect([look])
    (every,) = ObjectDetector(SHIPPED, provider="cpu").find([look.frame.image], least=0.05)
    assert len(every) > len(usual)
    assert min(d.score for d in every) < 0.4


def refused(folder: Path) -> ModelError:
    with pytest.raises(ModelError) as caught:
        ObjectDetector(folder, provider="cpu")
    assert "\n" not in str(caught.value)
    return caught.value


def test_corrupt_weights_are_refused_by_hash(tmp_path: Path) -> None:
    """One flipped byte."""
    folder = made_model(tmp_path, "yolov8", (1, 6, 84))
    data = bytearray((folder / "model.onnx").read_bytes())
    data[40] ^= 1
    (folder / "model.onnx").write_bytes(data)
    assert refused(folder).code is Code.MDL_HASH


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    """Right hash, wrong content."""
    (tmp_path / "model.onnx").write_bytes(b"this is not a model")
    write_card(tmp_path, "yolov8")
    assert refused(tmp_path).code is Code.MDL_CORRUPT


@pytest.mark.parametrize(
    ("layout", "shape"),
    [
        ("yolov8", (1, 84, 6)),
        ("yolov8", (1, 9, 84)),
        ("yolox", (1, 84, 6)),
        ("nanodet", (1, 84, 7)),
    ],
)
def test_wrong_shape_or_class_count_is_refused(
    tmp_path: Path, layout: str, shape: tuple[int, ...]
) -> None:
    """The error says both shapes."""
    error = refused(made_model(tmp_path, layout, shape))
    assert error.code is Code.MDL_SHAPE
    assert str(shape) in error.what


def test_missing_parts_are_named(tmp_path: Path) -> None:
    """No card; no weights; a card that does not parse; meanings for unknown classes."""
    assert refused(tmp_path).code is Code.MDL_MISSING
    folder = made_model(tmp_path / "m", "yolov8", (1, 6, 84))
    write_card(folder, "yolov8", meanings='c9 = "person"')
    assert refused(folder).code is Code.MDL_CARD
    write_card(folder, "yolov8", extra="surprise = 1")
    assert "surprise" in refused(folder).what
    (folder / "model.toml").write_text("name = ", encoding="utf-8")
    assert refused(folder).code is Code.MDL_CARD
    write_card(folder, "yolov8")
    (folder / "model.onnx").unlink()
    assert refused(folder).code is Code.MDL_MISSING


def test_a_missing_provider_is_refused(tmp_path: Path) -> None:
    """Asked for by name, a provider must be there."""
    folder = made_model(tmp_path, "yolov8", (1, 6, 84))
    with pytest.raises(ModelError, match="MDL-006"):
        ObjectDetector(folder, provider="tensorrt")


def test_the_shipped_card_is_complete(tmp_path: Path) -> None:
    """Licence, source and attribution are there; a copy elsewhere loads the same."""
    card = load_card(SHIPPED)
    assert card.licence
    assert card.source
    assert card.attribution
    copy = tmp_path / "copy"
    shutil.copytree(SHIPPED, copy)
    assert ObjectDetector(copy, provider="cpu").name == card.title
