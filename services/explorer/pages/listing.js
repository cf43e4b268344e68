// A listing in pages: its items, how to get older ones, and what is said where there are none.

import { get } from "./api.js";
import { announce, element } from "./dom.js";
import { failure } from "./post.js";

const PAGE = 25;

/** Return a list that loads itself; `show` makes the content of one line. */
export function listing({ path, parameters = {}, show, empty, name, older = "Older" }) {
  const lines = element("ol", { class: "lines", "aria-label": name });
  const below = element("div", { class: "below" });
  const whole = element("section", {}, lines, below);
  load(null);
  return whole;

  async function load(before) {
    below.replaceChildren(loading());
    try {
      const page = await get(path, { limit: PAGE, ...parameters, before });
      lines.append(...page.items.map((each) => element("li", {}, show(each))));
      if (before) announce(`${page.items.length} more`);
      below.replaceChildren(end(page));
    } catch (error) {
      below.replaceChildren(failure(error, () => load(before)));
    }
  }

  function end(page) {
    if (page.next) return more(older, () => load(page.next));
    if (!lines.children.length) return nothing(empty);
    return element("p", { class: "note end" }, "That is all.");
  }
}

/** Return a button for what follows. */
export function more(text, act) {
  return element("button", { type: "button", class: "more", onclick: act }, text);
}

/** Return what is said where a listing is empty. */
export function nothing(text) {
  return element("p", { class: "nothing" }, text);
}

export function loading() {
  return element("p", { class: "note", "aria-busy": "true" }, "Loading…");
}

/** Return a choice of links, the current one marked. */
export function choice(name, links) {
  return element("nav", { class: "choice", "aria-label": name },
    links.map(({ text, href, current }) =>
      element("a", { href, "aria-current": current && "true" }, text)));
}
