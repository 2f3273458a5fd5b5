// Where the text is typed: a textarea, and behind it the same text with a colour for every sentence.
//
//     textarea --input--> on.text          Reading --paint--> pieces, of which only the changed ones are made anew
//     pointer, caret --> on.point(sentence)

import { element } from "./elements.js";
import { level } from "./palette.js";

/** Sentences with a colour, at least and at most: of more, the last ones. */
const COLOURED = [750, 1000];
/** Scripts that are written from right to left; to look at every paragraph's direction costs as much as all else. */
const LEFTWARDS = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

export class Editor {
  /**
   * @param {HTMLTextAreaElement} area @param {HTMLElement} behind
   * @param {{text(text: string): void, point(index: number): void}} on
   */
  constructor(area, behind, on) {
    this.area = area;
    this.behind = behind;
    this.on = on;
    /** @type {{text: string, look: string, index: number}[]} */
    this.pieces = [];
    /** @type {HTMLElement[]} one for each piece */
    this.spans = [];
    this.end = behind.appendChild(element("br")); // a newline at the end has a line of its own
    area.addEventListener("input", () => on.text(this.text));
    area.addEventListener("mousemove", (event) => this.#pointed(event));
    area.addEventListener("keyup", () => this.#moved());
    area.addEventListener("click", () => this.#moved());
  }

  /** @returns {string} as it can be sent: half a character becomes U+FFFD */
  get text() {
    return this.area.value.toWellFormed();
  }

  /** @param {string} text @param {boolean} fixed of a mail: it is looked at, not typed */
  show(text, fixed) {
    if (this.area.value !== text) this.area.value = text;
    this.area.readOnly = fixed;
  }

  /** @param {import("./reading.js").Reading} reading @param {number} threshold @param {number} chosen */
  paint(reading, threshold, chosen) {
    const pieces = pieced(reading, threshold, chosen);
    const old = this.pieces;
    const shorter = Math.min(pieces.length, old.length);
    let from = 0;
    while (from < shorter && same(pieces[from], old[from])) from += 1;
    let after = 0;
    while (after < shorter - from && same(pieces[pieces.length - 1 - after], old[old.length - 1 - after])) after += 1;
    const made = pieces
      .slice(from, pieces.length - after)
      .map(({ text, look }) => element("span", { class: look }, text));
    const gone = this.spans.splice(from, old.length - after - from, ...made);
    for (const span of gone) span.remove();
    (this.spans[from + made.length] ?? this.end).before(...made);
    this.pieces = pieces;
    this.behind.parentElement.classList.toggle("both-ways", LEFTWARDS.test(reading.text));
  }

  #pointed({ clientX, clientY }) {
    const under = document.elementsFromPoint(clientX, clientY).find((one) => one.parentNode === this.behind);
    this.#say(this.pieces[this.spans.indexOf(under)]);
  }

  #moved() {
    let before = 0;
    const caret = this.area.selectionStart;
    this.#say(this.pieces.find(({ text }) => (before += text.length) >= caret));
  }

  #say(piece) {
    if (piece && piece.index >= 0) this.on.point(piece.index);
  }
}

/** @param {number} sentences @returns {number} the first one with a colour; it stays the same for a while */
export function coloured(sentences) {
  const [least, most] = COLOURED;
  return sentences <= most ? 0 : (Math.floor((sentences - most - 1) / (most - least)) + 1) * (most - least);
}

/** The text cut where its sentences begin and end; `index` is -1 between them. */
function pieced(reading, threshold, chosen) {
  const pieces = [];
  const { text, sentences } = reading;
  let at = 0;
  for (let index = coloured(sentences.length); index < sentences.length; index += 1) {
    const one = sentences[index];
    const [from, to] = reading.place(one);
    if (from < at || from >= text.length) continue;
    if (from > at) pieces.push({ text: text.slice(at, from), look: "", index: -1 });
    const side = one.probability >= threshold ? "above" : "below";
    const sure = one.final ? "" : " open";
    const look = `said p${level(one.probability)} ${side}${sure}${index === chosen ? " chosen" : ""}`;
    pieces.push({ text: text.slice(from, to), look, index });
    at = Math.min(to, text.length);
  }
  if (at < text.length) pieces.push({ text: text.slice(at), look: "", index: -1 });
  return pieces;
}

function same(a, b) {
  return a.text === b.text && a.look === b.look;
}
