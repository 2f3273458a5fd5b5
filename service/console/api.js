// Calls to the service this page came from; what it refuses is thrown in its own words.
//
//     fetch --ok--> answer        lines(answer) --NDJSON--> events, as they come
//        `-- 4xx, 5xx --> Refused (code, message, status, seconds)   no answer --> Lost

import { headers } from "./key.js";

/** Codes of errors that go away: an event has no status. */
const PASSING = new Set(["rate_limited", "overloaded", "store_unavailable", "shutting_down"]);

/** The service said no. */
export class Refused extends Error {
  /** @param {number} status @param {string} code @param {string} message @param {number} seconds Retry-After, or 0 */
  constructor(status, code, message, seconds = 0) {
    super(message);
    this.status = status;
    this.code = code;
    this.seconds = seconds;
  }

  /** Whether the same call may succeed in a while. */
  get passing() {
    return this.status === 429 || this.status === 503 || PASSING.has(this.code);
  }
}

/** The service said nothing. */
export class Lost extends Error {}

/** @param {string} path @returns {URL} below the page */
export function at(path) {
  return new URL(path, document.baseURI);
}

/**
 * @param {string} path @param {RequestInit} [more] @returns {Promise<Response>} an answer that is no error
 * @throws {Refused | Lost}
 */
export async function call(path, more = {}) {
  let answer;
  try {
    answer = await fetch(at(path), { cache: "no-store", ...more, headers: { ...headers(), ...more.headers } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Lost("the service does not answer");
  }
  if (answer.ok) return answer;
  throw await refusal(answer);
}

/** @param {Response} answer @returns {Promise<Refused>} */
async function refusal(answer) {
  const seconds = Number(answer.headers.get("retry-after")) || 0;
  try {
    const { error } = await answer.json();
    return new Refused(answer.status, error.code, error.message, seconds);
  } catch {
    const message = `the answer was ${answer.status} ${answer.statusText}, and not from the service itself`;
    return new Refused(answer.status, String(answer.status), message, seconds);
  }
}

/** @param {{code: string, message: string}} error of an event @param {number} [status] that it has over HTTP */
export function told(error, status = 0) {
  return new Refused(status, error.code, error.message);
}

/**
 * @param {Response} answer of JSON lines
 * @returns {AsyncGenerator<any>} an event each
 * @throws {Lost}
 */
export async function* lines(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    let read;
    try {
      read = await reader.read();
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Lost("the answer broke off");
    }
    if (read.done) return;
    const whole = (rest + read.value).split("\n");
    rest = whole.pop();
    for (const line of whole) yield JSON.parse(line);
  }
}
