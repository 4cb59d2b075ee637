// Small helpers: text is always text, never markup.
import { words } from "/static/words.js";

export const $ = (id) => document.getElementById(id);
let lang = "zh";
try { lang = localStorage.getItem("lang") ?? lang; } catch { /* private window */ }

export const language = () => lang;
export const say = () => words[lang];

export function setLanguage(next) {
  lang = next;
  try { localStorage.setItem("lang", next); } catch { /* private window */ }
}

export function make(tag, attributes = {}, ...children) {
  const svg = ["svg", "g", "circle", "path", "text", "title"].includes(tag) && attributes.svg;
  const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "svg") continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export function when(moment) {
  return new Date(moment).toLocaleString(lang === "zh" ? "zh-CN" : "en-GB", { dateStyle: "short", timeStyle: "medium" });
}

export const address = (item) => `${item.box}/${item.case_id}`;

export async function get(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${response.status}`);
  return response.json();
}

export async function post(path, body) {
  const response = await fetch(path, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${response.status}`);
  return response.status === 204 ? null : response.json();
}

// Pictures open in a tab of their own; clips play.
export function picture(item) {
  const source = `/evidence/${item.sha256}`;
  const caption = `${say().role[item.role] ?? say().role.unknown} · ${when(item.captured_at)} · ${item.camera_id}`;
  const media = item.media_type.startsWith("video/")
    ? make("video", { src: source, controls: "", muted: "" })
    : make("a", { href: source, target: "_blank" }, make("img", { src: source, alt: caption, loading: "lazy" }));
  return make("figure", {}, media, make("figcaption", {}, caption));
}
