// Language and theme: the same two buttons on every page.
import { $ } from "/static/dom.js";
import { words } from "/static/words.js";

const kept = (key) => { try { return localStorage.getItem(key); } catch { return null; } };
const keep = (key, value) => { try { localStorage.setItem(key, value); } catch { /* private window */ } };
const root = document.documentElement;

export let lang = kept("lang") ?? (navigator.language.startsWith("zh") ? "zh" : "en");
let table = words;
let then = () => {};

function apply() {
  const t = table[lang];
  root.lang = lang;
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = t[element.dataset.t];
  $("lang").textContent = t.lang;
  $("theme").textContent = root.dataset.theme === "dark" ? t.light : t.dark;
  then();
}

// Called now, and whenever language or theme change; every [data-t] is filled from the page's words.
export function onWords(call, own = words) {
  table = own;
  then = call;
  apply();
}

$("lang").addEventListener("click", () => {
  lang = lang === "zh" ? "en" : "zh";
  keep("lang", lang);
  apply();
});
$("theme").addEventListener("click", () => {
  root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
  keep("theme", root.dataset.theme);
  apply();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (system) => {
  if (kept("theme")) return; // chosen by hand
  root.dataset.theme = system.matches ? "dark" : "light";
  apply();
});
