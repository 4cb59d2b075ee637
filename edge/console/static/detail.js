// One case with everything we know of it, in a dialog.
import { $, make, percent, span, when } from "/static/dom.js";
import { picture, placeName } from "/static/cases.js";
import { words } from "/static/words.js";

let shown = null;

export function openDetail(entry, status, lang) {
  const t = words[lang];
  const key = `${entry.id} ${entry.revision} ${lang}`;
  const dialog = $("detail");
  if (dialog.open && shown?.key === key) return;
  shown = { key, id: entry.id };
  const close = make("button", { type: "button", onclick: () => dialog.close() }, t.close);
  const sheet = make("div", { class: entry.before.length ? "sheet pairs" : "sheet" },
    make("header", {}, make("h2", { id: "d-title" }, entry.name[lang]),
      make("span", { class: `tag ${entry.status}` }, t[entry.status]), close),
    ...(entry.before.length ? [make("h3", {}, t.before), pictures(entry.before, t), make("h3", {}, t.now)] : []),
    pictures(entry.evidence, t),
    facts(entry, status, lang));
  sheet.style.setProperty("--kind", `var(--${entry.kind})`);
  const held = dialog.contains(document.activeElement);
  dialog.replaceChildren(sheet);
  if (!dialog.open) dialog.showModal();
  else if (held) close.focus();
}

export function refreshDetail(cases, status, lang) {
  if (!$("detail").open) return;
  const entry = cases.find((one) => one.id === shown.id);
  if (entry) openDetail(entry, status, lang);
}

function pictures(items, t) {
  return make("div", { class: "pictures" }, ...items.map((item) =>
    make("figure", {}, item.role === "clip" ? film(item, items, t)
      : make("a", { href: picture(item), target: "_blank", rel: "noreferrer" },
        make("img", { src: picture(item), alt: t[item.role] })),
      make("figcaption", {}, t[item.role]))));
}

function film(item, items, t) {
  const far = items.find((one) => one.role === "far");
  return make("video", { src: `/evidence/${item.sha256}/clip`, controls: "", preload: "none",
    "aria-label": t.clip, ...(far ? { poster: picture(far) } : {}) });
}

function facts(entry, status, lang) {
  const t = words[lang];
  const row = (name, lines) => [make("dt", {}, name), make("dd", {}, ...lines.map((line) => make("div", {}, line)))];
  const nameOf = (id) => status.cameras.find((one) => one.id === id)?.name[lang] ?? id;
  const where = entry.location;
  return make("dl", {},
    ...row(t.reasons, entry.reasons.map((reason) => reason[lang])),
    ...row(t.codes, [...entry.codes.map((code) => `${code.scheme}  ${code.code}`), ...(entry.sub_label ? [entry.sub_label] : [])]),
    ...row(t.cell, [entry.cell]),
    ...row(t.place, [...new Set([placeName(entry, status, lang), entry.place])]),
    ...row(t.location, [`${where.lon.toFixed(6)}, ${where.lat.toFixed(6)} (${t.method[where.method]})`]),
    ...row(t.seen, [[`${when(entry.first_seen, lang)} – ${when(entry.last_seen, lang)}`,
      t.dwell(span(entry.dwell_s, lang)), t.sightings(entry.sightings)].join(", ")]),
    ...row(t.score, [percent(entry.score)]),
    ...row(t.sources, entry.sources.map((source) => `${nameOf(source.camera)} · ${source.zone}`)),
    ...row(t.models, [entry.models.join(", ") || "–"]),
    ...row(t.id, [`${entry.id} · ${t.revision} ${entry.revision}`]));
}

$("detail").addEventListener("click", (event) => {
  if (event.target === $("detail")) $("detail").close(); // the backdrop
});
