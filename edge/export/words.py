"""What the report calls things, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping

from edge.export.gather import State
from edge.scenes.finding import Words

STATUS: Mapping[str, Words] = {
    "new": Words("新发现", "new"),
    "update": Words("更新", "update"),
    "gone": Words("已消失", "gone"),
    "withdrawn": Words("已撤回", "withdrawn"),
}
ROLE: Mapping[str, Words] = {
    "far": Words("远景", "far view"),
    "near": Words("近景", "near view"),
    "clip": Words("视频片段", "clip"),
    "before": Words("处置前", "before"),
    "after": Words("处置后", "after"),
}
METHOD: Mapping[str, Words] = {
    "homography": Words("画面标定", "from the picture, calibrated"),
    "zone_anchor": Words("区域位置", "the zone's place"),
    "camera": Words("摄像头位置", "the camera's place"),
}
URGENCY: Mapping[str, Words] = {
    "normal": Words("一般", "normal"),
    "urgent": Words("紧急", "urgent"),
}
LEFT_OUT: Mapping[State, Words] = {
    State.REMOVED: Words(
        "已按保存期限删除，删除记录在证据链中", "removed by retention; the chain says so"
    ),
    State.MISSING: Words(
        "文件缺失，证据链中没有删除记录", "missing; the chain has no removal of it"
    ),
    State.ALTERED: Words(
        "封存后被改动，未导出", "altered since it was sealed; it was not exported"
    ),
}
DOUBTS: Mapping[str, Words] = {
    "never_set": Words("时钟从未校准", "the clock was never set"),
    "not_synchronised": Words("时钟未同步", "the clock was not synchronised"),
    "sync_unknown": Words("时钟是否同步未知", "whether the clock was synchronised is not known"),
    "behind_the_link_before": Words("时间早于前一环节", "earlier than the link before"),
}


def words(table: Mapping[str, Words], key: object) -> Words:
    """What a word is called; a word that a later version wrote stands for itself."""
    return table.get(str(key)) or Words(str(key), str(key))
