// The page follows the node: what changes is told by the event stream, and asked for then.

import { prepare, show, take } from "./events.js";
import { elapsed } from "./shapes.js";
import { showInstances, showServers, showSessions } from "./views.js";

const SOON = 200; // milliseconds in which changes are gathered before they are asked for
const SLOW = 2000; // milliseconds between two looks at what changes without an event
const wanted = new Set();
const took = { status: 0, bfd: 0, lvs: 0 }; // milliseconds of the last answer
let looks = 0;
let timer = null;

async function read(path) {
  const answer = await fetch(`api/v1/${path}`, { cache: "no-store" });
  if (!answer.ok) throw new Error(`${path}: status ${answer.status}`);
  return answer.json();
}

const readers = {
  status: async () => {
    const status = await read("status");
    document.getElementById("host").textContent = `on ${status.host}`;
    document.title = `hanode on ${status.host}`;
    const stalls = status.reactor?.stalls ? `, held up ${status.reactor.stalls} times` : "";
    document.getElementById("facts").textContent =
      `up for ${elapsed(status.uptime)}, process ${status.pid}${stalls}`;
    showInstances(status);
  },
  bfd: async () => showSessions(await read("bfd")),
  lvs: async () => showServers(await read("lvs")),
};

function want(name) {
  wanted.add(name);
  if (timer === null) timer = setTimeout(ask, SOON);
}

async function ask() {
  const names = [...wanted];
  wanted.clear();
  for (const name of names) {
    try {
      const began = performance.now();
      await readers[name]();
      took[name] = performance.now() - began;
    } catch (problem) {
      lost(problem.message);
    }
  }
  timer = wanted.size ? setTimeout(ask, SOON) : null;
}

function happened(event) {
  take([event]);
  const kind = event.fact.split(":", 1)[0];
  if (kind === "bfd" || kind === "fast_failover") want("bfd");
  if (kind === "virtual" || kind === "real") want("lvs");
  want("status");
  requestAnimationFrame(show);
}

function lost(why) {
  const state = document.getElementById("connection");
  state.className = "state bad";
  document.getElementById("connection-text").textContent = "lost";
  const banner = document.getElementById("lost");
  if (banner.hidden) {
    banner.textContent = `The daemon does not answer${why ? ` (${why})` : ""}. What you see is old; it is asked again and again.`;
    banner.hidden = false;
  }
}

async function found() {
  document.getElementById("connection").className = "state good";
  document.getElementById("connection-text").textContent = "live";
  document.getElementById("lost").hidden = true;
  for (const name of Object.keys(readers)) want(name);
  try {
    take((await read("events")).events); // what happened before somebody listened
    show();
  } catch (problem) {
    lost(problem.message);
  }
}

function begin() {
  const stream = new EventSource("api/v1/events");
  stream.addEventListener("open", found);
  stream.addEventListener("fact", (message) => happened(JSON.parse(message.data)));
  stream.addEventListener("error", () => {
    lost("");
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 5000);
  });
  setInterval(() => {
    if (document.hidden || !document.getElementById("lost").hidden) return;
    looks += 1;
    want("status");
    for (const name of ["bfd", "lvs"]) {
      // Thousands take their time: they are asked for less often.
      if (looks % Math.max(1, Math.ceil(took[name] / 100)) === 0) want(name);
    }
    show();
  }, SLOW);
}

function themes() {
  const button = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (document.documentElement.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
  const name = () => { button.textContent = dark() ? "Light" : "Dark"; };
  const stored = localStorage.getItem("theme");
  if (stored) document.documentElement.dataset.theme = stored;
  button.addEventListener("click", () => {
    const next = dark() ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    localStorage.setItem("theme", next);
    name();
  });
  system.addEventListener("change", name);
  name();
}

themes();
prepare();
begin();
