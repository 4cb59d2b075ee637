// Two small plots in SVG: a share with its interval, and how it went week by week.
const NS = "http://www.w3.org/2000/svg";
const draw = (tag, attributes, ...children) => {
  const element = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};
const words = (p) => `${Math.round(p.share * 100)} % (${Math.round(p.low * 100)}–${Math.round(p.high * 100)} %)`;

export function bar(precision, target) {
  const { share, low, high } = precision;
  return draw("svg", { viewBox: "0 0 200 26", role: "img", "aria-label": words(precision) },
    draw("rect", { class: "track", x: 0, y: 16, width: 200, height: 4, rx: 2 }),
    draw("rect", { class: "span", x: low * 200, y: 14, width: Math.max((high - low) * 200, 1), height: 8, rx: 4 }),
    draw("circle", { class: "mark", cx: share * 200, cy: 18, r: 4.5 }),
    draw("line", { class: "goal", x1: target * 200, x2: target * 200, y1: 11, y2: 25 }),
    draw("text", { x: 0, y: 9 }, words(precision)));
}

export function chart(weeks, target, t) {
  const [left, right, top, bottom] = [34, 410, 8, 104];
  const x = (i) => left + 14 + (i * (right - left - 28)) / Math.max(weeks.length - 1, 1);
  const y = (share) => bottom - share * (bottom - top);
  const judged = weeks.map((week, i) => [week, i]).filter(([week]) => week.precision.judged);
  const label = judged.map(([week]) => `${t.week(week.monday)}: ${words(week.precision)}`).join("; ");
  const ruler = [0, 0.5, 1].map((share) => draw("text", { x: 0, y: y(share) + 4 }, `${share * 100} %`));
  const marks = judged.flatMap(([{ precision, monday }, i]) => [
    draw("line", { class: "whisker", x1: x(i), x2: x(i), y1: y(precision.low), y2: y(precision.high) }),
    draw("circle", { class: "mark", cx: x(i), cy: y(precision.share), r: 4 },
      draw("title", {}, `${t.week(monday)}: ${words(precision)}`)),
    ...(i % Math.ceil(weeks.length / 6) ? [] : [draw("text", { x: x(i), y: 121, "text-anchor": "middle" }, monday.slice(5))]),
  ]);
  return draw("svg", { viewBox: "0 0 420 126", role: "img", "aria-label": label },
    ...ruler,
    draw("line", { class: "goal", x1: left, x2: right, y1: y(target), y2: y(target) }),
    draw("polyline", { points: judged.map(([week, i]) => `${x(i)},${y(week.precision.share)}`).join(" ") }),
    ...marks);
}
