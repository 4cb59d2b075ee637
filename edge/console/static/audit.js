// The audit log, newest first.
import { $, make, when } from "/static/dom.js";
import { ask, showAccount } from "/static/me.js";
import { lang, onWords } from "/static/page.js";
import { words } from "/static/words.js";

let entries = [];

function render() {
  const t = words[lang];
  $("count").textContent = String(entries.length || "");
  $("heads").replaceChildren(...t.auditHeads.map((head) => make("th", { scope: "col" }, head)));
  $("entries").replaceChildren(...entries.map((entry) => make("tr", { class: entry.outcome === "ok" ? "" : "refused" },
    make("td", {}, make("time", { datetime: entry.at, title: entry.at }, when(entry.at, lang))),
    make("td", {}, entry.who, make("small", {}, entry.role ? ` ${t.role[entry.role] ?? entry.role}` : "")),
    make("td", {}, t.action[entry.action] ?? entry.action),
    make("td", {}, entry.about),
    make("td", {}, entry.outcome === "ok" ? t.ok : t.refusal(entry.outcome, entry.outcome)),
    make("td", {}, entry.address))));
}

onWords(() => { document.title = `${words[lang].audit} · gridpatrol`; showAccount(); render(); });
try {
  entries = (await ask("/api/audit")).entries;
} catch {
  $("failed").textContent = words[lang].lost;
  $("failed").hidden = false;
}
render();
