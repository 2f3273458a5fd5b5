// The blackboard: a row for every sentence, and in it h_t.
//
//     Reading --a window of it--> rows, of which the changed ones are made anew     arrow keys, pointer --> on.point

import { chance, count, element, shown, signed } from "./elements.js";
import { sign, strip } from "./palette.js";

/** Rows that are drawn at once; the others are a button away. */
const ROWS = 60;
/** Characters of a sentence in its row. */
const SNIPPET = 160;

export class Steps {
  /**
   * @param {{rows: HTMLElement, earlier: HTMLElement, later: HTMLElement}} parts
   * @param {(index: number) => void} point
   */
  constructor(parts, point) {
    this.parts = parts;
    this.point = point;
    /** @type {{said: string, row: HTMLElement}[]} */
    this.drawn = [];
    this.first = 0;
    this.following = true;
    this.total = 0;
    this.chosen = -1;
    parts.rows.addEventListener("keydown", (event) => this.#key(event));
    parts.rows.addEventListener("mouseover", ({ target }) => this.#over(target));
    parts.rows.addEventListener("focusin", ({ target }) => this.#over(target));
    parts.rows.addEventListener("click", ({ target }) => this.#over(target));
    parts.earlier.addEventListener("click", () => this.#shift(-ROWS));
    parts.later.addEventListener("click", () => this.#shift(ROWS));
  }

  /** @param {import("./reading.js").Reading} reading @param {number | null} threshold @param {number} chosen */
  draw(reading, threshold, chosen) {
    this.again = () => this.draw(reading, threshold, this.chosen);
    const all = reading.sentences;
    this.total = all.length;
    if (chosen !== this.chosen && chosen >= 0) this.#include(chosen);
    this.chosen = chosen;
    const last = Math.max(0, all.length - ROWS);
    this.first = this.following ? last : Math.min(this.first, last);
    const rows = all.slice(this.first, this.first + ROWS).map((one, at) => this.#row(reading, one, at, threshold));
    while (this.drawn.length > rows.length) this.drawn.pop().row.remove();
    rows.forEach(({ said, make }, at) => {
      const old = this.drawn[at];
      if (old?.said !== said) {
        const row = make();
        if (old) old.row.replaceWith(row);
        else this.parts.rows.append(row);
        this.drawn[at] = { said, row };
      }
      this.#mark(this.drawn[at].row, this.first + at);
    });
    this.#edges();
  }

  /** Forgets what is drawn: the theme is another one. */
  repaint() {
    this.drawn.forEach((one) => (one.said = ""));
    this.again?.();
  }

  #row(reading, one, at, threshold) {
    const words = reading.words(one);
    const { probability, delta, final } = one;
    const number = this.first + at + 1;
    const said = [number, words, probability, delta, final, threshold, reading.range, one.state[0]].join("\u0000");
    const make = () => {
      const above = threshold === null || probability >= threshold;
      return element(
        "div",
        { class: `step${final ? "" : " open"}`, role: "option" },
        element("span", { class: "t" }, String(number)),
        element("span", { class: "words" }, element("bdi", {}, shown(words, SNIPPET))),
        element("span", { class: `p ${above ? "above" : "below"}` }, `${sign(above)} ${chance(probability)}`),
        element("span", { class: "delta" }, signed(delta)),
        element("span", { class: "h", "aria-hidden": "true" }, "h", element("sub", {}, String(number))),
        strip(one.state, reading.range),
      );
    };
    return { said, make };
  }

  #mark(row, index) {
    const chosen = index === this.chosen;
    row.setAttribute("aria-selected", String(chosen));
    row.setAttribute("aria-posinset", String(index + 1));
    row.setAttribute("aria-setsize", String(this.total));
    row.tabIndex = chosen || (this.chosen < this.first && index === this.first) ? 0 : -1;
    row.dataset.index = String(index);
  }

  #edges() {
    const { rows, earlier, later } = this.parts;
    const behind = this.total - this.first - this.drawn.length;
    rows.hidden = !this.drawn.length;
    earlier.hidden = !this.first;
    earlier.textContent = `${count(this.first)} earlier`;
    later.hidden = behind <= 0;
    later.textContent = `${count(behind)} later`;
  }

  #include(index) {
    if (index >= this.first && index < this.first + ROWS) return;
    this.first = Math.max(0, index - ROWS / 2);
    this.following = this.first >= this.total - ROWS;
  }

  #shift(rows) {
    this.first = Math.max(0, Math.min(this.total - ROWS, this.first + rows));
    this.following = this.first >= this.total - ROWS;
    this.again?.();
  }

  #over(target) {
    const row = target.closest?.(".step");
    if (row && Number(row.dataset.index) !== this.chosen) this.point(Number(row.dataset.index));
  }

  #key(event) {
    const from = Number(document.activeElement.dataset.index ?? this.chosen);
    const to = {
      ArrowDown: from + 1,
      ArrowUp: from - 1,
      Home: 0,
      End: this.total - 1,
      PageDown: from + 10,
      PageUp: from - 10,
    }[event.key];
    if (to === undefined || !this.total) return;
    event.preventDefault();
    const index = Math.max(0, Math.min(this.total - 1, to));
    this.#include(index);
    this.point(index);
    this.again();
    this.drawn[index - this.first]?.row.focus();
  }
}
