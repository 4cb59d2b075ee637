// The pages: a list and a map, one case, and the spot check.
import { detail } from "/static/detail.js";
import { $, address, get, language, make, picture, post, say, setLanguage, when } from "/static/dom.js";
import { draw } from "/static/map.js";
import { words } from "/static/words.js";

const EVERY_MS = 2000;
const state = { cases: [], grid: {}, overview: null, chosen: null, item: null, check: null, left: 0, page: "cases" };

async function refresh() {
  try {
    [state.overview, state.cases] = await Promise.all([get("/api/overview"), get("/api/cases")]);
    if (state.chosen) await show(state.chosen);
    if (state.page === "check" && !state.check) await nextCheck();
    state.away = false;
  } catch {
    state.away = true;
  }
  paint();
}

function paint() {
  document.documentElement.lang = language() === "zh" ? "zh-CN" : "en";
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = say()[element.dataset.word];
  document.title = `${say().title} · gridpatrol`;
  $("cases-page").hidden = state.page !== "cases";
  $("check-page").hidden = state.page !== "check";
  $("to-cases").setAttribute("aria-pressed", state.page === "cases");
  $("to-check").setAttribute("aria-pressed", state.page === "check");
  boxes();
  if (state.page === "cases") { list(); draw(state.cases, state.grid, state.chosen, choose); }
}

function boxes() {
  const word = say(), found = state.overview;
  $("boxes").replaceChildren(...(found?.boxes ?? []).map((box) => make("li", { class: box.online ? "online" : "offline", title: when(box.at) },
    `${box.box} ${box.online ? word.online : word.offline}`)));
  const lines = (found?.gaps ?? []).map(word.gap);
  if (found?.fault) lines.push(word.fault(found.fault));
  if (state.away) lines.unshift(word.lost);
  $("alarm").hidden = !lines.length;
  $("alarm").textContent = lines.join(" · ");
}

function list() {
  const word = say(), lang = language();
  if (!state.cases.length) { $("list").replaceChildren(make("li", { class: "quiet" }, word.none)); }
  else {
    $("list").replaceChildren(...state.cases.map((item) => make("li", {
      class: `row ${item.kind}${address(item) === state.chosen ? " chosen" : ""}`, onclick: () => choose(item),
    },
    make("b", {}, item.data.category[`name_${lang}`]),
    make("span", { class: `tag ${item.data.status}` }, word.status[item.data.status] ?? item.data.status),
    make("span", { class: "quiet" }, `${item.data.place} · ${item.data.grid_cell}`),
    make("time", {}, when(item.at)))));
  }
  if (!state.item) $("detail").replaceChildren(make("p", { class: "quiet" }, word.choose));
}

async function choose(item) {
  state.chosen = address(item);
  state.item = null;
  await show(state.chosen);
  paint();
}

// Painted again only when something changed: a video goes on playing, a picture does not flicker.
async function show(chosen) {
  const item = await get(`/api/cases/${chosen}`);
  const same = JSON.stringify([item, language()]);
  if (chosen !== state.chosen || same === state.shown) { state.item = item; return; }
  state.item = item;
  state.shown = same;
  $("detail").replaceChildren(...detail(item, refresh));
}

async function nextCheck() {
  const found = await get("/api/unchecked");
  state.check = found.case;
  state.left = found.left;
  paintCheck();
}

function paintCheck() {
  const word = say(), lang = language(), item = state.check;
  if (!item) { $("check").replaceChildren(make("p", { class: "quiet" }, word.all_checked)); return; }
  $("check").replaceChildren(
    make("h2", {}, item.data.category[`name_${lang}`], make("span", { class: "quiet" }, ` ${word.left(state.left)} · ${word.skip_hint}`)),
    make("p", { class: "quiet" }, `${item.data.place} · ${item.data.grid_cell} · ${when(item.at)}`),
    make("div", { class: "pictures large" }, ...item.data.evidence.map(picture)),
    make("ul", {}, ...item.data.reasons.map((r) => make("li", {}, r[lang]))),
    make("div", { class: "buttons" }, ...Object.entries(word.verdict).map(([verdict, name], i) => make("button", {
      class: "judge", "data-verdict": verdict, onclick: () => judge(verdict),
    }, make("kbd", {}, String(i + 1)), ` ${name}`))));
}

async function judge(verdict) {
  const item = state.check;
  if (!item) return;
  state.check = null;
  await post(`/api/cases/${address(item)}/verdict`, { verdict });
  await nextCheck();
}

function turn(page) {
  state.page = page;
  if (page === "check") nextCheck();
  paint();
}

$("to-cases").addEventListener("click", () => turn("cases"));
$("to-check").addEventListener("click", () => turn("check"));
$("lang").addEventListener("click", () => {
  setLanguage(language() === "zh" ? "en" : "zh");
  state.shown = null;
  if (state.item) $("detail").replaceChildren(...detail(state.item, refresh));
  if (state.page === "check") paintCheck();
  paint();
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (state.page === "check") {
    const verdict = Object.keys(words.en.verdict)[Number(event.key) - 1];
    if (verdict) judge(verdict);
  } else if (["ArrowDown", "ArrowUp"].includes(event.key) && state.cases.length) {
    const at = state.cases.findIndex((item) => address(item) === state.chosen);
    const next = Math.min(state.cases.length - 1, Math.max(0, at + (event.key === "ArrowDown" ? 1 : -1)));
    choose(state.cases[next]);
    event.preventDefault();
  }
});

state.grid = await get("/api/grid").catch(() => ({}));
await refresh();
setInterval(refresh, EVERY_MS);
