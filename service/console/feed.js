// A text on its way while it is typed: what is new is sent, and what has changed since is sent all over again.
//
//     read(text) --the new end--> WS /v1/stream --events--> on.event
//        `-- something that was sent is another now --> a pause --> a new stream, from the first character
//     closed without `done` --> ask why --> on.state: refused, or lost --> again, later and later

import { at, call, lines, Lost, Refused, told } from "./api.js";
import { fits, protocols } from "./key.js";

/** Milliseconds without a change before a text that was changed in its middle is sent again. */
const CHANGED = 150;
/** The same before the text counts as finished, and is answered as a whole. */
const FINISHED = 2500;
/** Characters of a frame: less than the least that UNDERTONE_MAX_FRAME can be. */
const FRAME = 1000;
/** Seconds between the tries of a connection: twice as many each time, up to MOST. */
const FIRST = 0.5;
const MOST = 15;
/** Handshakes that fail, while the service answers, before the text is sent by POST. */
const HANDSHAKES = 3;
const APPLICATION = 4000;

/**
 * @typedef {"rest" | "opening" | "reading" | "lost" | "waiting" | "refused"} State
 * lost: no answer; waiting: the service asks to come again later; refused: it will not, unless something changes
 */

export class Feed {
  /**
   * @param {() => Record<string, string> | null} asked task, model and threshold; null: not known yet
   * @param {(more: RequestInit) => Promise<void>} ask a call that tells why there is no connection
   * @param {{began(): void, event(event: any): void, state(state: State, error?: Error, until?: number): void}} on
   */
  constructor(asked, ask, on) {
    this.asked = asked;
    this.ask = ask;
    this.on = on;
    this.text = "";
    this.sent = "";
    this.state = "rest";
    this.tries = 0;
    this.handshakes = 0;
    this.free = true;
    this.ended = false;
    /** @type {WebSocket | AbortController | null} what is under way */
    this.way = null;
    this.timer = 0;
  }

  /** @param {string} text as it is now, without lone surrogates */
  read(text) {
    this.text = text;
    const grown = text.startsWith(this.sent);
    if (this.way instanceof WebSocket && grown && !this.ended) {
      if (this.way.readyState === WebSocket.OPEN) this.#push();
    } else if (!this.#stuck()) {
      this.#drop();
      this.#become("rest");
      if (text) this.timer = setTimeout(() => this.again(), grown && this.#typed() ? 0 : CHANGED);
    }
  }

  /** From the first character: what is asked for has changed, or the key, or somebody is tired of waiting. */
  again() {
    this.#drop();
    if (!this.text || !this.asked()) this.#ask();
    else if (this.#typed()) this.#connect();
    else this.#post();
  }

  /** Nothing is read any more. */
  stop() {
    this.text = this.sent = "";
    this.#drop();
    if (!this.#stuck()) this.#become("rest");
  }

  /** Looks whether the service is still there, where nothing else would show it. */
  async check() {
    if (this.state !== "rest" || this.way) return;
    try {
      await call("livez");
    } catch (error) {
      if (this.state === "rest" && !this.way && error instanceof Lost) this.#later("lost", error);
    }
  }

  /** Waits for the service, or for another key: more typing changes nothing of that. */
  #stuck() {
    return this.state === "lost" || this.state === "waiting" || (this.state === "refused" && !this.free);
  }

  #typed() {
    return fits() && this.handshakes < HANDSHAKES;
  }

  #become(state, error, until) {
    this.state = state;
    this.on.state(state, error, until);
  }

  #drop() {
    clearTimeout(this.timer);
    const way = this.way;
    this.way = null;
    if (way instanceof WebSocket) way.close();
    else way?.abort();
  }

  #connect() {
    const way = (this.way = new WebSocket(address(this.asked()), protocols()));
    let failure = null;
    let done = false;
    let opened = false;
    this.sent = "";
    this.ended = false;
    if (this.state === "rest") this.#become("opening");
    way.onopen = () => {
      if (this.way !== way) return;
      opened = true;
      this.tries = this.handshakes = 0;
      this.#become("reading");
      this.on.began();
      this.#push();
    };
    way.onmessage = ({ data }) => {
      if (this.way !== way) return;
      const event = JSON.parse(data);
      done ||= event.event === "done";
      if (event.event === "error") failure = event.error;
      else this.on.event(event);
    };
    way.onclose = ({ code }) => {
      if (this.way !== way) return;
      this.#drop();
      if (done) this.#become("rest");
      else if (failure) this.#failed(told(failure, code - APPLICATION));
      else {
        if (!opened) this.handshakes += 1;
        this.#ask();
      }
    };
  }

  #push() {
    for (let from = this.sent.length; from < this.text.length;) {
      let to = Math.min(from + FRAME, this.text.length);
      if (to < this.text.length && /[\ud800-\udbff]/.test(this.text[to - 1])) to -= 1; // not between the halves
      this.way.send(JSON.stringify({ text: this.text.slice(from, to) }));
      from = to;
    }
    this.sent = this.text;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.ended = true;
      this.way.send('{"end": true}');
    }, FINISHED);
  }

  /** Where no WebSocket can be had, the whole text after every change. */
  async #post() {
    const text = this.text;
    if (!text.trim()) return this.#become("rest");
    const way = (this.way = new AbortController());
    try {
      const answer = await call("v1/stream", {
        method: "POST",
        signal: way.signal,
        headers: { "content-type": "application/json", accept: "application/x-ndjson" },
        body: JSON.stringify({ text, ...this.asked() }),
      });
      this.tries = 0;
      this.#become("reading");
      this.on.began();
      for await (const event of lines(answer)) {
        if (event.event === "error") throw told(event.error);
        if (this.way === way) this.on.event(event);
      }
      if (this.way === way) {
        this.way = null;
        this.#become("rest");
        if (this.text !== text) this.read(this.text);
      }
    } catch (error) {
      if (this.way === way) this.#failed(error);
    }
  }

  /** A handshake that is refused shows a page no reason, so another call has to find it out. */
  async #ask() {
    const way = (this.way = new AbortController());
    const known = this.asked() !== null;
    try {
      await this.ask({ signal: way.signal });
      if (this.way !== way) return;
      this.way = null;
      if (this.text && !known) this.again();
      else if (this.text) this.#later("lost", new Lost("the connection broke"));
      else {
        this.tries = 0;
        this.#become("rest");
      }
    } catch (error) {
      if (this.way === way) this.#failed(error);
    }
  }

  #failed(error) {
    this.#drop();
    if (error instanceof Lost) this.#later("lost", error);
    else if (error instanceof Refused && error.passing) this.#later("waiting", error, error.seconds);
    else {
      // What is wrong with one text need not be wrong with the next; a key stays wrong.
      this.free = ![401, 403].includes(error.status);
      this.#become("refused", error);
    }
  }

  #later(state, error, least = 0) {
    const apart = Math.min(MOST, FIRST * 2 ** this.tries) * (0.8 + 0.4 * Math.random());
    const seconds = Math.max(least, apart);
    this.tries += 1;
    this.#become(state, error, Date.now() + seconds * 1000);
    this.timer = setTimeout(() => this.again(), seconds * 1000);
  }
}

/** @param {Record<string, string>} asked @returns {URL} */
function address(asked) {
  const url = at("v1/stream");
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.search = new URLSearchParams(asked).toString();
  return url;
}
