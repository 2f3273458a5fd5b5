// The answer in words: what the label is by now, and for who listens, what has become of it.
//
//     Reading --Verdict.draw--> label, probability, why     a changed label, the end --after a while--> #said

import { by, chance, count } from "./elements.js";
import { sign } from "./palette.js";

/** Milliseconds between two sentences that a screen reader is told, at least. */
const CALM = 3000;
/** Milliseconds that a label must stand before it is told. */
const STEADY = 500;
const WARNINGS = {
  mostly_unknown_words: "Most of its words are unknown to the model.",
  no_words: "There are no words in it.",
  not_english: "It does not read as English, which is all that the model has learnt.",
  very_short: "It is very short.",
};

export class Verdict {
  constructor() {
    this.told = "";
    this.at = 0;
    this.timer = 0;
  }

  /** @param {import("./reading.js").Reading} reading @param {string[]} labels @param {number | null} threshold */
  draw(reading, labels, threshold) {
    const probability = reading.sentences.at(-1)?.probability ?? reading.done?.probability;
    if (probability === undefined)
      this.#write("none", "", "Nothing read yet", "", "The curve begins with the first sentence.");
    else this.#answer(reading, labels, threshold, probability);
  }

  #answer(reading, labels, threshold, probability) {
    const above = threshold === null || probability >= threshold;
    const label = threshold === null ? (reading.done?.label ?? "") : above ? labels.at(-1) : labels[0];
    const finished = reading.done !== null;
    const word = finished ? label : `${label} so far`;
    this.#write(above ? "above" : "below", sign(above), word, chance(probability), because(reading, labels, threshold));
    const sentences = count(reading.sentences.length);
    this.#tell(
      word,
      `${word}: ${Math.round(100 * probability)} percent ${labels.at(-1)} after ${sentences} sentences.`,
    );
  }

  #write(side, mark, word, number, why) {
    by("verdict").dataset.side = side;
    by("sign").textContent = mark;
    by("label").textContent = word;
    by("probability").textContent = number;
    by("because").textContent = why;
  }

  /** Not for every letter: only a word that is another one, and that stands. */
  #tell(word, sentence) {
    clearTimeout(this.timer);
    if (word === this.told) return;
    const wait = Math.max(STEADY, this.at + CALM - Date.now());
    this.timer = setTimeout(() => {
      this.told = word;
      this.at = Date.now();
      by("said").textContent = sentence;
    }, wait);
  }
}

function because(reading, labels, threshold) {
  const number = reading.sentences.length;
  const read = `probability of ${labels.at(-1)} after ${number === 1 ? "one sentence" : `${count(number)} sentences`}`;
  const decided = threshold === null ? null : reading.decided(threshold);
  const since = decided === null ? "" : `; the label stands since sentence ${count(decided + 1)}`;
  const warned = (reading.done?.warnings ?? []).map((one) => ` ${WARNINGS[one] ?? one}`);
  return `${read}${since}.${warned.join("")}`;
}
