// What is known of the text by now: sentence by sentence, some of it from before the last change.
//
//     events of this stream --> heard ---.
//     changed(text): what was known ----> carried, until it is heard again --> sentences

import { Points } from "./points.js";

/**
 * @typedef {object} Sentence
 * @property {number} offset in code points
 * @property {number} length in code points
 * @property {number} probability of the positive label, after it
 * @property {number} delta log-odds
 * @property {Float32Array} state what the readout saw, [H]
 * @property {boolean} final false: what would be said if the text ended here
 * @property {string} [text] of a mail
 */

export class Reading {
  constructor() {
    this.clear();
  }

  /** There is no text. */
  clear() {
    this.text = "";
    this.points = new Points("");
    this.forget();
  }

  /** Nothing is known of the text any more: it is another question that is asked. */
  forget() {
    /** @type {Sentence[]} */ this.heard = [];
    /** @type {Sentence[]} */ this.carried = [];
    this.head = 0;
    /** @type {any} the last event, once it is there */ this.done = null;
    this.range = 0.25;
  }

  /** @returns {Sentence[]} all that are known, in order */
  get sentences() {
    return this.head < this.carried.length ? this.heard.concat(this.carried.slice(this.head)) : this.heard;
  }

  /** @returns {boolean} whether something of it is from before the last change */
  get stale() {
    return this.head < this.carried.length;
  }

  /** @returns {number | null} log-odds before the first sentence, which its delta tells */
  get prior() {
    const first = this.heard[0] ?? this.carried[0];
    const odds = this.done ? this.done.prior : first ? logit(first.probability) - first.delta : NaN;
    return Number.isFinite(odds) ? odds : null;
  }

  /**
   * The text is another one. What lies behind the change moves with it, and stands until it is read anew.
   *
   * @param {string} text
   */
  changed(text) {
    const before = this.text;
    const was = this.points;
    const shorter = Math.min(before.length, text.length);
    let same = 0;
    while (same < shorter && before[same] === text[same]) same += 1;
    let after = 0;
    while (after < shorter - same && before[before.length - 1 - after] === text[text.length - 1 - after]) after += 1;
    this.text = text;
    this.points = new Points(text);
    this.done = null;
    const moved = this.points.length - was.length;
    const [from, to] = [was.point(same), was.point(before.length - after)];
    const all = this.sentences;
    if (same < before.length) {
      this.heard = [];
      this.head = 0;
      this.carried = all.map((one) => shifted(one, from, to, moved)).filter((one) => one.length > 0);
    }
  }

  /** A stream begins at the first character. */
  began() {
    if (this.heard.length) {
      this.carried = this.sentences;
      this.head = 0;
      this.heard = [];
    }
    this.done = null;
  }

  /** @param {any} event sentence, provisional or done */
  event(event) {
    if (event.event === "done") {
      this.done = event;
      this.carried = [];
      this.head = 0;
    } else if (event.event === "sentence" || event.event === "provisional") {
      if (event.text !== undefined) this.#told(event);
      this.#hear(event);
    }
  }

  #hear(event) {
    const { index, offset, length, probability, delta } = event;
    const final = event.event === "sentence";
    const state = Float32Array.from(event.state);
    for (const value of state) while (Math.abs(value) > this.range) this.range *= 2;
    const replaced = this.heard.splice(index);
    this.heard.push({ offset, length, probability, delta, state, final });
    if (!final) {
      // It is the end of what was sent: nothing comes after it.
      this.carried = [];
    } else if (!this.stale) {
      // What was unfinished behind it stands until it is said again, a moment later.
      this.carried = replaced;
      this.head = 0;
    }
    while (this.head < this.carried.length && this.carried[this.head].offset < offset + length) this.head += 1;
  }

  /** A mail is not typed: its text comes with its sentences, and what lies between them is blank. */
  #told({ offset, text }) {
    const gap = offset - this.points.length;
    const blank = gap > 1 ? " ".repeat(gap - 2) + "\n\n" : " ".repeat(gap);
    this.text += blank + text;
    this.points.add(blank + text);
  }

  /** @param {Sentence} sentence @returns {[number, number]} where it stands in `text`, in units */
  place(sentence) {
    return [this.points.unit(sentence.offset), this.points.unit(sentence.offset + sentence.length)];
  }

  /** @param {Sentence} sentence @returns {string} */
  words(sentence) {
    return this.text.slice(...this.place(sentence));
  }

  /** @param {number} threshold @returns {number | null} the first sentence after which the label no longer changed */
  decided(threshold) {
    const all = this.sentences;
    if (!all.length) return null;
    let at = all.length - 1;
    const positive = all[at].probability >= threshold;
    while (at > 0 && all[at - 1].probability >= threshold === positive) at -= 1;
    return at;
  }
}

/** A sentence, after the code points `from` to `to` became so many more; of length 0 if nothing is left of it. */
function shifted(one, from, to, moved) {
  const end = one.offset + one.length;
  if (end <= from) return one;
  if (one.offset < from) return { ...one, length: Math.max(end, to) + moved - one.offset };
  const start = Math.max(one.offset, to);
  return { ...one, offset: start + moved, length: Math.max(0, end - start) };
}

/** @param {number} probability @returns {number} log-odds */
export function logit(probability) {
  return Math.log(probability) - Math.log1p(-probability);
}
