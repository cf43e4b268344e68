// Elements, made so that whatever the API says is text: nothing here reads markup.

/** Return an element; `on…` attributes listen, false and null ones are left out. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : String(value));
  }
  append(made, children);
  return made;
}

function append(parent, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    parent.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/** Return a link within the explorer; each part of its path is escaped. */
export function link(path, text, attributes = {}) {
  return element("a", { ...attributes, href: address(path) }, text);
}

/** Return the address of a place: its parts, then its parameters that have a value. */
export function address([...parts]) {
  const query = typeof parts.at(-1) === "object" ? parts.pop() : {};
  const given = Object.entries(query).filter(([, value]) => value);
  const written = new URLSearchParams(given).toString();
  return `#/${parts.map(encodeURIComponent).join("/")}${written ? `?${written}` : ""}`;
}

/** Tell what happened to those who do not see it. */
export function announce(text) {
  document.getElementById("said").textContent = text;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

/** Return when something was, short to read and whole to hover. */
export function time(written) {
  const at = new Date(written);
  if (Number.isNaN(at.getTime())) return element("span", {}, String(written));
  const today = new Date().toDateString() === at.toDateString();
  const short = today ? clock.format(at) : `${day.format(at)}, ${clock.format(at)}`;
  return element("time", { datetime: at.toISOString(), title: whole.format(at) }, short);
}
