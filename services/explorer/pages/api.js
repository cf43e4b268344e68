// The public API, and nothing else: JSON, problems as exceptions, and the stream of a home.

let token = "";

/** Send this token from now on; it is kept in memory only. */
export function useToken(text) {
  token = text.trim();
}

/** What the API refused, or that it did not answer at all: then `status` is 0. */
export class Problem extends Error {
  constructor(status, detail, field = null) {
    super(detail);
    this.status = status;
    this.field = field;
  }
}

const ANSWER_MS = 15_000;
const SILENCE_MS = 60_000; // four heartbeats of the API's default

/** Return the JSON at a path; parameters without a value are left out. */
export async function get(path, parameters = {}) {
  return (await answer(written(path, parameters), {}, AbortSignal.timeout(ANSWER_MS))).json();
}

function written(path, parameters) {
  const given = Object.entries(parameters).filter(([, value]) => value ?? false);
  const query = new URLSearchParams(given).toString();
  return `/v1/${path.map(encodeURIComponent).join("/")}${query ? `?${query}` : ""}`;
}

async function answer(address, headers, signal) {
  const credentials = token ? { Authorization: `Bearer ${token}` } : {};
  let response;
  try {
    response = await fetch(address, {
      headers: { ...headers, ...credentials }, signal, cache: "no-store", credentials: "omit",
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, error.name === "TimeoutError" ? "The API is slow." : "No API answers.");
  }
  if (!response.ok) throw await problem(response);
  return response;
}

async function problem(response) {
  let said = {};
  try {
    said = await response.json();
  } catch {
    // Something before the API answered: its status is all there is.
  }
  const detail = said?.detail ?? said?.title ?? response.statusText;
  return new Problem(response.status, String(detail), said?.field ?? null);
}

/**
 * Follow a home until `signal` ends it: `receive(event, data, anew)` for each event, `connected(bool)`
 * when that changes; `anew` is true of a whole page that nothing before it belongs to. After a cut it resumes behind the last event received; where that is refused,
 * it begins anew with a whole page.
 */
export async function follow(user, limit, receive, connected, signal) {
  const address = written(["users", user, "home", "stream"], { limit });
  let last = null;
  for (let failures = 0; !signal.aborted; failures += 1) {
    const silence = new Silence(signal);
    try {
      const headers = last === null ? {} : { "Last-Event-ID": last };
      const response = await answer(address, headers, silence.signal);
      connected(true);
      for await (const { event, id, data } of events(response.body, () => silence.heard())) {
        failures = 0;
        receive(event, data, last === null);
        last = id ?? last;
      }
    } catch (error) {
      if (error instanceof Problem && error.status === 400 && last !== null) last = null;
      else if (error instanceof Problem && [400, 401, 403].includes(error.status)) throw error;
    } finally {
      silence.end();
    }
    if (signal.aborted) return;
    connected(false);
    await pause(Math.min(500 * 2 ** failures, 15_000) * (0.5 + Math.random() / 2), signal);
  }
}

/** Aborts what has been silent for too long: a connection may die without a word. */
class Silence {
  constructor(outer) {
    this.controller = new AbortController();
    this.outer = outer;
    this.stop = () => this.controller.abort();
    outer.addEventListener("abort", this.stop);
    this.heard();
  }

  get signal() {
    return this.controller.signal;
  }

  heard() {
    clearTimeout(this.timer);
    this.timer = setTimeout(this.stop, SILENCE_MS);
  }

  end() {
    clearTimeout(this.timer);
    this.outer.removeEventListener("abort", this.stop);
    this.stop();
  }
}

/** Yield the events of a body as the HTML standard reads them; its `retry` is not followed. */
async function* events(body, heard) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    heard();
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const read = { event: "message", id: null, data: [] };
      for (const line of block.split("\n")) {
        const [, field, text] = /^(\w*)(?:: ?(.*))?$/s.exec(line) ?? [];
        if (field === "data") read.data.push(text ?? "");
        else if (field === "event" || field === "id") read[field] = text ?? "";
      }
      if (read.data.length) yield { ...read, data: JSON.parse(read.data.join("\n")) };
    }
  }
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
