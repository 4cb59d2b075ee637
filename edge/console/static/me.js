// Who is logged in, and every request a page makes: reads, and changes with the page's token.
import { $, make } from "/static/dom.js";
import { lang } from "/static/page.js";
import { words } from "/static/words.js";

const PATIENCE_MS = 4000;
let me = null;

async function patiently(path, options = {}) {
  const impatient = new AbortController();
  const timer = setTimeout(() => impatient.abort(), PATIENCE_MS);
  try {
    return await fetch(path, { cache: "no-store", signal: impatient.signal, ...options });
  } finally {
    clearTimeout(timer);
  }
}

// A page without a session is of no use: it leads to the log-in.
export async function ask(path) {
  const answer = await patiently(path);
  if (answer.status === 401) location.assign("/login");
  if (!answer.ok) throw new Error(answer.statusText);
  return await answer.json();
}

async function send(path, body) {
  me ??= await ask("/api/me");
  return await fetch(path, {
    method: "POST", body: JSON.stringify(body),
    headers: { "Content-Type": "application/json", "X-Gridpatrol-CSRF": me.csrf },
  });
}

// { ok, status, told, said }: said is what a person is told when it was refused.
export async function change(path, body = {}) {
  try {
    let answer = await send(path, body);
    if (answer.status === 403) { // the box has started anew: its token is another one
      me = null;
      answer = await send(path, body);
    }
    if (answer.status === 401 && !path.endsWith("/login")) location.assign("/login");
    const told = await answer.json();
    return { ok: answer.ok, status: answer.status, told, said: words[lang].refusal(told.code, told.error) };
  } catch {
    return { ok: false, status: 0, told: {}, said: words[lang].lost };
  }
}

export async function showAccount() {
  const t = words[lang];
  try { me ??= await ask("/api/me"); } catch { return; }
  const link = (path, text) => make("a", { href: path, ...(path === location.pathname ? { "aria-current": "page" } : {}) }, text);
  $("account").replaceChildren(...[
    ...(me.role === "admin" && me.accounts ? [...(me.mode === "proxy" ? [] : [link("/users", t.users)]), link("/audit", t.audit)] : []),
    ...(me.mode === "local" ? [] : [make("span", { class: "who" }, `${me.name} · ${t.role[me.role]}`)]),
    ...(me.mode === "login" ? [make("button", { type: "button", id: "logout", onclick: logout }, t.logout)] : []),
  ]);
}

async function logout() {
  const { ok } = await change("/api/logout");
  if (ok) location.assign("/login");
}
