// What the page shows of a node: instances, groups, sessions, servers.

import { badge, element, elapsed, interval, spark } from "./shapes.js";

const POINTS = 60; // of a sparkline
const ROWS = 200; // sessions that are shown; those that are not Up come first
const lateness = new Map(); // session -> the latest values

function pair(name, ...values) {
  return [element("dt", {}, name), element("dd", {}, ...values)];
}

export function sum(instance) {
  const parts = (instance.tracked || []).filter((each) => each.weight && each.points);
  if (!parts.length) {
    return instance.priority === instance.base_priority
      ? `${instance.priority}` : `${instance.priority} (configured ${instance.base_priority})`;
  }
  const terms = parts.map((each) =>
    `${each.points > 0 ? "+" : "\u2212"} ${Math.abs(each.points)} (${each.kind} ${each.name})`);
  return `${instance.priority} = ${instance.base_priority} ${terms.join(" ")}`;
}

function card(instance, before) {
  const master = instance.state === "MASTER" ? "this node"
    : instance.master ? `${instance.master} (priority ${instance.master_priority})` : "none heard";
  const tracked = (instance.tracked || []).map((each) =>
    element("li", {}, `${each.kind} ${each.name}: ${each.state}`, each.fault ? " (fault)" : ""));
  const list = element("dl", {},
    ...pair("Since", elapsed(instance.since), instance.reason ? `: ${instance.reason}` : ""),
    ...pair("Master", master),
    ...pair("Priority", sum(instance)),
    ...pair("Router", `VRID ${instance.vrid} on ${instance.interface}, version ${instance.version}`),
    ...pair("Addresses", (instance.addresses || []).map((each) => each.split(" ")[0]).join(", ") || "none"),
    ...((instance.peers || []).length ? pair("Peers", instance.peers.map((peer) =>
      `${peer.address}${peer.priority === null ? "" : ` (${peer.priority})`}`).join(", ")) : []),
    ...((instance.faults || []).length ? pair("Faults", instance.faults.join(", ")) : []),
    ...(tracked.length ? pair("Tracked", element("ul", {}, ...tracked)) : []));
  const changed = before && before !== instance.state;
  return element("article", { class: changed ? "card new" : "card", "data-instance": instance.name },
    element("header", {}, element("h3", {}, instance.name), badge(instance.state)), list);
}

const states = new Map();

export function showInstances(status) {
  const { instances, groups } = status;
  const mine = instances.filter((each) => each.state === "MASTER");
  const words = mine.map((each) => each.name).slice(0, 20).join(", ");
  document.getElementById("mastery").textContent = !instances.length
    ? "There are no VRRP instances."
    : mine.length ? `This node is master of ${mine.length} of ${instances.length}: ${words}`
      : `This node is master of none of ${instances.length}.`;
  const order = { FAULT: 0, MASTER: 1, INIT: 2, BACKUP: 3, STOP: 4 };
  const shown = [...instances].sort((a, b) => order[a.state] - order[b.state]).slice(0, ROWS);
  const news = [];
  for (const each of instances) {
    const before = states.get(each.name);
    if (before && before !== each.state) news.push(`${each.name} is ${each.state} now`);
  }
  document.getElementById("instances").replaceChildren(
    ...shown.map((each) => card(each, states.get(each.name))));
  for (const each of instances) states.set(each.name, each.state);
  document.getElementById("groups").replaceChildren(...(groups || []).map((group) =>
    element("p", {}, `Group ${group.name}: `, badge(group.state), ` ${group.members.join(", ")}`)));
  if (news.length) document.getElementById("news").textContent = news.join(". ");
}

export function showSessions(answer) {
  const sessions = answer.sessions;
  document.getElementById("bfd-section").hidden = !sessions.length;
  const up = sessions.filter((each) => each.state === "UP").length;
  document.getElementById("bfd-counts").textContent =
    `${up} of ${sessions.length} up; lateness of all packets, p99.9: ${interval(answer.lateness?.p999)}`;
  const shown = [...sessions].sort((a, b) => (a.state === "UP") - (b.state === "UP")).slice(0, ROWS);
  const rows = shown.map((session) => {
    const values = lateness.get(session.name) || [];
    const latest = session.lateness?.latest;
    if (typeof latest === "number") values.push(latest);
    if (values.length > POINTS) values.shift();
    lateness.set(session.name, values);
    const text = interval(latest);
    return element("tr", {},
      element("th", { scope: "row" }, session.name),
      element("td", {}, session.neighbour),
      element("td", {}, badge(session.state, session.last_reason || "")),
      element("td", {}, elapsed(session.since)),
      element("td", { class: "number" }, interval(session.detection_time)),
      element("td", { class: "number" }, String(session.flaps)),
      element("td", {}, spark(values, `lateness of ${session.name}, now ${text}`), ` ${text}`));
  });
  document.querySelector("#sessions tbody").replaceChildren(...rows);
}

function pool(server) {
  const usage = server.usage || {};
  const rows = server.real_servers.map((real) => element("tr", {},
    element("th", { scope: "row" }, real.name),
    element("td", {}, badge(real.state)),
    element("td", {}, elapsed(real.since)),
    element("td", {}, real.drain ? `drained: ${real.drain}` : real.reason || ""),
    element("td", { class: "number" }, String(real.weight_in_use ?? 0)),
    element("td", { class: "number" }, String(real.usage?.active ?? "-")),
    element("td", { class: "number" }, String(real.usage?.connection_rate ?? "-"))));
  const heads = ["Real server", "State", "Since", "Reason", "Weight", "Connections", "New/s"];
  const title = element("h3", {}, server.name, badge(server.state, server.reason || ""),
    element("span", { class: "quiet" },
      `${server.alive} of ${server.real_servers.length} up, weight ${server.weight}, quorum ${server.quorum},` +
      ` ${server.scheduler}, ${usage.connection_rate ?? "-"} connections/s`));
  return element("div", { class: "scroll pool", role: "region", tabindex: "0", "aria-label": server.name },
    title,
    element("table", {},
      element("thead", {}, element("tr", {}, ...heads.map((head, at) =>
        element("th", { scope: "col", class: at > 3 ? "number" : "" }, head)))),
      element("tbody", {}, ...rows)));
}

export function showServers(answer) {
  const servers = answer.virtual_servers;
  document.getElementById("lvs-section").hidden = !servers.length;
  const shown = [...servers].sort((a, b) => (a.state === "UP") - (b.state === "UP")).slice(0, 50);
  const children = shown.map(pool);
  if (servers.length > shown.length) {
    children.push(element("p", {}, `... and ${servers.length - shown.length} more`));
  }
  document.getElementById("servers").replaceChildren(...children);
}
