"""The shipped words of small ads: what they know, and the public wording they must leave alone."""

from __future__ import annotations

import pytest

from edge.scenes.wording import shipped_patterns

PATTERNS = shipped_patterns()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("办证 刻章", "forged papers or seals"),
        ("代办各类文凭", "forged papers or seals"),
        ("长期代开发票", "forged papers or seals"),
        ("无抵押贷款 当天放款", "loans or cashing-out"),
        ("专业要账", "debt collecting or private tailing"),
        ("疏通下水道", "drain clearing"),
        ("修马桶", "drain clearing"),
        ("高价回收手机", "second-hand buying"),
        ("房屋出租", "letting or selling rooms"),
        ("出租房", "letting or selling rooms"),
        ("门面招租", "selling flats or shops"),
        ("代办营业执照", "errands with the authorities"),
        ("专治性病", "quack medicine"),
    ],
)
def test_small_ads_are_known(text: str, name: str) -> None:
    """The words that stickers and stencils use."""
    word = PATTERNS.word(text)
    assert word is not None
    assert word.words.en == name


@pytest.mark.parametrize(
    "text",
    [
        "出租车停靠点",
        "出租汽车候客区",
        "出租房屋登记",
        "公租房小区",
        "可回收物 其他垃圾",
        "旧衣回收箱",
        "疏通消防通道",
        "智能马桶 卫浴",
        "慢性病防治中心",
        "阳性病例",
        "帮办代办",
        "邮政代办点",
        "项目落户签约仪式",
        "办证须知",
        "办证中心",
        "公安备案 刻章",
        "开发票请扫码",
        "主要账户",
        "入学凭证",
        "中国银行个人贷款中心",
        "住房公积金贷款",
        "警惕刷单贷款诈骗",
        "严禁携带枪支",
    ],
)
def test_public_wording_is_no_small_ad(text: str) -> None:
    """A taxi rank, a bin, a clinic, a bank, a warning against the very thing."""
    assert PATTERNS.word(text) is None
    assert not PATTERNS.grave(text)


@pytest.mark.parametrize("text", ["办证 刻章", "无抵押贷款", "讨债"])
def test_grave_wording_stays_grave(text: str) -> None:
    """It is never learned as permitted."""
    assert PATTERNS.grave(text)
