// The list of cases, newest first, changed without moving what has not changed.
import { $, make, percent, span, when } from "/static/dom.js";
import { words } from "/static/words.js";

export const picture = (item) => `/evidence/${item.sha256}.jpg`;
const small = (item) => `${picture(item)}?small`;

// Places are named by people or, failing that, "camera/zone": show the camera's name then.
export function placeName(entry, status, lang) {
  const [id, zone] = entry.place.split("/");
  const camera = zone && status.cameras.find((one) => one.id === id);
  return camera ? camera.name[lang] : entry.place;
}

// Facts in a row, which breaks between them only.
const inRow = (facts) => make("p", {}, ...facts.flatMap((fact, i) => [i ? " · " : "", make("span", { class: "fact" }, fact)]));

let known = null;

export function renderCases(cases, status, lang, open) {
  const list = $("list");
  const old = new Map([...list.children].map((item) => [item.dataset.key, item]));
  const key = (entry) => `${entry.id} ${entry.revision} ${lang}`;
  const focused = document.activeElement?.closest?.(".case")?.dataset.id;
  const wanted = cases.map((entry) => old.get(key(entry)) ?? card(entry, key(entry), status, lang, open));
  const keep = new Set(wanted);
  for (const item of [...list.children]) if (!keep.has(item)) item.remove();
  wanted.forEach((item, i) => {
    if (list.children[i] !== item) list.insertBefore(item, list.children[i] ?? null);
  });
  if (focused && !list.contains(document.activeElement)) {
    const same = wanted.find((item) => item.dataset.id === focused);
    if (same && !$("detail").open) same.querySelector("button").focus();
  }
  $("count").textContent = cases.length ? String(cases.length) : "";
  $("none").hidden = cases.length > 0;
  $("none").replaceChildren(...words[lang].none(status.cameras.length).map((line) => make("span", {}, line)));
  announce(cases, status, lang);
}

// Only what is new since the page was opened is read out.
function announce(cases, status, lang) {
  const fresh = known ? cases.filter((entry) => !known.has(entry.id)) : [];
  known = new Set(cases.map((entry) => entry.id));
  if (!fresh.length) return;
  $("news").textContent = fresh
    .map((entry) => words[lang].newCase(entry.name[lang], placeName(entry, status, lang))).join(" ");
}

// A case that is gone shows the near view before and now; any other its near and its far view.
function thumbnails(entry, t) {
  const near = entry.evidence.find((item) => item.role === "near");
  const far = entry.evidence.find((item) => item.role === "far");
  const before = entry.before.find((item) => item.role === "near");
  const pair = before ? [[before, t.before], [near, t.now]] : [[near, t.near], [far, t.far]];
  return make("div", { class: "thumbs" }, ...pair.filter(([item]) => item)
    .map(([item, name]) => make("span", { class: "thumb" },
      make("img", { src: small(item), alt: name, loading: "lazy" }))));
}

function card(entry, key, status, lang, open) {
  const t = words[lang];
  const code = entry.sub_label ? `${entry.codes[0].code} · ${entry.sub_label}` : entry.codes[0].code;
  const button = make("button", { type: "button", onclick: () => open(entry.id) },
    thumbnails(entry, t),
    make("div", { class: "text" },
      make("h3", {}, make("span", { class: `tag ${entry.status}` }, t[entry.status]),
        entry.name[lang], " ", make("small", {}, code)),
      make("p", { class: "where" }, placeName(entry, status, lang)),
      inRow([when(entry.last_seen, lang), t.dwell(span(entry.dwell_s, lang)),
        t.sightings(entry.sightings), `${t.score} ${percent(entry.score)}`]),
      make("p", {}, `${t.cell} ${entry.cell}`)));
  const item = make("li", { class: "case", "data-key": key, "data-id": entry.id }, button);
  item.style.setProperty("--kind", `var(--${entry.kind})`);
  return item;
}
