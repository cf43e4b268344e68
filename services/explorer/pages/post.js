// A post, the placeholder for one, and the answer to "why".

import { Problem, get } from "./api.js";
import { element, link, time } from "./dom.js";

const STANDS_FOR = {
  deleted: "This post was deleted.",
  blocked: "A post of somebody who is blocked.",
  muted: "This post is muted.",
  missing: "This post is not here, or not for this viewer.",
};
const REASONS = {
  list: "by a list", tag: "by a followed tag", mention: "speaks to the viewer",
};
const HOW = {
  mention: "mentions the viewer", reply: "answers the viewer", quote: "quotes the viewer",
  line: "below a post of the viewer",
};
const PATHS = {
  own: "It is the viewer's own.", pushed: "Fan-out stores it for this home; rules decide when the home is read.",
  pulled: "It is taken from its author's page when the home is read.",
  tag: "It comes by a followed tag.", list: "It comes by a list.",
};

/** Return a user as a link to their page. */
export function person(viewer, user) {
  const mark = element("span", { class: "dot", "aria-hidden": "true" });
  mark.style.setProperty("--hue", String(Number(BigInt(user) * 47n % 360n)));
  return link(["author", user, { as: viewer }], [mark, `user ${user}`], { class: "person" });
}

/** Return a post as an article; `extra` goes below its text. */
export function post(viewer, item, { extra = [], current = false, level = 3 } = {}) {
  const original = item.repost?.original ?? item.post_id;
  return element("article", {
    class: current ? "post current" : "post", "data-post": item.post_id,
    "aria-label": `Post of user ${item.author_id}`,
  },
    item.repost && element("p", { class: "note" }, "reposted by ",
      item.repost.by.map((user, at) => [at ? ", " : "", person(viewer, user)])),
    element("header", { class: "byline" },
      element(`h${level}`, {}, person(viewer, item.author_id)),
      item.parent_id && element("span", {}, "answers ",
        link(["thread", item.parent_id, { as: viewer }], "a post")),
      item.visibility !== "public" && element("span", { class: "chip" }, item.visibility),
      item.edited && element("span", { class: "chip" }, "edited"),
      REASONS[item.reason?.kind] && element("span", { class: "chip" }, REASONS[item.reason.kind]),
      item.why && element("span", { class: "chip strong" }, HOW[item.why] ?? item.why),
      time(item.created_at)),
    words(item),
    item.quote && quoted(viewer, item.quote, level),
    extra,
    element("footer", { class: "actions" },
      link(["thread", original, { as: viewer }], "Thread"),
      viewer && why(viewer, item.post_id),
      element("span", { class: "id" }, item.post_id)));
}

function words(item) {
  const text = element("p", { class: "text", lang: item.lang, dir: "auto" }, item.text);
  if (item.warn === null) return text;
  return element("details", { class: "warned" },
    element("summary", {}, `Hidden by the mute “${item.warn}”`), text);
}

function quoted(viewer, { post_id: id, item, placeholder: kind }, level) {
  if (item === null && kind === null) {
    return element("p", { class: "note" }, "quotes ", link(["thread", id, { as: viewer }], id));
  }
  return element("blockquote", {},
    item ? post(viewer, item, { level: Math.min(level + 1, 6) }) : placeholder({ placeholder: kind }));
}

/** Return what stands in a thread for a post that is not shown. */
export function placeholder(item, extra = []) {
  const words = STANDS_FOR[item.placeholder] ?? item.placeholder;
  return element("div", { class: "placeholder", "data-post": item.post_id },
    element("p", {}, words), extra);
}

/** Return what opens the answer to why a post is in a home, or not. */
export function why(viewer, id, label = "Why?") {
  const said = element("div", { class: "why" });
  let asked = false;
  return element("details", {
    class: "asks",
    ontoggle: async (event) => {
      if (asked || !event.target.open) return;
      asked = true;
      said.replaceChildren(element("p", { class: "note" }, "Asking…"));
      try {
        const given = await get(["users", viewer, "explain", id], { view: "signal" });
        said.replaceChildren(...explanation(given));
      } catch (error) {
        asked = false;
        said.replaceChildren(failure(error));
      }
    },
  }, element("summary", { "aria-label": `Why is post ${id} in the home, or not?` }, label), said);
}

function explanation(given) {
  const moved = given.because ?? [];
  return [
    element("p", { class: "verdict" }, given.shown ? "In this home" : "Not in this home",
      element("span", { class: "chip" }, `rule ${given.rule}`)),
    element("p", {}, given.sentence),
    element("p", {}, given.detail),
    element("p", { class: "note" }, given.path ? PATHS[given.path] ?? given.path
      : "Nothing brings it to this viewer."),
    moved.length ? element("p", { class: "note" }, "What moves it by signal:") : "",
    moved.length ? because(moved) : "",
  ];
}

/** Return what moved a post in signal, each with its share. */
export function because(reasons) {
  return element("ul", { class: "because" }, reasons.map(({ share, words }) => {
    const percent = Math.round(Math.abs(share) * 100);
    const bar = element("span", { class: "share", "aria-hidden": "true" });
    bar.style.setProperty("--share", `${percent}%`);
    return element("li", { class: share > 0 ? "raises" : "lowers" }, bar,
      element("span", {}, `${share > 0 ? "+" : "−"}${percent} %`),
      element("span", {}, words));
  }));
}

/** Return an error as a person can use it. */
export function failure(error, again = null) {
  const told = error instanceof Problem;
  const hint = { 0: "Is the API running? The explorer asks it on this address.",
    401: "This API wants a token: paste one at the top.",
    403: "This token may not read as this user.",
    404: "It does not exist, or is hidden from this viewer: the answer is the same.",
    429: "Too many requests at once. Wait a moment." }[error.status];
  return element("div", { class: "failure", role: "alert" },
    element("p", {}, told ? error.message : "The explorer itself failed; its console says where."),
    told && hint ? element("p", { class: "note" }, hint) : null,
    again && element("button", { type: "button", onclick: again }, "Try again"));
}
