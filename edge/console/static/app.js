// Polls the box once a second and changes only what has changed.
import { words } from "/static/words.js";

const $ = (id) => document.getElementById(id);
const kept = (key, otherwise) => { try { return localStorage.getItem(key) ?? otherwise; } catch { return otherwise; } };
const keep = (key, value) => { try { localStorage.setItem(key, value); } catch { /* private window */ } };

let lang = kept("lang", navigator.language.startsWith("zh") ? "zh" : "en");
let theme = kept("theme", matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
let latest = null;
let opened = null;

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") element.className = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

const clock = (moment) => new Date(moment).toLocaleTimeString(lang === "zh" ? "zh-CN" : "en-GB");
const picture = (item) => `/evidence/${item.sha256}.jpg`;

function applyWords() {
  const t = words[lang];
  document.documentElement.lang = lang;
  document.documentElement.dataset.theme = theme;
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = t[element.dataset.t];
  $("lang").textContent = t.lang;
  $("theme").textContent = theme === "dark" ? t.light : t.dark;
  $("lost").textContent = t.lost;
  $("legend").replaceChildren(...Object.entries(t.kind).map(([kind, name]) => {
    const mark = make("i");
    mark.style.borderColor = `var(--${kind})`;
    return make("span", {}, mark, name);
  }));
  if (latest) render(latest, true);
}

function renderFacts(status) {
  const t = words[lang];
  const { connected, pending, dead, last_error: why } = status.uplink;
  const link = make("b", { title: connected ? "" : why }, connected ? t.connected : t.away);
  if (!connected) link.style.color = "var(--down)";
  $("box").textContent = status.box_id;
  $("facts").replaceChildren(
    make("li", {}, make("b", {}, String(status.looks_per_s)), ` ${t.looks}`),
    make("li", {}, `${t.uplink} `, link),
    make("li", {}, make("b", {}, String(pending)), ` ${t.waiting}`),
    dead ? make("li", {}, make("b", {}, String(dead)), ` ${t.rejected}`) : "",
  );
}

function renderCamera(camera, now) {
  const t = words[lang];
  let card = $(`camera-${camera.id}`);
  if (!card) {
    card = make("article", { class: "camera", id: `camera-${camera.id}` },
      make("figure", {}, make("span", { class: "wait" })),
      make("footer", {}, make("span", { class: "dot" }), make("strong"), make("span", { class: "meta" })),
      make("p", { class: "why", hidden: "" }));
    $("wall").append(card);
  }
  const name = camera.name[lang];
  const dot = card.querySelector(".dot");
  dot.className = `dot ${camera.state}`;
  dot.title = t.state[camera.state];
  dot.setAttribute("role", "img");
  dot.setAttribute("aria-label", t.state[camera.state]);
  card.querySelector("strong").textContent = name;
  const age = camera.look_at ? Math.max(0, Math.round((new Date(now) - new Date(camera.look_at)) / 1000)) : null;
  card.querySelector(".meta").textContent =
    [age === null ? null : t.ago(age), camera.dropped ? t.dropped(camera.dropped) : null].filter(Boolean).join(" · ");
  const why = card.querySelector(".why");
  why.hidden = !camera.detail;
  why.textContent = camera.detail;
  card.classList.toggle("firing", camera.findings.length > 0);
  if (camera.findings.length) card.style.setProperty("--fire", `var(--${camera.findings[0]})`);
  renderLook(card.querySelector("figure"), camera, name);
}

function renderLook(figure, camera, name) {
  const wait = figure.querySelector(".wait");
  if (!camera.sequence) {
    if (wait) wait.textContent = words[lang].waitingLook;
    return;
  }
  let image = figure.querySelector("img");
  if (!image) {
    image = make("img");
    figure.replaceChildren(image);
  }
  image.alt = name;
  if (image.dataset.sequence !== String(camera.sequence)) {
    image.dataset.sequence = camera.sequence;
    image.src = `/looks/${camera.id}.jpg?n=${camera.sequence}`;
  }
}

function caseCard(entry) {
  const t = words[lang];
  const code = entry.codes[0];
  const near = entry.evidence.find((item) => item.role === "near");
  const open = make("button", { type: "button", onclick: () => openDetail(entry.id) },
    near ? make("img", { src: picture(near), alt: t.near }) : make("span"),
    make("div", { class: "text" },
      make("h3", {}, make("span", { class: `tag ${entry.status}` }, t[entry.status]), entry.name[lang], " ",
        make("small", {}, entry.sub_label ? `${code.code} · ${entry.sub_label}` : code.code)),
      make("p", {}, `${clock(entry.first_seen)} · ${t.dwell(entry.dwell_s)} · ${t.sightings(entry.sightings)}`),
      make("p", {}, `${t.cell} ${entry.cell} · ${entry.place}`)));
  const item = make("li", { class: "case", "data-key": `${entry.id}-${entry.revision}-${lang}` }, open);
  item.style.setProperty("--kind", `var(--${entry.kind})`);
  return item;
}

function renderCases(status) {
  const list = $("list");
  const old = new Map([...list.children].map((item) => [item.dataset.key, item]));
  const wanted = status.cases.map((entry) => old.get(`${entry.id}-${entry.revision}-${lang}`) ?? caseCard(entry));
  const same = wanted.length === list.children.length && wanted.every((item, i) => item === list.children[i]);
  if (!same) list.replaceChildren(...wanted);
  $("count").textContent = status.cases.length ? `(${status.cases.length})` : "";
  $("none").hidden = status.cases.length > 0;
  $("none").textContent = words[lang].none(status.cameras.length);
}

function openDetail(id) {
  const entry = latest.cases.find((one) => one.id === id);
  if (!entry) return;
  opened = id;
  const t = words[lang];
  const row = (name, ...value) => [make("dt", {}, name), make("dd", {}, ...value)];
  const lines = (texts) => texts.flatMap((text, i) => (i ? [make("br"), text] : [text]));
  const where = entry.location;
  $("detail").replaceChildren(make("div", { class: "sheet" },
    make("header", {}, make("h2", { id: "d-title" }, entry.name[lang]),
      make("span", { class: `tag ${entry.status}` }, t[entry.status]),
      make("button", { type: "button", onclick: () => $("detail").close() }, t.close)),
    make("div", { class: "pictures" }, ...entry.evidence.map((item) =>
      make("figure", {}, make("a", { href: picture(item), target: "_blank", rel: "noreferrer" },
        make("img", { src: picture(item), alt: t[item.role] })), make("figcaption", {}, t[item.role])))),
    make("dl", {},
      ...row(t.reasons, ...lines(entry.reasons.map((reason) => reason[lang]))),
      ...row(t.codes, ...lines(entry.codes.map((code) => `${code.scheme}  ${code.code}`))),
      ...row(t.cell, entry.cell), ...row(t.place, entry.place),
      ...row(t.location, `${where.lon.toFixed(6)}, ${where.lat.toFixed(6)} (${t.method[where.method]})`),
      ...row(t.seen, `${clock(entry.first_seen)} – ${clock(entry.last_seen)}, ${t.dwell(entry.dwell_s)}`),
      ...row(t.score, entry.score.toFixed(2)),
      ...row(t.sources, entry.sources.map((source) => `${source.camera}/${source.zone}`).join(", ")),
      ...row(t.models, entry.models.join(", ")),
      ...row(t.id, `${entry.id} · ${t.revision} ${entry.revision}`))));
  if (!$("detail").open) $("detail").showModal();
}

function render(status, wordsChanged = false) {
  renderFacts(status);
  for (const camera of status.cameras) renderCamera(camera, status.now);
  renderCases(status);
  if (wordsChanged && opened && $("detail").open) openDetail(opened);
}

async function poll() {
  try {
    const answer = await fetch("/api/status", { cache: "no-store" });
    if (!answer.ok) throw new Error(answer.statusText);
    latest = await answer.json();
    $("lost").hidden = true;
    render(latest);
  } catch {
    $("lost").hidden = false;
  }
  setTimeout(poll, document.hidden ? 5000 : 1000);
}

$("lang").addEventListener("click", () => { lang = lang === "zh" ? "en" : "zh"; keep("lang", lang); applyWords(); });
$("theme").addEventListener("click", () => {
  theme = theme === "dark" ? "light" : "dark"; keep("theme", theme); applyWords();
});
$("detail").addEventListener("close", () => { opened = null; });
applyWords();
poll();
