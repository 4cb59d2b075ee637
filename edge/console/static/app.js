// Polls the box once a second and changes only what has changed.
import { renderCameras } from "/static/cameras.js";
import { renderCases } from "/static/cases.js";
import { openDetail, refreshDetail } from "/static/detail.js";
import { $, make, span } from "/static/dom.js";
import { ask, change, showAccount } from "/static/me.js";
import { lang, onWords } from "/static/page.js";
import { words } from "/static/words.js";

let status = null;
let cases = null; // { started_at, cases_version, cases }

function applyWords() {
  const t = words[lang];
  showAccount();
  $("lost").textContent = t.lost;
  $("legend").replaceChildren(...Object.entries(t.kind).map(([kind, name]) => {
    const mark = make("i");
    mark.style.borderColor = `var(--${kind})`;
    return make("span", {}, mark, name);
  }));
  render();
}

function renderFacts() {
  const t = words[lang];
  const { connected, pending, dead, last_error: why } = status.uplink;
  const patrolled = status.patrol.cameras;
  const fact = (value, name) => make("li", {}, make("b", {}, String(value)), ` ${name}`);
  $("box").textContent = status.box_id;
  $("facts").replaceChildren(
    make("li", {}, make("span", { class: `dot ${connected ? "up" : "down"}` }), `${t.uplink} `,
      make("b", {}, connected ? t.connected : t.away)),
    fact(status.looks_per_s, t.looks),
    fact(pending, t.waiting),
    ...(patrolled ? [fact(patrolled, t.patrol(patrolled))] : []),
    ...(dead ? [fact(dead, t.rejected)] : []),
  );
  const text = connected ? "" : [t.awayLong(pending), why].filter(Boolean).join(" ");
  $("away").hidden = connected;
  if ($("away").textContent !== text) $("away").textContent = text;
}

// Said early: what is given up grows with every level.
function renderRoom() {
  const { level, free_bytes: free } = status.storage;
  const text = level === "ok" ? "" : words[lang].room[level](Math.floor(free / 2 ** 20));
  $("room").hidden = !text;
  if ($("room").textContent !== text) $("room").textContent = text;
}

function renderPurpose() {
  const lacking = status.no_purpose.length;
  const text = lacking ? words[lang].noPurpose(lacking) : "";
  $("purpose").hidden = !text;
  if ($("purpose").textContent !== text) $("purpose").textContent = text;
}

// Said when it is more than a twentieth.
function renderSlow() {
  const t = words[lang];
  const { stretch, platforms } = status.patrol;
  const text = [
    ...(stretch >= 1.05 ? [t.slow(stretch)] : []),
    ...Object.entries(platforms).filter(([, f]) => f >= 1.05).map(([name, f]) => t.slowPlatform(name, f)),
  ].join(" ");
  $("slow").hidden = !text;
  if ($("slow").textContent !== text) $("slow").textContent = text;
}

// More new cases than the platform's desk takes.
function renderQueue() {
  const t = words[lang];
  const { waiting, oldest_s: age, gone_before_turn: gone, sent_today: sent, daily_quota: quota } = status.uplink.queue;
  const text = waiting ? t.queue(waiting, span(age, lang), gone, sent, quota) : "";
  $("queue").hidden = !text;
  if ($("queue").textContent !== text) $("queue").textContent = text;
}

// What the platform refused for good; drawn anew only when it changed, so that a button keeps its focus.
let drawn = "";
function renderRejected() {
  const { dead, rejected } = status.uplink;
  $("rejected").hidden = !dead;
  $("rejected-count").textContent = String(dead);
  $("rejected-help").hidden = status.can_resend;
  const now = JSON.stringify([rejected, status.can_resend, lang]);
  if (now === drawn) return;
  drawn = now;
  $("rejected-list").replaceChildren(...rejected.map((letter) => make("li", {},
    make("b", {}, String(letter.seq)), ` ${letter.what} ${letter.id} r${letter.revision} · ${letter.reason} `,
    status.can_resend ? make("button", {
      "aria-label": `${words[lang].resend} ${letter.seq}`,
      onclick: (event) => resend(letter.seq, event.target),
    }, words[lang].resend) : null)));
}

async function resend(seq, button) {
  button.disabled = true;
  $("resent").textContent = "";
  const { ok, said } = await change(`/api/outbox/${seq}/resend`);
  $("resent").textContent = ok ? words[lang].resent(seq) : said;
  button.disabled = false;
}

function render() {
  if (!status || !cases) return;
  renderFacts();
  renderRoom();
  renderPurpose();
  renderSlow();
  renderQueue();
  renderRejected();
  renderCameras(status, lang);
  renderCases(cases.cases, status, lang, open);
  refreshDetail(cases.cases, status, lang);
}

function open(id) {
  openDetail(cases.cases.find((one) => one.id === id), status, lang);
}

async function refresh() {
  const news = await ask("/api/status");
  const stale = news.started_at !== cases?.started_at || news.cases_version !== cases?.cases_version;
  if (stale) cases = { started_at: news.started_at, ...await ask("/api/cases") };
  status = news;
}

async function poll() {
  let reached = true;
  try {
    await refresh();
  } catch {
    reached = false;
  }
  $("lost").hidden = reached;
  document.body.classList.toggle("unreached", !reached);
  if (reached) render();
  setTimeout(poll, document.hidden ? 5000 : 1000);
}

onWords(applyWords);
poll();
