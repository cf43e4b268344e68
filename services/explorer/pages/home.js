// A home: newest first as it changes, or by signal with what moved each item.

import { follow, get } from "./api.js";
import { address, announce, element } from "./dom.js";
import { choice, listing, loading, more, nothing } from "./listing.js";
import { because, failure, post } from "./post.js";

const LIVE = 30; // items kept up to date; more would make each event's id longer

export function home({ viewer, query, signal, restart }) {
  const bySignal = query.get("view") === "signal";
  return [
    element("h2", {}, "Home"),
    choice("Order", [
      { text: "Newest first", href: address(["home", { as: viewer }]), current: !bySignal },
      { text: "By signal", href: address(["home", { as: viewer, view: "signal" }]),
        current: bySignal },
    ]),
    ...(bySignal ? [signalled(viewer)] : live(viewer, signal, restart)),
  ];
}

function signalled(viewer) {
  return listing({
    path: ["users", viewer, "home"], parameters: { view: "signal" }, name: "Home by signal",
    empty: "Nothing here yet: this user follows nobody who wrote.", older: "Further behind",
    show: (item) => post(viewer, item, { extra: [
      element("details", { class: "moved", open: true },
        element("summary", {}, item.score === null ? "Not ordered: by time"
          : `What moved it (${item.score.toFixed(2)})`),
        because(item.because)),
      item.folded > 0 && element("p", { class: "note" },
        `${item.folded} more of this author stand further behind.`),
    ] }),
  });
}

function live(viewer, signal, restart) {
  const state = element("p", { class: "live", role: "status", "data-live": "no" }, "Connecting…");
  const note = element("div");
  const lines = element("ol", { class: "lines", "aria-label": "Home, newest first" });
  const below = element("div", { class: "below" }, loading());
  const past = element("ol", { class: "lines past", "aria-label": "Older, as they were when read" });
  const items = new LiveList(viewer, lines, past);
  const report = (connected) => {
    state.dataset.live = connected ? "yes" : "no";
    state.textContent = connected ? "Live" : "Cut off; connecting again…";
  };
  const receive = (event, data, anew) => {
    if (event === "change") {
      if (data.gap) return void restart("Much arrived meanwhile: read anew.");
      if (anew) items.clear();
      data.items.forEach((item) => items.put(item, false));
      note.replaceChildren(...(data.state === "building"
        ? [element("p", { class: "note" }, "This home is being built anew; more will come.")] : []));
      if (anew) below.replaceChildren(...older(data.next));
    } else if (event === "entry") {
      items.put(data, true);
      announce(`New: user ${data.author_id}: ${data.text}`);
    } else if (event === "edit") items.put(data, false);
    else if (event === "removal") items.remove(data.post_id);
    empty.hidden = lines.children.length > 0;
  };
  const empty = nothing("Nothing here yet: this user follows nobody who wrote.");
  empty.hidden = true;
  follow(viewer, LIVE, receive, report, signal).catch((error) => {
    state.dataset.live = "no";
    state.textContent = "Not live";
    below.replaceChildren(failure(error, () => restart()));
  });
  return [state, note, lines, empty, past, below];

  function older(next) {
    if (!next) return [];
    return [more("Older", async () => {
      below.replaceChildren(loading());
      try {
        const page = await get(["users", viewer, "home"], { before: next });
        page.items.forEach((item) => items.append(item));
        announce(`${page.items.length} more`);
        below.replaceChildren(...older(page.next));
      } catch (error) {
        below.replaceChildren(failure(error), ...older(next));
      }
    })];
  }
}

/** The newest posts in their order, a line each; a line stays as it is until its post changes. */
class LiveList {
  constructor(viewer, lines, past) {
    Object.assign(this, { viewer, lines, past, held: new Map() });
  }

  clear() {
    this.held.clear();
    this.lines.replaceChildren();
    this.past.replaceChildren();
  }

  put(item, news) {
    const line = element("li", { class: news && "arrived" }, post(this.viewer, item));
    const was = this.held.get(item.post_id);
    this.held.set(item.post_id, line);
    if (was) return void was.replaceWith(line);
    const behind = [...this.held.keys()].filter((id) => BigInt(id) < BigInt(item.post_id));
    const next = behind.reduce((a, b) => (a === null || BigInt(b) > BigInt(a) ? b : a), null);
    this.lines.insertBefore(line, next === null ? null : this.held.get(next));
    if (this.held.size > LIVE) this.settle(this.lines.lastElementChild);
  }

  /** Move the last line below: the stream says nothing about it any more. */
  settle(line) {
    const id = line.firstElementChild.dataset.post;
    this.held.delete(id);
    this.past.prepend(line);
  }

  remove(id) {
    this.held.get(id)?.remove();
    this.held.delete(id);
  }

  append(item) {
    this.past.append(element("li", {}, post(this.viewer, item)));
  }
}
