// Small pieces of the page: elements, states in colours, times, lines.
// Everything that comes from outside becomes text, never markup.

const SVG = "http://www.w3.org/2000/svg";
const GOOD = new Set(["MASTER", "UP"]);
const BAD = new Set(["FAULT", "DOWN", "STOP"]);

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

export function drawn(name, attributes = {}, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}

export function tone(state) {
  if (GOOD.has(state)) return "good";
  return BAD.has(state) ? "bad" : "";
}

export function badge(state, title = "") {
  const made = element("span", { class: `state ${tone(state)}` }, state);
  if (title) made.title = title;
  return made;
}

export function elapsed(seconds) {
  if (seconds === null || seconds === undefined) return "-";
  const whole = Math.max(0, Math.floor(seconds));
  const units = [[86400, "d", 3600, "h"], [3600, "h", 60, "m"], [60, "m", 1, "s"]];
  for (const [size, unit, smaller, smallerUnit] of units) {
    if (whole >= size) {
      return `${Math.floor(whole / size)}${unit} ${Math.floor((whole % size) / smaller)}${smallerUnit}`;
    }
  }
  return `${whole}s`;
}

export function interval(seconds) {
  if (seconds === null || seconds === undefined) return "-";
  if (seconds >= 1) return `${+seconds.toFixed(3)} s`;
  if (seconds >= 0.001) return `${+(seconds * 1000).toFixed(3)} ms`;
  return `${Math.round(seconds * 1e6)} us`;
}

export function clock(time) {
  const date = new Date(time * 1000);
  const pad = (number, width = 2) => String(number).padStart(width, "0");
  return `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}.${pad(date.getMilliseconds(), 3)}`;
}

export function spark(values, label) {
  const made = drawn("svg", {
    class: "spark", viewBox: "0 0 100 20", preserveAspectRatio: "none",
    role: "img", "aria-label": label,
  });
  if (values.length > 1) {
    const most = Math.max(...values, 0.001);
    const points = values.map((value, at) =>
      `${(at * 100) / (values.length - 1)},${19 - (18 * value) / most}`);
    made.append(drawn("polyline", { points: points.join(" "), "vector-effect": "non-scaling-stroke" }));
  }
  return made;
}

export function short(value) {
  if (value === null || value === undefined) return "-";
  if (Array.isArray(value)) return value.map(short).join(", ") || "none";
  if (typeof value === "object") {
    const parts = [];
    for (const [name, each] of Object.entries(value)) {
      if (each === true) parts.push(name);
      else if (each !== null && each !== false && each !== "" && !(Array.isArray(each) && !each.length)) {
        parts.push(`${name}=${short(each)}`);
      }
    }
    return parts.join(" ");
  }
  return String(value);
}
