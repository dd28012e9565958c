// The timeline: events as rows and as dots, filtered by kind, words and time.

import { clock, drawn, element, short, tone } from "./shapes.js";

const KEPT = 2000; // events
const SHOWN = 300; // rows
const LANES = ["vrrp", "group", "bfd", "virtual", "real", "interface"];
const events = [];
let dirty = false;

function kindOf(event) {
  return event.fact.split(":", 1)[0];
}

function stateOf(event) {
  const value = event.value;
  if (value && typeof value === "object" && "up" in value) return value.up ? "UP" : "DOWN";
  return typeof value === "string" ? value : short(value);
}

export function take(found) {
  const known = new Set(events.map((event) => event.id));
  for (const event of found) {
    if (!known.has(event.id)) events.push(event);
  }
  events.sort((a, b) => a.id - b.id);
  while (events.length > KEPT) events.shift();
  dirty = true;
}

export function prepare() {
  const kinds = document.getElementById("kind");
  for (const [value, text] of [["", "everything"], ["vrrp", "VRRP"], ["group", "groups"],
    ["bfd", "BFD"], ["virtual", "virtual servers"], ["real", "real servers"],
    ["interface", "interfaces"], ["script", "scripts"], ["file", "files"], ["process", "processes"]]) {
    kinds.append(element("option", { value }, text));
  }
  const again = () => { dirty = true; show(); };
  for (const id of ["kind", "words", "span"]) document.getElementById(id).addEventListener("input", again);
  document.getElementById("filter").addEventListener("submit", (event) => event.preventDefault());
}

export function show() {
  if (!dirty) return;
  dirty = false;
  const kind = document.getElementById("kind").value;
  const words = document.getElementById("words").value.toLowerCase();
  const span = Number(document.getElementById("span").value);
  const now = Date.now() / 1000;
  const found = events.filter((event) =>
    (!kind || kindOf(event) === kind) && (!span || event.time >= now - span)
    && (!words || `${event.fact} ${short(event.value)} ${event.why}`.toLowerCase().includes(words)));
  const rows = found.slice(-SHOWN).reverse().map((event) => element("tr", {},
    element("td", { class: "time" }, clock(event.time)),
    element("th", { scope: "row" }, event.fact),
    element("td", {}, stateOf(event).slice(0, 80)),
    element("td", {}, event.why)));
  document.querySelector("#events tbody").replaceChildren(...rows);
  draw(found, now, span);
}

function draw(found, now, span) {
  const picture = document.getElementById("timeline");
  const width = picture.clientWidth || 800;
  const height = 112;
  picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const begin = span ? now - span : Math.min(now - 60, ...found.map((event) => event.time));
  const x = (time) => 80 + ((time - begin) / (now - begin)) * (width - 90);
  const parts = [];
  LANES.forEach((lane, at) => {
    const y = 12 + at * 16;
    parts.push(drawn("text", { x: 8, y: y + 4 }, lane));
    parts.push(drawn("line", { x1: 80, x2: width - 10, y1: y, y2: y }));
  });
  parts.push(drawn("text", { x: 80, y: height - 2 }, clock(begin).slice(0, 8)));
  parts.push(drawn("text", { x: width - 10, y: height - 2, "text-anchor": "end" }, "now"));
  for (const event of found) {
    const lane = LANES.indexOf(kindOf(event));
    if (lane < 0 || event.time < begin) continue;
    const dot = drawn("circle", {
      cx: x(event.time), cy: 12 + lane * 16, r: 4, class: tone(stateOf(event)),
    });
    dot.append(drawn("title", {}, `${clock(event.time)} ${event.fact} ${stateOf(event)}: ${event.why}`));
    parts.push(dot);
  }
  picture.setAttribute("aria-label", `${found.length} events since ${clock(begin).slice(0, 8)}`);
  picture.replaceChildren(...parts);
}
