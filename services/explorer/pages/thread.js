// A conversation around a post: what is above it, the post, and a tree of what is below.

import { get } from "./api.js";
import { address, announce, element } from "./dom.js";
import { choice, loading, more } from "./listing.js";
import { failure, placeholder, post } from "./post.js";

const SORTS = { conversation: "As a conversation", oldest: "Oldest first", newest: "Newest first" };
const REPLIES = 20;

export function thread({ viewer, parts: [id], query }) {
  const sort = query.get("sort") in SORTS ? query.get("sort") : "conversation";
  const place = element("div", {}, loading());
  fill();
  return [
    element("h2", {}, "Thread"),
    choice("Order of replies", Object.entries(SORTS).map(([name, text]) => ({
      text, current: name === sort, href: address(["thread", id, { as: viewer, sort: name }]),
    }))),
    place,
  ];

  async function fill() {
    place.replaceChildren(loading());
    try {
      const page = await read(id);
      const above = page.items.filter(({ depth }) => depth < 0);
      const own = page.items.find(({ depth }) => depth === 0);
      const ancestors = element("ol", { class: "ancestors", "aria-label": "What is above" },
        above.map((item) => element("li", {}, shown(item))));
      place.replaceChildren(...(above.length ? [ancestors] : []), shown(own, true), hidden(own),
        replies(id, page));
    } catch (error) {
      place.replaceChildren(failure(error, fill));
    }
  }

  function read(of, before = null) {
    return get(["posts", of, "thread"], { viewer, sort, before, limit: REPLIES });
  }

  function shown(item, current = false) {
    return item.placeholder ? placeholder(item) : post(viewer, item, { current });
  }

  /** Return the replies of a page as a tree, with a button for those behind them. */
  function replies(of, page) {
    const list = element("ul", { class: "tree", "aria-label": "Replies" });
    const below = element("div", { class: "below" });
    grow(page);
    return element("div", { class: "branch" }, list, below);

    function grow(given) {
      list.append(...tree(given.items.filter(({ depth }) => depth > 0)));
      const next = () => extend(given.next);
      below.replaceChildren(...(given.next ? [more("More replies", next)] : []));
    }

    async function extend(before) {
      below.replaceChildren(loading());
      try {
        grow(await read(of, before));
        announce("More replies were loaded.");
      } catch (error) {
        below.replaceChildren(failure(error, () => extend(before)));
      }
    }
  }

  /** Return the lines of items in reading order, each with the tree of those deeper behind it. */
  function tree(items) {
    const lines = [];
    for (let at = 0; at < items.length;) {
      let end = at + 1;
      while (end < items.length && items[end].depth > items[at].depth) end += 1;
      lines.push(branch(items[at], items.slice(at + 1, end)));
      at = end;
    }
    return lines;
  }

  function branch(item, deeper) {
    const children = deeper.length ? [element("ul", { class: "tree" }, tree(deeper))] : [];
    const below = element("div", {}, children, cut(item, (opened) => below.replaceChildren(opened)));
    return element("li", {}, shown(item), hidden(item), below);
  }

  /** Return the button for replies that a page left out; it puts the whole branch in their place. */
  function cut(item, put) {
    if (!item.truncated) return null;
    const text = item.truncated === 1 ? "1 more reply" : `${item.truncated} more replies`;
    const place = element("div", { class: "below" }, more(text, open));
    return place;

    async function open() {
      place.replaceChildren(loading());
      try {
        put(replies(item.post_id, await read(item.post_id)));
        announce("The branch was opened.");
      } catch (error) {
        place.replaceChildren(failure(error, open));
      }
    }
  }
}

function hidden({ hidden: count }) {
  if (!count) return "";
  const text = count === 1 ? "1 reply is" : `${count} replies are`;
  return element("p", { class: "note" }, `${text} hidden from this viewer.`);
}
