// Every word of the pages in both languages.
export const words = {
  zh: {
    title: "案卷平台", cases: "案卷", check: "抽检", lang: "English", online: "在线", offline: "离线",
    none: "暂无案卷。", choose: "选择一个案卷。", lost: "与平台的连接已断开，正在重试…",
    gap: (g) => `设备 ${g.box}：序号 ${range(g)} 未收到`, fault: (t) => `出错：${t}`,
    status: { new: "新", update: "更新", gone: "已消失", withdrawn: "已撤回", unknown: "未知" },
    role: { far: "远景", near: "近景", clip: "短片", before: "消失前", after: "现在", unknown: "证据" },
    reasons: "理由", cell: "单元网格", place: "地点", seen: "时间", codes: "事项代码", department: "建议处置部门",
    department_by: "依据", urgent: "紧急", position: "位置", camera: "摄像头", models: "模型", signature: "签名", id: "案卷编号",
    signatures: { valid: "有效", unsigned: "未签名", unknown_key: "密钥未知", wrong: "错误", unchecked: "未检查" },
    verify: { pre_filing_verify: "立案前核查", post_handling_check: "处置后核查" },
    verifying: "已请设备复看，等待答复…", unanswered: "设备未按时答复。",
    result: { present: "仍在", gone: "已消失", cannot_tell: "无法判断", done: "完成", refused: "被拒绝", expired: "已过期", failed: "失败" },
    looks: (n, all) => `${all} 次巡看中 ${n} 次看到`,
    verdict: { right: "正确", wrong: "错误", duplicate: "重复", pointless: "无意义" },
    left: (n) => `还有 ${n} 件待检`, all_checked: "全部检完。", skip_hint: "按数字键 1–4",
    kind: { street_vending: "街面经营", piled_materials: "乱堆物料", illegal_ads: "违规广告" },
  },
  en: {
    title: "Case platform", cases: "Cases", check: "Spot check", lang: "中文", online: "online", offline: "offline",
    none: "No cases yet.", choose: "Choose a case.", lost: "The connection to the platform is lost; trying again…",
    gap: (g) => `Box ${g.box}: seq ${range(g)} missing`, fault: (t) => `Fault: ${t}`,
    status: { new: "new", update: "update", gone: "gone", withdrawn: "withdrawn", unknown: "unknown" },
    role: { far: "far", near: "near", clip: "clip", before: "before", after: "now", unknown: "evidence" },
    reasons: "Reasons", cell: "Grid cell", place: "Place", seen: "Seen", codes: "Codes", department: "Suggested department",
    department_by: "by", urgent: "urgent", position: "Position", camera: "Camera", models: "Models", signature: "Signature", id: "Case id",
    signatures: { valid: "valid", unsigned: "unsigned", unknown_key: "unknown key", wrong: "wrong", unchecked: "not checked" },
    verify: { pre_filing_verify: "Verify before filing", post_handling_check: "Check after handling" },
    verifying: "The box was asked to look again; waiting for its reply…", unanswered: "The box did not answer in time.",
    result: { present: "still there", gone: "gone", cannot_tell: "cannot tell", done: "done", refused: "refused", expired: "expired", failed: "failed" },
    looks: (n, all) => `seen in ${n} of ${all} looks`,
    verdict: { right: "right", wrong: "wrong", duplicate: "duplicate", pointless: "pointless" },
    left: (n) => `${n} left to check`, all_checked: "All checked.", skip_hint: "Keys 1–4",
    kind: { street_vending: "Street vending", piled_materials: "Piled materials", illegal_ads: "Illegal ads" },
  },
};

function range(gap) {
  return gap.last > gap.first ? `${gap.first}–${gap.last}` : `${gap.first}`;
}
