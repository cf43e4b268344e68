// Where one is: the address after # names the view, and in `as` who reads.

import { useToken } from "./api.js";
import { address, announce, element } from "./dom.js";
import { home } from "./home.js";
import { nothing } from "./listing.js";
import { thread } from "./thread.js";
import {
  author, catchUp, list, mentions, people, search, tag, unanswered, whyNot,
} from "./views.js";

// [view, whether it needs a viewer, its name among the places]
const VIEWS = {
  home: [home, true, "Home"],
  "catch-up": [catchUp, true, "Catch up"],
  mentions: [mentions, true, "Mentions"],
  unanswered: [unanswered, true, "Unanswered"],
  people: [people, true, "People"],
  search: [search, false, "Search"],
  why: [whyNot, true, "Why not?"],
  thread: [thread, false],
  author: [author, false],
  list: [list, true],
  tag: [tag, false],
};
const ID = /^[1-9][0-9]{0,18}$/;
const content = document.getElementById("content");
const chosen = document.getElementById("viewer-id");
let leaving = new AbortController();

function place() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...parts] = path.split("/").map(decoded);
  const asked = new URLSearchParams(query ?? "");
  const viewer = ID.test(asked.get("as") ?? "") ? asked.get("as") : "";
  return { name, parts, query: asked, viewer };
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function go(parts) {
  location.hash = address(parts);
}

function show(moved) {
  leaving.abort();
  leaving = new AbortController();
  const at = { ...place(), go, signal: leaving.signal, restart };
  const [view, needed] = VIEWS[at.name] ?? [at.name ? missing : welcome, false];
  chosen.value = at.viewer;
  places(at);
  content.replaceChildren(...(needed && !at.viewer ? welcome() : view(at)).filter(Boolean));
  const title = content.querySelector("h2")?.textContent ?? "Explorer";
  document.title = `${title} · Mingle explorer`;
  if (moved) {
    content.focus({ preventScroll: true });
    scrollTo(0, 0);
    announce(title);
  }
}

function restart(why = "Read anew.") {
  show(false);
  announce(why);
}

function places({ name, viewer }) {
  const shown = Object.entries(VIEWS).filter(([, [, needed, text]]) => text && (viewer || !needed));
  document.getElementById("places").replaceChildren(...shown.map(([key, [, , text]]) =>
    element("a", { href: address([key, { as: viewer }]), "aria-current": key === name && "page" },
      text)));
}

function welcome() {
  return [
    element("h2", {}, "Who reads?"),
    element("p", { class: "lead" },
      "Give the number of a user at the top, and see what they see: their home as it changes, ",
      "conversations, what waits for them, and why."),
    element("p", { class: "note" },
      "In the village of the demo, alice is user 1, bob 2, carol 3, dave 4."),
    element("p", {}, element("a", { class: "button", href: address(["home", { as: "1" }]) },
      "Read as user 1")),
  ];
}

function missing() {
  return [element("h2", {}, "No such view"), nothing("The address names nothing in here.")];
}

document.getElementById("viewer").addEventListener("submit", (event) => {
  event.preventDefault();
  const { name, parts, query } = place();
  const viewer = chosen.value.trim();
  if (viewer && !ID.test(viewer)) return;
  const [, needed] = VIEWS[name] ?? [null, true];
  const kept = VIEWS[name] && (viewer || !needed);
  go(kept ? [name, ...parts, { ...Object.fromEntries(query), as: viewer }]
    : viewer ? ["home", { as: viewer }] : [""]);
});
document.getElementById("token-use").addEventListener("click", () => {
  const text = document.getElementById("token-text");
  useToken(text.value);
  text.value = "";
  document.getElementById("token").open = false;
  restart("The token is in use.");
});
addEventListener("hashchange", () => show(true));
show(false);
