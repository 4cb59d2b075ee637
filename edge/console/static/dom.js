// Small helpers every part of the page uses.
import { words } from "/static/words.js";

export const $ = (id) => document.getElementById(id);

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") element.className = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

// Time of day; with the date when it was not today.
export function when(moment, lang) {
  const at = new Date(moment);
  const locale = lang === "zh" ? "zh-CN" : "en-GB";
  const time = at.toLocaleTimeString(locale);
  if (at.toDateString() === new Date().toDateString()) return time;
  return `${at.toLocaleDateString(locale, { month: "short", day: "numeric" })} ${time}`;
}

// 45 s, 6 min, 1 h 30 min, 2 d 4 h: never more than two units.
export function span(seconds, lang) {
  const unit = words[lang].unit;
  const parts = [[86400, unit.d], [3600, unit.h], [60, unit.min], [1, unit.s]];
  const first = Math.max(0, parts.findIndex(([size]) => seconds >= size));
  if (seconds < 1) return `0 ${unit.s}`;
  const [size, name] = parts[first];
  const lead = `${Math.floor(seconds / size)} ${name}`;
  const next = parts[first + 1];
  const rest = next ? Math.floor((seconds % size) / next[0]) : 0;
  return rest && size > 60 ? `${lead} ${rest} ${next[1]}` : lead;
}

export const percent = (share) => `${Math.round(share * 100)} %`;
