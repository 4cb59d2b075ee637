// One camera: why it is watched, by whose authority, and who looked at its pictures.
import { $, make, when } from "/static/dom.js";
import { words } from "/static/words.js";

export async function openWatching(id) {
  const lang = document.documentElement.lang;
  const t = words[lang].watching;
  const dialog = $("watching");
  const close = make("button", { type: "button", onclick: () => dialog.close() }, words[lang].close);
  const name = document.querySelector(`#${CSS.escape(`camera-${id}`)} h3`).textContent;
  const sheet = make("div", { class: "sheet" },
    make("header", {}, make("h2", { id: "w-title" }, `${name} · ${id}`), close));
  dialog.replaceChildren(sheet);
  if (!dialog.open) dialog.showModal();
  try {
    const answer = await fetch(`/api/cameras/${encodeURIComponent(id)}`, { cache: "no-store" });
    const body = await answer.json();
    if (!answer.ok) throw new Error(body.error);
    sheet.append(make("h3", {}, t.why), record(body.purpose, t, lang), ...before(body.before, t, lang),
      make("h3", {}, t.who), looked(body.looked, t, lang));
  } catch (error) {
    sheet.append(make("p", { role: "alert" }, t.failed(error.message)));
  }
}

function record(purpose, t, lang) {
  if (!purpose) return make("p", { class: "empty" }, t.none);
  const { record: said, at, link } = purpose;
  const other = lang === "zh" ? said.why_en : said.why_zh;
  const rows = [
    [t.purpose, [lang === "zh" ? said.why_zh : said.why_en || said.why_zh, other].filter(Boolean).join(" / ")],
    [t.authority, said.authority], [t.basis, said.legal_basis], [t.unit, said.unit],
    [t.span, said.since || said.until ? `${said.since ?? "…"} – ${said.until ?? "…"}` : t.noEnd],
    [t.sign, said.signposted === null ? "" : t.yesNo(said.signposted)],
    [t.sealed, `${when(at, lang)} · ${t.link(link)}`],
  ].filter(([, value]) => value);
  return make("dl", {}, ...rows.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
}

function before(entries, t, lang) {
  if (!entries.length) return [];
  return [make("h3", {}, t.before), make("ul", {}, ...entries.map(({ record: said, at, link }) =>
    make("li", {}, `${when(at, lang)} · ${said ? `${said.why_zh} (${said.authority})` : t.ended} · ${t.link(link)}`)))];
}

function looked(entries, t, lang) {
  if (!entries.length) return make("p", { class: "empty" }, t.nobody);
  const head = [t.from, t.to, t.name, t.what, t.times].map((name) => make("th", { scope: "col" }, name));
  const rows = entries.map((entry) => make("tr", {}, ...[
    when(entry.first_at, lang), when(entry.last_at, lang),
    `${entry.name} (${[words[lang].role[entry.role] ?? t.command, entry.address].filter(Boolean).join(", ")})`,
    [t.kinds[entry.what], entry.subject.slice(0, 8)].filter(Boolean).join(" "), String(entry.times),
  ].map((text) => make("td", {}, text))));
  return make("table", { class: "looked" }, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows));
}

$("watching").addEventListener("click", (event) => {
  if (event.target === $("watching")) $("watching").close(); // the backdrop
});
