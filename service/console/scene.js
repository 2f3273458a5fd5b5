// What a tile of Operations is made of: numbers out of two looks at /metrics, and how they are written.
//
//     Scene (now, a minute ago) --gained, total--> number, or null: not reported --figures, table, spark--> elements

import { drawn, element, scroller } from "./elements.js";
import { increase, sum } from "./exposition.js";

export const MISSING = "not reported by this service";

/** @typedef {{at: number, metrics: import("./exposition.js").Metrics}} Look `at` in seconds */
/** @typedef {{now: Look, then: Look, seconds: number, looks: Look[]}} Scene */

/** @param {Look} look @param {string} name @returns {any[] | null} null: there is no such metric */
export function samples(look, name) {
  return look.metrics.get(name) ?? null;
}

/** What a counter went up by in the window; null: there is no such metric. */
export function gained({ now, then }, name) {
  const after = samples(now, name);
  return after && increase(samples(then, name) ?? [], after);
}

export function total(look, name) {
  const found = samples(look, name);
  return found && sum(found);
}

export function card(title, ...inside) {
  return element("section", { class: "panel tile" }, element("h2", {}, title), ...inside);
}

/** @param {[string, string | Node | null][]} pairs a value of null is not reported */
export function figures(pairs) {
  return element(
    "dl",
    { class: "figures" },
    ...pairs.flatMap(([term, value]) => [
      element("dt", {}, term),
      value === null ? element("dd", { class: "missing" }, MISSING) : element("dd", {}, value),
    ]),
  );
}

export function said(number, unit = "") {
  if (number === null) return null;
  const digits = Math.abs(number) >= 100 ? 0 : Math.abs(number) >= 10 ? 1 : 2;
  return `${number.toLocaleString("en", { maximumFractionDigits: digits })}${unit}`;
}

export function duration(seconds) {
  if (seconds === null) return "–";
  return seconds < 1
    ? said(Number((1000 * seconds).toPrecision(3)), " ms")
    : said(Number(seconds.toPrecision(3)), " s");
}

export function rate(gain, seconds) {
  if (gain === null) return null;
  return seconds ? said(gain / seconds, " /s") : "in a moment";
}

/**
 * Per second between each two looks.
 *
 * @param {Look[]} looks @param {(look: Look) => any[] | null} counted what of a look
 */
export function rates(looks, counted) {
  return looks.slice(1).map((look, at) => {
    const before = looks[at];
    const gain = increase(counted(before) ?? [], counted(look) ?? []);
    return sum(gain) / (look.at - before.at);
  });
}

export function spark(values, what) {
  const [width, height] = [240, 44];
  if (values.length < 2) return element("p", { class: "note" }, "The curve begins with the third look.");
  const most = Math.max(...values) || 1;
  const points = values.map(
    (value, at) =>
      `${((at / (values.length - 1)) * width).toFixed(1)},${(height - 2 - (value / most) * (height - 6)).toFixed(1)}`,
  );
  return drawn(
    "svg",
    {
      class: "spark",
      viewBox: `0 0 ${width} ${height}`,
      preserveAspectRatio: "none",
      role: "img",
      "aria-label": `${what}: at most ${most.toFixed(1)}`,
    },
    drawn("polyline", { class: "run", points: points.join(" ") }),
  );
}

export function table(head, rows) {
  const cell = (name) => (value, at) =>
    element(name, { class: at ? "number" : null, scope: name === "th" ? "col" : null }, value);
  const line = (name) => (cells) => element("tr", {}, ...cells.map(cell(name)));
  const body = element("tbody", {}, ...rows.map(line("td")));
  return scroller(element("table", {}, element("thead", {}, line("th")(head)), body), `Table: ${head.join(", ")}`);
}
