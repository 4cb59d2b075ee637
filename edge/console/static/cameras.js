// The wall: one card a camera, changed in place.
import { $, make, span } from "/static/dom.js";
import { openWatching } from "/static/watching.js";
import { words } from "/static/words.js";

export function renderCameras(status, lang) {
  const cards = status.cameras.map((camera) => {
    const card = $(`camera-${camera.id}`) ?? newCard(camera);
    fill(card, camera, status, lang);
    return card;
  });
  const wall = $("wall");
  const same = cards.length === wall.children.length && cards.every((card, i) => card === wall.children[i]);
  if (!same) wall.replaceChildren(...cards);
  const up = status.cameras.filter((camera) => camera.state === "up").length;
  $("up").textContent = words[lang].up(up, status.cameras.length);
}

function newCard(camera) {
  const name = `name-${camera.id}`;
  return make("article", { class: "camera", id: `camera-${camera.id}`, "aria-labelledby": name },
    make("figure", {}, make("span", { class: "wait" }), make("ul", { class: "chips" })),
    make("div", { class: "foot" },
      make("span", { class: "dot", role: "img" }),
      make("h3", { id: name }, make("button", { type: "button", onclick: () => openWatching(camera.id) })), make("span", { class: "meta" })),
    make("p", { class: "why", hidden: "" }));
}

function fill(card, camera, status, lang) {
  const t = words[lang];
  const name = camera.name[lang];
  const troubled = camera.state === "down" || camera.state === "failed";
  card.classList.toggle("stale", troubled);
  card.classList.toggle("firing", camera.findings.length > 0);
  if (camera.findings.length) card.style.setProperty("--fire", `var(--${camera.findings[0]})`);
  const dot = card.querySelector(".dot");
  dot.className = `dot ${camera.state}`;
  dot.title = t.state[camera.state];
  dot.setAttribute("aria-label", t.state[camera.state]);
  card.querySelector("h3 button").textContent = name;
  card.querySelector("h3").title = `${name} · ${camera.id}`;
  const age = camera.look_at ? Math.max(0, (new Date(status.now) - new Date(camera.look_at)) / 1000) : null;
  card.querySelector(".meta").textContent = [
    age === null ? null : t.ago(span(age, lang)), camera.dropped ? t.dropped(camera.dropped) : null,
  ].filter(Boolean).join(" · ");
  const why = card.querySelector(".why");
  why.hidden = !camera.detail;
  why.textContent = camera.detail;
  chips(card.querySelector(".chips"), camera, troubled, t);
  picture(card.querySelector("figure"), camera, status, name, t);
}

// In words on the picture: colour alone says nothing to many.
function chips(list, camera, troubled, t) {
  const wanted = [
    ...(troubled ? [["down", t.state[camera.state]]] : []),
    ...[...new Set(camera.findings)].map((kind) => [kind, t.kind[kind]]),
  ];
  const key = JSON.stringify(wanted);
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  list.replaceChildren(...wanted.map(([colour, text]) => {
    const chip = make("li", {}, text);
    chip.style.setProperty("--chip", `var(--${colour})`);
    return chip;
  }));
}

function picture(figure, camera, status, name, t) {
  const wait = figure.querySelector(".wait");
  wait.textContent = camera.sequence ? "" : t.waitingLook;
  if (!camera.sequence) return;
  let image = figure.querySelector("img");
  if (!image) {
    image = make("img");
    wait.after(image);
  }
  image.alt = t.lookAlt(name);
  // A box that was restarted counts anew: its start is part of what tells pictures apart.
  const version = `${Date.parse(status.started_at)}-${camera.sequence}`;
  if (image.dataset.version !== version) {
    image.dataset.version = version;
    image.src = `/looks/${camera.id}.jpg?n=${version}`;
  }
}
