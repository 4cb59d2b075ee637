// Runs before the first paint, so that a dark room gets no white flash.
let chosen = null;
try { chosen = localStorage.getItem("theme"); } catch { /* private window */ }
const dark = matchMedia("(prefers-color-scheme: dark)").matches;
document.documentElement.dataset.theme = chosen ?? (dark ? "dark" : "light");
