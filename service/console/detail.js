// One sentence: what it changed, and the state before and after it.
//
//     sentence t, sentence t - 1 --> p, delta, h before, h after, and which cells moved most

import { chance, count, element, shown, signed } from "./elements.js";
import { sign, strip } from "./palette.js";

/** Characters of the sentence; the longest that the service makes has 1,000. */
const WORDS = 1200;
/** Cells that moved most. */
const MOVED = 4;

/**
 * @param {import("./reading.js").Reading} reading @param {number} index
 * @param {string[]} labels @param {number | null} threshold
 * @returns {HTMLElement[]}
 */
export function detail(reading, index, labels, threshold) {
  const all = reading.sentences;
  const one = all[index];
  const before = index ? all[index - 1] : null;
  const prior = before?.probability ?? (reading.prior === null ? null : 1 / (1 + Math.exp(-reading.prior)));
  const zero = new Float32Array(one.state.length);
  const was = before?.state.length === one.state.length ? before.state : zero;
  const change = one.state.map((value, cell) => value - was[cell]);
  const towards = one.delta >= 0 ? labels.at(-1) : labels.length > 2 ? "the others" : labels[0];
  return [
    element(
      "p",
      { class: "which" },
      `Sentence ${count(index + 1)} of ${count(all.length)}`,
      one.final ? "" : ", unfinished",
    ),
    element("blockquote", {}, element("bdi", {}, shown(reading.words(one), WORDS))),
    element(
      "dl",
      { class: "figures" },
      ...figure("before", prior === null ? "prior" : marked(prior, threshold)),
      ...figure("after", marked(one.probability, threshold)),
      ...figure("change", `${signed(one.delta)} towards ${towards ?? ""}`, "log-odds"),
    ),
    row([...h(index), " before"], was, reading.range, before ? "" : "nothing is read: shown as zeros"),
    row([...h(index + 1), " after"], one.state, reading.range),
    row(["change"], change, reading.range),
    element(
      "p",
      { class: "note" },
      `${one.state.length} cells, from −${reading.range} (blue) over 0 to ${reading.range} (orange). `,
      moved(change),
    ),
  ];
}

function marked(probability, threshold) {
  return threshold === null ? chance(probability) : `${sign(probability >= threshold)} ${chance(probability)}`;
}

function figure(term, value, unit) {
  return [
    element("dt", {}, term),
    element("dd", {}, value, unit ? element("span", { class: "unit" }, ` ${unit}`) : ""),
  ];
}

function row(name, values, range, note = "") {
  const title = element(
    "span",
    { class: "name" },
    ...name,
    note ? element("span", { class: "unit" }, ` (${note})`) : "",
  );
  return element("div", { class: "state" }, title, strip(values, range));
}

function h(number) {
  return [element("i", {}, "h"), element("sub", {}, String(number))];
}

function moved(change) {
  const cells = [...change.keys()].sort((a, b) => Math.abs(change[b]) - Math.abs(change[a])).slice(0, MOVED);
  return `Moved most: ${cells.map((cell) => `cell ${cell + 1} by ${signed(change[cell])}`).join(", ")}.`;
}
