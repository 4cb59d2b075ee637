// Log-in by name and password; or, behind a one-time link, choosing a password.
import { $ } from "/static/dom.js";
import { change } from "/static/me.js";
import { lang, onWords } from "/static/page.js";
import { words } from "/static/words.js";

const token = location.pathname === "/enter" ? location.hash.slice(1) : "";
const entering = location.pathname === "/enter";
// Out of the address bar and of the history: the link works once, but a shoulder may look on.
if (token) history.replaceState(null, "", "/enter");

function applyWords() {
  const t = words[lang];
  $("title").textContent = entering ? t.choose : t.login;
  $("help").textContent = entering ? t.chooseHelp : "";
  $("go").textContent = entering ? t.chooseGo : t.login;
  document.title = `${$("title").textContent} · gridpatrol`;
}

async function submit(event) {
  event.preventDefault();
  const password = $("password").value;
  if (entering && password !== $("again").value) return fail(words[lang].unequal, $("again"));
  $("go").disabled = true;
  fail("");
  const { ok, said } = entering
    ? await change("/api/enter", { token, password })
    : await change("/api/login", { name: $("name").value, password });
  $("go").disabled = false;
  if (ok) return location.replace("/");
  return fail(said, $("password"));
}

function fail(text, field) {
  $("failed").textContent = text;
  $("failed").hidden = !text;
  field?.select();
}

$("name-row").hidden = entering;
$("name").required = !entering;
$("again-row").hidden = !entering;
$("again").required = entering;
$("password").autocomplete = entering ? "new-password" : "current-password";
$("form").addEventListener("submit", submit);
onWords(applyWords);
(entering ? $("password") : $("name")).focus();
