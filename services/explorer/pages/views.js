// The listings: what speaks to a viewer, what is new, people, lists, tags, authors and words.

import { get } from "./api.js";
import { address, element, link, time } from "./dom.js";
import { choice, listing, loading, nothing } from "./listing.js";
import { failure, person, post, why } from "./post.js";

export function mentions({ viewer }) {
  return [
    element("h2", {}, "Mentions"),
    element("p", { class: "lead" }, "What mentions, answers or quotes this user, or goes on below."),
    posts(viewer, ["users", viewer, "mentions"], "Mentions", "Nobody has spoken to this user."),
  ];
}

export function unanswered({ viewer, query }) {
  const oldest = query.get("sort") === "oldest";
  const at = (sort) => address(["unanswered", { as: viewer, sort }]);
  return [
    element("h2", {}, "Waiting for an answer"),
    choice("Order", [
      { text: "Newest first", href: at(""), current: !oldest },
      { text: "Longest first", href: at("oldest"), current: oldest },
    ]),
    posts(viewer, ["users", viewer, "unanswered"], "Waiting for an answer",
      "Nobody waits for an answer of this user.", { sort: oldest ? "oldest" : "newest" }),
  ];
}

export function catchUp({ viewer, query }) {
  const place = element("div", {}, loading());
  const spans = [["", "Since the read mark"], ["1", "A day"], ["7", "A week"]];
  const days = query.get("days") ?? "";
  fill();
  return [
    element("h2", {}, "Catch up"),
    choice("Since when", spans.map(([value, text]) => ({
      text, current: value === days, href: address(["catch-up", { as: viewer, days: value }]),
    }))),
    place,
  ];

  async function fill() {
    const back = Date.now() - Number(days) * 86_400_000 + 60_000; // the API bounds it at 7 days
    const since = ["1", "7"].includes(days) ? new Date(back).toISOString() : null;
    try {
      const news = await get(["users", viewer, "catch-up"], { since });
      place.replaceChildren(...told(viewer, news));
    } catch (error) {
      place.replaceChildren(failure(error, fill));
    }
  }
}

function told(viewer, news) {
  const lines = news.items.map((item) => element("li", { class: "news" },
    item.kind === "conversation" ? conversation(viewer, item) : broadcasts(viewer, item)));
  return [
    element("p", { class: "lead" }, "Since ", time(news.since), ". Conversations come first."),
    lines.length ? element("ol", { class: "lines" }, lines) : nothing("Nothing new since then."),
    news.folded > 0 && element("p", { class: "note" },
      `${news.folded} posts of others belong to no conversation here.`),
    news.more && element("p", { class: "note" }, "There is more, older than what was looked at."),
    news.state === "building" && element("p", { class: "note" }, "This home is being built anew."),
  ].filter(Boolean);
}

function conversation(viewer, { root_id: root, posts: fresh, participants }) {
  return element("section", {},
    element("h3", {}, link(["thread", root, { as: viewer }], "Conversation"), " of ",
      participants.map((user, at) => [at ? ", " : "", person(viewer, user)])),
    fresh.map((item) => post(viewer, item, { level: 4 })));
}

function broadcasts(viewer, { author_id: author, count }) {
  const text = count === 1 ? "1 post to nobody in particular" : `${count} posts to nobody in particular`;
  return element("section", {}, element("h3", {}, person(viewer, author)), element("p", {}, text));
}

export function author({ viewer, parts: [user], query }) {
  const replies = ["none", "only"].includes(query.get("replies")) ? query.get("replies") : "";
  const at = (value) => address(["author", user, { as: viewer, replies: value }]);
  return [
    element("h2", {}, `User ${user}`),
    element("p", { class: "lead" }, link(["home", { as: user }], "Read as this user")),
    choice("Replies", [["", "Everything"], ["none", "Without replies"], ["only", "Replies only"]].map(
      ([value, text]) => ({ text, href: at(value), current: value === replies }))),
    posts(viewer, ["users", user, "posts"], "Posts", "No post that this viewer may see.",
      { viewer, replies: replies || "all" }),
  ];
}

