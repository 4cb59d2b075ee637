"""Faults that answers speak of, in Chinese: errors carry their own words in English only."""

from __future__ import annotations

from edge.errors import Code
from edge.scenes.finding import Words

_WORDS = {
    Code.ASK_UNKNOWN: "请求所指的案卷、摄像头、区域或动作，本机没有或不支持",
    Code.ASK_EXPIRED: "请求已过期，未执行",
    Code.ASK_CRASHED: "执行该请求时设备多次中断，已放弃",
    Code.REV_CASE: "本机没有该案卷",
    Code.CAM_UNREACHABLE: "摄像头无法连接",
    Code.CAM_AUTH: "摄像头拒绝了用户名或密码",
    Code.CAM_NO_VIDEO: "视频流中没有画面",
    Code.CAM_TIMEOUT: "摄像头无应答",
    Code.CAM_ENDED: "视频流中断",
    Code.CAM_BROKEN: "视频流损坏，无法解码",
    Code.CAM_NOT_FOUND: "摄像头没有该路视频",
    Code.CAM_WORKER_DIED: "解码进程中断",
    Code.CAM_WORKER_HUNG: "解码进程无响应",
    Code.CAM_PICTURE: "画面全黑或被遮挡",
    Code.CAM_VIEW: "画面与此前不同，镜头可能被转动",
    Code.CAM_SIZE: "画面尺寸过大、过小或过于狭长，未处理",
    Code.RED_FAILED: "画面未能完成脱敏处理，未发送",
    Code.STO_ROOM: "本机存储空间不足，无法保存照片",
}

_UNFIT = {
    "the picture is black": "画面全黑",
    "the picture is one flat colour (covered lens?)": "画面为单一颜色（镜头被遮挡？）",
}


def in_chinese(code: str) -> str:
    """What a code means, for people at the platform."""
    return _WORDS.get(Code(code), "设备故障") if code in set(Code) else "设备故障"


def unfit_words(why: str) -> Words:
    """Why a picture was not fit to be analysed."""
    return Words(_UNFIT.get(why, why), why)
