// What the page says of itself: how the connection is, what was refused, in which words, and whether a key is wanted.
//
//     Feed.state --connection--> one word, a countdown      error --complain--> alert, for 401 the dialog

import { Lost, Refused } from "./api.js";
import { by } from "./elements.js";
import * as key from "./key.js";

const WORDS = { lost: "Connection lost", waiting: "Asked to wait" };
/** What is refused until somebody acts, by its status. */
const CLOSED = { 401: "Key wanted", 403: "Not allowed" };

export class Notices {
  /** @param {{again(): void, keyed(): void}} on somebody will not wait; another key is used */
  constructor(on) {
    this.on = on;
    this.until = 0;
    this.dismissed = false;
    by("alert-close").addEventListener("click", () => this.quiet());
    by("line-retry").addEventListener("click", () => on.again());
    by("key-open").addEventListener("click", () => this.#open("The service checks it with every call."));
    by("key-close").addEventListener("click", () => by("key").close());
    // Who goes on without a key is not asked again by every call.
    by("key").addEventListener("close", () => (this.dismissed = !key.held()));
    by("key-forget").addEventListener("click", () => this.#use("", false));
    by("key-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#use(by("key-value").value, by("key-keep").checked);
    });
    setInterval(() => this.#countdown(), 500);
  }

  /** @param {import("./feed.js").State} state @param {any} [error] @param {number} [until] of the next try, as Date.now() */
  connection(state, error, until = 0) {
    const closed = state === "refused" ? CLOSED[error.status] : undefined;
    const word = closed ?? WORDS[state] ?? "Connected";
    by("line").dataset.state = closed ? "refused" : state;
    if (by("line-word").textContent !== word) by("line-word").textContent = word; // it is read out
    by("line-retry").hidden = word === "Connected";
    this.until = until;
    this.#countdown();
    if (state === "refused" || state === "waiting") this.complain(error);
    else if (state === "reading") this.quiet();
  }

  /** @param {Error} error in the words of the service, if it is one of hers; anything else is thrown */
  complain(error) {
    if (error instanceof Refused) this.say(error.code, error.message);
    else if (error instanceof Lost) this.say("no connection", `${error.message}.`);
    else throw error;
    if (error instanceof Refused && error.status === 401) this.askForKey(error);
  }

  /** @param {string} code @param {string} message */
  say(code, message) {
    by("alert-code").textContent = code;
    by("alert-message").textContent = message;
    by("alert").hidden = false;
  }

  quiet() {
    by("alert").hidden = true;
  }

  /** @param {Error} error of somebody who has called without a key, or with one that is not known */
  askForKey(error) {
    if (!this.dismissed && !by("key").open) this.#open(error.message);
  }

  #open(why) {
    by("key-why").textContent = why;
    by("key-keep").checked = key.kept();
    by("key-forget").hidden = !key.held();
    by("key").showModal();
    by("key-value").focus();
  }

  #use(value, keep) {
    key.use(value, keep);
    by("key-value").value = "";
    by("key").close();
    this.quiet();
    this.on.keyed();
  }

  #countdown() {
    const left = Math.max(0, Math.ceil((this.until - Date.now()) / 1000));
    by("line-left").textContent = this.until ? `again in ${left} s` : "";
  }
}