export function list({ viewer, parts: [id] }) {
  return [element("h2", {}, `List ${id}`),
    posts(viewer, ["lists", id, "timeline"], "Posts", "The members of this list wrote nothing.",
      { viewer })];
}

export function tag({ viewer, parts: [name] }) {
  return [element("h2", {}, `#${name}`),
    posts(viewer, ["tags", name], "Posts", "No public post has this tag.", { viewer })];
}

const CRITERIA = [
  ["q", "Words", { type: "search" }],
  ["author", "Author", { inputmode: "numeric" }],
  ["tag", "Tag", {}],
  ["conversation", "Conversation", { inputmode: "numeric" }],
];

export function search({ viewer, query, go }) {
  const given = Object.fromEntries(CRITERIA.map(([name]) => [name, query.get(name) ?? ""]));
  const form = element("form", { class: "search", role: "search", onsubmit: (event) => {
    event.preventDefault();
    go(["search", { as: viewer, ...Object.fromEntries(new FormData(form)) }]);
  } },
    CRITERIA.map(([name, label, attributes]) => element("label", {}, label,
      element("input", { name, value: given[name], autocomplete: "off", ...attributes }))),
    element("button", { type: "submit" }, "Search"));
  const asked = Object.values(given).some(Boolean);
  return [element("h2", {}, "Search"), form, asked
    ? posts(viewer, ["search"], "Found", "No public post fits.", { viewer, ...given })
    : nothing("Public posts by their words, author, tag or conversation.")];
}

const KINDS = {
  follows: "Follows", followers: "Followers", lists: "Lists", tags: "Tags", blocks: "Blocks",
  mutes: "Mutes", keyword_mutes: "Muted words",
};

export function people({ viewer, query }) {
  const kind = query.get("kind") in KINDS ? query.get("kind") : "follows";
  return [
    element("h2", {}, "People, lists and tags"),
    choice("Kind", Object.entries(KINDS).map(([name, text]) => ({
      text, current: name === kind, href: address(["people", { as: viewer, kind: name }]),
    }))),
    listing({
      path: ["users", viewer, "relations"], parameters: { kind }, name: KINDS[kind],
      empty: "None.", older: "More", show: (each) => relation(viewer, each),
    }),
  ];
}

function relation(viewer, each) {
  if (each.list_id) {
    return [link(["list", each.list_id, { as: viewer }], `List ${each.list_id}`),
      element("span", { class: "note" }, ` replies: ${each.replies}${each.exclusive ? ", exclusive" : ""}`)];
  }
  if (each.keyword_id) {
    return [element("strong", {}, each.phrase),
      element("span", { class: "note" }, ` ${each.action}${each.contexts.length ? ` in ${each.contexts.join(", ")}` : ""}`)];
  }
  if (each.tag) return link(["tag", each.tag, { as: viewer }], `#${each.tag}`);
  const facts = [each.follow && `replies: ${each.follow.replies}`, each.followed_by && "follows back",
    each.blocked && "blocked", each.mute && "muted"].filter(Boolean);
  return [person(viewer, each.user_id), element("span", { class: "note" }, ` ${facts.join(", ")}`)];
}

export function whyNot({ viewer, query, go }) {
  const id = query.get("post") ?? "";
  const form = element("form", { class: "search", onsubmit: (event) => {
    event.preventDefault();
    go(["why", { as: viewer, post: form.elements.post.value.trim() }]);
  } },
    element("label", {}, "Post",
      element("input", { name: "post", value: id, inputmode: "numeric", autocomplete: "off" })),
    element("button", { type: "submit" }, "Explain"));
  const answer = id && why(viewer, id, `Post ${id}`);
  if (answer) answer.open = true;
  return [element("h2", {}, "Why, or why not"),
    element("p", { class: "lead" }, "Why a post is in this home, or missing, by the rule that decides."),
    form, answer];
}

function posts(viewer, path, name, empty, parameters = {}) {
  return listing({ path, parameters, name, empty, show: (item) => post(viewer, item) });
}
