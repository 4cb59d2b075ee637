// A map that needs no tiles: unit grid cells and cases by longitude and latitude, drawn as SVG.
import { $, address, make, say } from "/static/dom.js";

const WIDTH = 1000, HEIGHT = 480, MARGIN = 46, SMALLEST_M = 120, M_PER_DEGREE = 111320;

export function draw(cases, grid, chosen, choose) {
  const cells = (grid.features ?? []).filter((f) => f.geometry.type === "Polygon");
  const points = cases.map((c) => [c.data.location.lon, c.data.location.lat]);
  // Cells far from every case would make everything small.
  const shown = points.length ? cells.filter((f) => near(f, points)) : cells;
  const project = fit([...points, ...shown.flatMap((f) => f.geometry.coordinates[0])]);
  const map = $("map");
  map.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  map.setAttribute("aria-label", say().cases);
  map.replaceChildren(...shown.map((f) => cell(f, project)), ...scale(project), ...dots(cases, project, chosen, choose));
}

function near(feature, points) {
  return feature.geometry.coordinates[0].some(([lon, lat]) => points.some(([x, y]) => Math.hypot(x - lon, y - lat) < 0.02));
}

// Metres are the same in both directions; at least SMALLEST_M across.
function fit(points) {
  const lons = points.map((p) => p[0]), lats = points.map((p) => p[1]);
  const middle = points.length
    ? [(Math.min(...lons) + Math.max(...lons)) / 2, (Math.min(...lats) + Math.max(...lats)) / 2] : [0, 0];
  const squeeze = Math.cos((middle[1] * Math.PI) / 180);
  const wide = points.length ? (Math.max(...lons) - Math.min(...lons)) * squeeze * M_PER_DEGREE : 0;
  const high = points.length ? (Math.max(...lats) - Math.min(...lats)) * M_PER_DEGREE : 0;
  const perMetre = Math.min((WIDTH - 2 * MARGIN) / Math.max(wide, SMALLEST_M), (HEIGHT - 2 * MARGIN) / Math.max(high, SMALLEST_M / 2));
  const project = ([lon, lat]) => [
    WIDTH / 2 + (lon - middle[0]) * squeeze * M_PER_DEGREE * perMetre,
    HEIGHT / 2 - (lat - middle[1]) * M_PER_DEGREE * perMetre,
  ];
  project.perMetre = perMetre;
  return project;
}

function cell(feature, project) {
  const corners = feature.geometry.coordinates[0].map(project);
  const path = corners.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
  const left = Math.min(...corners.map((c) => c[0])), top = Math.min(...corners.map((c) => c[1]));
  return make("g", { svg: 1, class: "cell" },
    make("path", { svg: 1, d: `${path}Z` }),
    make("text", { svg: 1, x: left + 8, y: top + 20 }, feature.properties.code));
}

function dots(cases, project, chosen, choose) {
  const taken = new Map();
  return cases.map((item) => {
    let [x, y] = project([item.data.location.lon, item.data.location.lat]);
    // Cases of one place stand around it instead of upon each other.
    const place = `${x.toFixed(0)} ${y.toFixed(0)}`, number = taken.get(place) ?? 0;
    taken.set(place, number + 1);
    if (number) {
      x += Math.cos(number * 1.3) * (16 + number * 1.5);
      y += Math.sin(number * 1.3) * (16 + number * 1.5);
    }
    const over = ["gone", "withdrawn"].includes(item.data.status) ? " over" : "";
    const name = `${item.data.category.name_zh} ${item.data.category.name_en} ${item.data.place}`;
    return make("circle", {
      svg: 1, cx: x.toFixed(1), cy: y.toFixed(1), r: address(item) === chosen ? 12 : 8,
      class: `dot ${item.kind}${over}${address(item) === chosen ? " chosen" : ""}`, onclick: () => choose(item),
    }, make("title", { svg: 1 }, name));
  });
}

function scale(project) {
  const metres = [10, 20, 50, 100, 200, 500, 1000, 2000, 5000].find((m) => m * project.perMetre > 90) ?? 10000;
  const length = metres * project.perMetre, y = HEIGHT - 16;
  return [
    make("path", { svg: 1, class: "scale", d: `M16 ${y - 6}V${y}H${(16 + length).toFixed(1)}V${y - 6}` }),
    make("text", { svg: 1, class: "scale", x: 22, y: y - 8 }, metres < 1000 ? `${metres} m` : `${metres / 1000} km`),
  ];
}
