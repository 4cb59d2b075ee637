// One case: what the box says, its pictures, and what it answers when asked to look again.
import { address, language, make, picture, post, say, when } from "/static/dom.js";

export function detail(item, again) {
  const data = item.data, word = say(), lang = language();
  const head = make("h2", {}, `${data.category[`name_${lang}`]} `,
    make("span", { class: `tag ${data.status}` }, word.status[data.status] ?? data.status),
    data.urgency === "urgent" ? make("span", { class: "tag urgent" }, word.urgent) : null);
  const buttons = Object.entries(word.verify).map(([purpose, name]) => make("button", {
    class: "verify", "data-purpose": purpose,
    onclick: async () => { await post(`/api/cases/${address(item)}/verify`, { purpose }); again(); },
  }, name));
  return [
    head, make("p", { class: "quiet" }, data.title[lang]),
    make("div", { class: "pictures" }, ...data.evidence.map(picture)),
    make("div", { class: "buttons" }, ...buttons, verdicts(item, again)),
    ...item.requests.map(request),
    make("h3", {}, word.reasons), make("ul", {}, ...data.reasons.map((r) => make("li", {}, r[lang]))),
    facts(item),
  ];
}

function verdicts(item, again) {
  return make("span", { class: "verdicts" }, ...Object.entries(say().verdict).map(([verdict, name]) => make("button", {
    "aria-pressed": String(item.verdict === verdict),
    onclick: async () => { await post(`/api/cases/${address(item)}/verdict`, { verdict }); again(); },
  }, name)));
}

function request(asked) {
  const word = say(), lang = language(), reply = asked.reply;
  const head = `${word.verify[asked.purpose]} · ${when(asked.at)}`;
  if (!reply) {
    const text = asked.state === "waiting" ? word.verifying : word.unanswered;
    return make("section", { class: `reply ${asked.state}` }, make("b", {}, head), make("p", {}, text));
  }
  const seen = reply.looks.filter((l) => l.present).length;
  return make("section", { class: `reply replied ${reply.result}` },
    make("b", {}, `${head} → ${word.result[reply.result] ?? reply.result}`),
    make("p", {}, reply.reason[lang], reply.looks.length ? ` · ${word.looks(seen, reply.looks.length)}` : ""),
    make("div", { class: "pictures" }, ...reply.evidence.map(picture)));
}

function facts(item) {
  const data = item.data, word = say(), department = data.suggested_department;
  const rows = [
    [word.codes, data.category.codes.map((c) => `${c.scheme} ${c.code}`).join("；")],
    [word.department, department ? `${department.name}（${word.department_by} ${department.rule}，${department.list_version}）` : "—"],
    [word.cell, data.grid_cell], [word.place, data.place],
    [word.position, `${data.location.lon.toFixed(6)}, ${data.location.lat.toFixed(6)} (${data.location.method}, ${data.location.datum})`],
    [word.seen, `${when(data.first_seen)} – ${when(data.last_seen)}`],
    [word.camera, data.sources.map((s) => `${s.camera_id}/${s.zone_id}${s.gb28181_id ? ` (${s.gb28181_id})` : ""}`).join(", ")],
    [word.models, data.models.join(", ")],
    [word.signature, word.signatures[item.signature] ?? item.signature],
    [word.id, `${item.box} ${data.case_id} r${data.revision}`],
  ];
  return make("dl", {}, ...rows.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
}
