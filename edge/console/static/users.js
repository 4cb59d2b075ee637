// Users: add, another role, a new link, remove.
import { $, make } from "/static/dom.js";
import { ask, change, showAccount } from "/static/me.js";
import { lang, onWords } from "/static/page.js";
import { words } from "/static/words.js";

const ROLES = ["viewer", "operator", "admin"];
let people = [];

const options = (chosen) => ROLES.map((role) =>
  make("option", { value: role, ...(role === chosen ? { selected: "" } : {}) }, words[lang].role[role]));

function row(user) {
  const t = words[lang];
  const path = `/api/users/${encodeURIComponent(user.name)}`;
  const named = (text) => `${text} ${user.name}`;
  const select = make("select", {
    "aria-label": named(t.roleWord),
    onchange: (event) => act(`${path}/role`, { role: event.target.value }),
  }, ...options(user.role));
  return make("li", { "data-user": user.name },
    make("b", {}, user.name),
    make("small", {}, user.ready ? "" : t.notReady),
    select,
    make("button", { type: "button", "aria-label": named(t.newLink), onclick: () => act(`${path}/link`) }, t.newLink),
    make("button", { type: "button", "aria-label": named(t.remove), onclick: (event) => remove(event.target, path) }, t.remove));
}

// Asked twice by the same button: no window pops up, and a second key press is enough.
function remove(button, path) {
  if (button.dataset.sure) { act(`${path}/remove`); return; }
  button.dataset.sure = "yes";
  button.textContent = words[lang].sure;
  button.removeAttribute("aria-label");
}

async function act(path, body) {
  const { ok, told, said } = await change(path, body);
  $("failed").textContent = ok ? "" : said;
  $("failed").hidden = ok;
  $("done").textContent = ok ? words[lang].done : "";
  $("link").hidden = !told.link;
  if (told.link) $("url").textContent = location.origin + told.link;
  await load();
  return ok;
}

async function load() {
  try {
    people = (await ask("/api/users")).users;
  } catch {
    $("failed").textContent = words[lang].lost;
    $("failed").hidden = false;
  }
  render();
}

function render() {
  $("people").replaceChildren(...people.map(row));
  const chosen = $("role").value || "viewer";
  $("role").replaceChildren(...options(chosen));
}

$("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (await act("/api/users", { name: $("name").value, role: $("role").value })) $("name").value = "";
});
onWords(() => { document.title = `${words[lang].users} · gridpatrol`; showAccount(); render(); });
load();
