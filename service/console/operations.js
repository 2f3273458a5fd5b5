// For those on call without Grafana: what /metrics says, and what it said a minute ago.
//
//     GET metrics, every POLL --parsed--> looks, of the last MEMORY --Scene--> tiles.js, drift.js

import { call, Refused } from "./api.js";
import { models } from "./drift.js";
import { parsed } from "./exposition.js";
import { errors, health, latency, redis, sessions, traffic } from "./tiles.js";

/** Seconds between two looks. */
const POLL = 5;
/** Seconds over which rates and quantiles are taken. */
const WINDOW = 60;
/** Looks that are kept: ten minutes. */
const MEMORY = 120;

export class Operations {
  /**
   * @param {HTMLElement} cards @param {HTMLElement} note
   * @param {(error: Refused) => void} refused a key is asked for
   */
  constructor(cards, note, refused) {
    this.cards = cards;
    this.note = note;
    this.refused = refused;
    /** @type {import("./scene.js").Look[]} */
    this.looks = [];
    this.timer = 0;
    this.open = false;
    document.addEventListener("visibilitychange", () => this.show(this.open));
  }

  /** @param {boolean} open somebody looks */
  show(open) {
    this.open = open;
    clearTimeout(this.timer);
    if (open && document.visibilityState === "visible") this.look();
  }

  async look() {
    clearTimeout(this.timer);
    let wait = POLL;
    try {
      const [metrics, status] = await Promise.all([call("metrics"), call("v1/status")]);
      this.looks.push({ at: Date.now() / 1000, metrics: parsed(await metrics.text()) });
      this.looks.splice(0, this.looks.length - MEMORY);
      this.#draw(await status.json());
    } catch (error) {
      wait = Math.max(POLL, error.seconds ?? 0);
      this.#failed(error);
    }
    clearTimeout(this.timer);
    if (this.open && document.visibilityState === "visible") this.timer = setTimeout(() => this.look(), wait * 1000);
  }

  #failed(error) {
    const code = error instanceof Refused ? `${error.code}: ` : "";
    const last = this.looks.length ? ` The numbers below are of ${clock(this.looks.at(-1).at)}.` : "";
    this.note.textContent = `/metrics was not read. ${code}${error.message}.${last}`;
    this.note.dataset.bad = "";
    if (error.status === 401) this.refused(error);
  }

  #draw(status) {
    const now = this.looks.at(-1);
    const then = this.looks.find(({ at }) => at >= now.at - WINDOW);
    const seconds = now.at - then.at;
    delete this.note.dataset.bad;
    this.note.textContent = seconds
      ? `/metrics at ${clock(now.at)}. Rates and quantiles are over the last ${Math.round(seconds)} s; it is read every ${POLL} s.`
      : `/metrics at ${clock(now.at)}. Rates come with the second look, in ${POLL} s.`;
    const scene = { now, then, seconds, looks: this.looks };
    const made = [
      health(scene, status),
      traffic(scene),
      latency(scene),
      errors(scene),
      sessions(scene),
      redis(scene),
      ...models(scene),
    ];
    this.#replace(made);
  }

  /** Who moves a table by keys still has it when it is drawn anew. */
  #replace(made) {
    const held = this.cards.contains(document.activeElement) ? document.activeElement : null;
    const moved = held?.scrollLeft;
    this.cards.replaceChildren(...made);
    const tables = held ? [...this.cards.querySelectorAll(".wide")] : [];
    const same = tables.find(({ ariaLabel }) => ariaLabel === held.ariaLabel);
    same?.focus({ preventScroll: true });
    same?.scrollTo(moved, 0);
  }
}

function clock(at) {
  return new Date(at * 1000).toLocaleTimeString("en-GB");
}
