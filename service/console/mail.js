// A mail, as it came: it goes to the service whole, and its text comes back sentence by sentence.
//
//     file --POST v1/stream, message/rfc822--> events --> on.event       done.mail --about--> parts, links

import { call, lines, Lost, told } from "./api.js";
import { count, element, shown } from "./elements.js";

/** Seconds before it is sent again. */
const AGAIN = 3;
/** Links that are listed. */
const LINKS = 20;

/** @param {File} file @returns {boolean} */
export function isMail(file) {
  return /\.eml$/i.test(file.name) || file.type === "message/rfc822";
}

/** One mail, which is read until it is read: a service that is away, or asks to wait, is asked again. */
export class Mail {
  /**
   * @param {File} file @param {Record<string, string>} asked
   * @param {{began(): void, event(event: any): void, failed(error: Error): void}} on
   */
  constructor(file, asked, on) {
    this.file = file;
    this.asked = asked;
    this.on = on;
    this.way = new AbortController();
    this.timer = 0;
    /** @type {any} what was read of it, once it is read */
    this.found = null;
    this.#read();
  }

  /** It is of no interest any more. */
  stop() {
    clearTimeout(this.timer);
    this.way.abort();
  }

  async #read() {
    try {
      const answer = await call(`v1/stream?${new URLSearchParams(this.asked)}`, {
        method: "POST",
        signal: this.way.signal,
        headers: { "content-type": "message/rfc822", accept: "application/x-ndjson" },
        body: this.file,
      });
      this.on.began();
      for await (const event of lines(answer)) this.#heard(event);
    } catch (error) {
      if (this.way.signal.aborted) return;
      this.on.failed(error);
      const seconds = Math.max(AGAIN, error.seconds ?? 0);
      if (error instanceof Lost || error.passing) this.timer = setTimeout(() => this.#read(), seconds * 1000);
    }
  }

  #heard(event) {
    if (this.way.signal.aborted) return;
    if (event.event === "error") throw told(event.error);
    if (event.event === "done") this.found = event.mail;
    this.on.event(event);
  }

  /** @returns {HTMLElement[]} which mail it is, and what was read of it */
  about() {
    const title = element("p", {}, element("strong", {}, element("bdi", {}, shown(this.file.name, 80))));
    if (!this.found) return [title, element("p", { class: "note" }, "Not read yet.")];
    const { parts, links, hidden } = this.found;
    const named = parts.map(({ path, content_type, charset }) => `${path} (${content_type}, ${charset})`);
    const scored = named.length ? `the subject and part ${named.join(", ")}` : "the subject alone";
    const unseen = hidden ? `${count(hidden)} hidden characters were not` : "nothing is hidden";
    const made = [title, element("p", { class: "note" }, `Scored is ${scored}; ${unseen}.`)];
    if (links.length) made.push(element("ul", { class: "links" }, ...links.slice(0, LINKS).map(link)));
    if (links.length > LINKS)
      made.push(element("p", { class: "note" }, `… and ${count(links.length - LINKS)} more links.`));
    return made;
  }
}

/** As text: nobody should get there from here. */
function link({ url, text, mismatched }) {
  return element(
    "li",
    { class: mismatched ? "mismatched" : null },
    element("bdi", {}, text ? shown(text, 80) : "(a picture)"),
    " → ",
    element("bdi", {}, shown(url, 160)),
    mismatched ? element("strong", {}, " ⚠ leads elsewhere than it says") : "",
  );
}
