// The spot check: one case, four questions, one key each; beside it what the verdicts come to.
import { $, make, percent, span, when } from "/static/dom.js";
import { ask, change, showAccount } from "/static/me.js";
import { lang, onWords } from "/static/page.js";
import { bar, chart } from "/static/plots.js";
import { reviewWords } from "/static/review_words.js";

const KEYS = { 1: "right", 2: "wrong", 3: "duplicate", 4: "pointless" };
let data = null;
let last = null; // the case judged last, for undo
let busy = false;
const skipped = new Set();

const shown = () => data?.queue.find((entry) => !skipped.has(entry.id)) ?? data?.queue[0];

function applyWords() {
  const t = reviewWords[lang];
  document.title = `${t.review} · gridpatrol`;
  showAccount();
  $("lost").textContent = t.lost;
  $("said").textContent = "";
  $("verdicts").dataset.lang = "";
  $("case").dataset.key = "";
  if (data) render();
}

function render() {
  const t = reviewWords[lang];
  const entry = shown();
  $("facts").replaceChildren(make("li", {}, t.judged(data.judged)));
  $("left").textContent = entry ? t.left(data.left) : "";
  $("none").hidden = Boolean(entry);
  $("none").replaceChildren(...t.none.map((line) => make("span", {}, line)));
  renderCase(entry, t);
  renderVerdicts(entry, t);
  if (!data.can_judge) $("said").textContent = t.closed;
  renderRows(t);
  $("trend").replaceChildren(data.weeks.length > 1 ? chart(data.weeks, data.target, t) : make("p", { class: "quiet" }, t.noTrend));
  renderProposals(t);
}

const source = (id, role) => `/review/${id}/${role}.jpg`;

function renderCase(entry, t) {
  const card = $("case");
  card.hidden = !entry;
  if (!entry || card.dataset.key === entry.id) return;
  card.dataset.key = entry.id;
  card.style.setProperty("--kind", `var(--${entry.kind})`);
  const name = entry.name[lang];
  const facts = [when(entry.first_seen, lang), t.dwell(span(entry.dwell_s, lang)), t.sightings(entry.sightings), `${t.score} ${percent(entry.score)}`];
  card.replaceChildren(
    make("h3", {}, `${name} `, make("small", {}, entry.code)),
    make("p", { class: "where" }, `${entry.camera[lang]} · ${entry.zone} · ${facts.join(" · ")}`),
    make("div", { class: "pictures" }, ...entry.pictures.map((role) => make("figure", {},
      make("a", { href: source(entry.id, role), target: "_blank", rel: "noreferrer" },
        make("img", { src: source(entry.id, role), alt: t.alt(t[role], name) })),
      make("figcaption", {}, t[role])))),
    make("ul", {}, ...entry.reasons.map((reason) => make("li", {}, reason[lang]))),
    ...(entry.beside.length ? [make("h4", {}, t.beside), make("div", { class: "beside" }, ...entry.beside.map((other) => besideCase(other, t)))] : []));
  for (const next of data.queue) for (const role of next.pictures) new Image().src = source(next.id, role);
}

function besideCase(other, t) {
  const picture = other.there ? [make("img", { src: source(other.id, "near"), alt: t.alt(t.near, other.place[lang]) })] : [];
  return make("figure", {}, ...picture, make("figcaption", {}, `${other.place[lang]} · ${when(other.first_seen, lang)}`));
}

// Made once a language: a button that is pressed by keyboard must keep the focus.
function renderVerdicts(entry, t) {
  const group = $("verdicts");
  group.hidden = !entry && !last;
  if (group.dataset.lang !== lang) {
    group.dataset.lang = lang;
    const button = (key, id, text, title, act) => make("button", { type: "button", id, class: id, title, "aria-keyshortcuts": key, onclick: act },
      make("kbd", { "aria-hidden": "true" }, key.toUpperCase()), text);
    group.replaceChildren(
      ...Object.entries(KEYS).map(([key, verdict]) => button(key, verdict, t.verdict[verdict], t.hint[verdict], () => judge(verdict))),
      button("s", "pass", t.skipThis, t.skipThis, skip), button("u", "undo", t.undo, t.undo, undo));
  }
  for (const one of group.children) one.disabled = !data.can_judge || !entry;
  $("undo").disabled = !data.can_judge || !last;
}

function renderRows(t) {
  const head = make("tr", {}, ...[t.camera, t.kind, t.judgedHead, t.precision].map((name) => make("th", { scope: "col" }, name)));
  const rows = data.rows.map((row) => make("tr", {},
    make("td", {}, row.camera[lang]), make("td", {}, row.name[lang]),
    make("td", {}, `${row.precision.right} / ${row.precision.judged}`,
      ...(row.counts.duplicate ? [make("small", {}, t.duplicates(row.counts.duplicate))] : [])),
    make("td", { class: "bar" }, ...(row.precision.judged ? [bar(row.precision, data.target)] : []))));
  const none = make("tr", {}, make("td", { colspan: "4", class: "quiet" }, t.noRows));
  $("rows").replaceChildren(make("thead", {}, head), make("tbody", {}, ...(rows.length ? rows : [none])));
}

function renderProposals(t) {
  const lines = data.proposals.map((one) => make("p", {}, one.outcome === "raise" ? t.raise(one) : t.reach(one)));
  const how = data.proposals.some((one) => one.outcome === "raise")
    ? [make("p", { class: "quiet" }, `${t.apply} `, make("code", {}, `gridpatrol review apply --target ${data.target}`))] : [];
  $("proposals").replaceChildren(...(lines.length ? [...lines, ...how] : [make("p", { class: "quiet" }, t.noProposals(data.least, data.target))]));
}

async function send(entry, verdict) {
  const { ok, said } = await change(`/api/review/${entry.id}`, { verdict });
  if (!ok) throw new Error(said);
}

// One at a time: two quick keys must not judge a case that nobody has seen.
async function act(what) {
  if (busy || !data?.can_judge) return;
  busy = true;
  try {
    await what();
  } catch (error) {
    $("said").textContent = reviewWords[lang].failed(error.message);
  } finally {
    busy = false;
  }
}

function judge(verdict) {
  const entry = shown();
  if (entry) act(async () => {
    await send(entry, verdict);
    last = entry;
    await refresh();
    $("said").textContent = reviewWords[lang].gaveVerdict(entry.name[lang], reviewWords[lang].verdict[verdict]);
  });
}

function undo() {
  const entry = last;
  if (entry) act(async () => {
    await send(entry, null);
    last = null;
    await refresh();
    // It comes first again, whatever its turn: whoever takes a verdict back wants to give another.
    data.queue = [entry, ...data.queue.filter((one) => one.id !== entry.id)];
    skipped.delete(entry.id);
    render();
    $("said").textContent = reviewWords[lang].undone(entry.name[lang]);
  });
}

function skip() {
  const entry = shown();
  if (!entry) return;
  skipped.add(entry.id);
  if (data.queue.every((one) => skipped.has(one.id))) skipped.clear();
  render();
}

async function refresh() {
  data = await ask("/api/review");
  render();
}

async function poll() {
  let reached = true;
  if (!data || !data.queue.length) await refresh().catch(() => { reached = false; });
  $("lost").hidden = reached;
  setTimeout(poll, reached ? 5000 : 1500);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const key = event.key.toLowerCase();
  if (KEYS[key]) judge(KEYS[key]);
  else if (key === "s") skip();
  else if (key === "u") undo();
});
onWords(applyWords, reviewWords);
poll();
