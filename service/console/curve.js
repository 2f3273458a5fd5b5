// The running probability as a curve: from the prior, over every sentence, to where the text is now.
//
//     Reading --thinned--> points --draw--> SVG, with the threshold and the sentence that decided

import { chance, count, drawn } from "./elements.js";

/** Pixels, at least. */
const HEIGHT = 230;
const EDGE = { left: 44, right: 14, top: 26, bottom: 30 };
/** Points that are drawn: of more, the highest and lowest of every stretch. */
const POINTS = 400;
/** Sentences up to which each has a mark of its own. */
const MARKED = 60;

export class Curve {
  /** @param {HTMLElement} place @param {(index: number) => void} point */
  constructor(place, point) {
    this.place = place;
    this.last = null;
    this.size = { width: 0, height: 0 };
    new ResizeObserver(([{ contentRect }]) => {
      this.size = contentRect;
      if (this.last) this.draw(...this.last);
    }).observe(place);
    place.addEventListener("mousemove", ({ offsetX, target }) => {
      if (this.across && place.contains(target)) point(this.across(offsetX));
    });
  }

  /**
   * @param {import("./reading.js").Reading} reading @param {string[]} labels
   * @param {number | null} threshold @param {number} chosen
   */
  draw(reading, labels, threshold, chosen) {
    this.last = [reading, labels, threshold, chosen];
    const width = Math.max(260, this.size.width);
    const height = Math.max(HEIGHT, this.size.height);
    const all = reading.sentences;
    const x = scale(0, Math.max(all.length, 1), EDGE.left, width - EDGE.right);
    const y = scale(0, 1, height - EDGE.bottom, EDGE.top);
    this.across = (at) => {
      const share = (at - EDGE.left) / (width - EDGE.right - EDGE.left);
      return Math.max(0, Math.min(all.length - 1, Math.round(share * all.length) - 1));
    };
    const image = drawn("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
    image.setAttribute("aria-label", spoken(all, labels, threshold, reading));
    image.append(...frame(width, height, x, y, all.length, labels));
    const border = threshold === null ? [] : line(width, y(threshold), threshold);
    image.append(...border);
    if (all.length) {
      const decided = threshold === null ? null : reading.decided(threshold);
      if (decided !== null) image.append(...decision(width, height, x(decided + 1), decided));
      image.append(...path(reading, all, x, y));
      image.append(...marks(all, x, y, threshold, chosen));
    }
    image.append(...border.slice(1)); // its words go on top
    this.place.replaceChildren(image);
  }
}

function scale(from, to, start, end) {
  return (value) => start + ((value - from) / (to - from)) * (end - start);
}

function frame(width, height, x, y, sentences, labels) {
  const [low, high] = [labels[0] ?? "", labels.at(-1) ?? ""];
  const made = [0, 0.25, 0.5, 0.75, 1].flatMap((p) => [
    drawn("line", { class: "grid", x1: EDGE.left, x2: width - EDGE.right, y1: y(p), y2: y(p) }),
    drawn("text", { class: "tick", x: EDGE.left - 8, y: y(p) + 4, "text-anchor": "end" }, String(p)),
  ]);
  made.push(drawn("text", { class: "tick end", x: EDGE.left + 6, y: y(1) + 15 }, `▲ ${high}`));
  made.push(
    drawn("text", { class: "tick end", x: EDGE.left + 6, y: y(0) - 7 }, `▽ ${labels.length > 2 ? "others" : low}`),
  );
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000].find(
    (n) => sentences / n <= width / 60,
  );
  for (let n = 0; n <= sentences; n += step) {
    const anchor = n && n + step > sentences && x(n) > width - 30 ? "end" : "middle";
    const word = n ? count(n) : "prior";
    made.push(drawn("text", { class: "tick", x: x(n), y: height - 10, "text-anchor": anchor }, word));
  }
  return made;
}

function line(width, at, threshold) {
  return [
    drawn("line", { class: "threshold", x1: EDGE.left, x2: width - EDGE.right, y1: at, y2: at }),
    drawn(
      "text",
      { class: "tick", x: width - EDGE.right, y: at - 6, "text-anchor": "end" },
      `threshold ${threshold.toFixed(2)}`,
    ),
  ];
}

function decision(width, height, at, index) {
  const [top, bottom] = [EDGE.top - 6, height - EDGE.bottom];
  const word = `decided at ${count(index + 1)}`;
  const beside = at > width - 110 ? { x: at - 9, "text-anchor": "end" } : { x: at + 9, "text-anchor": "start" };
  return [
    drawn("line", { class: "decided", x1: at, x2: at, y1: top, y2: bottom }),
    drawn("path", { class: "diamond", d: `M${at} ${top - 5}l5 5l-5 5l-5 -5z` }),
    drawn("text", { class: "tick decided-word", y: top + 4, ...beside }, word),
  ];
}

/** What is final, whole; what is unfinished or from before a change, dashed. */
function path(reading, all, x, y) {
  const heard = reading.heard.findLastIndex(({ final }) => final) + 1;
  const points = thinned(all).map((index) => [index + 1, all[index].probability]);
  const prior = reading.prior;
  if (prior !== null) points.unshift([0, 1 / (1 + Math.exp(-prior))]);
  const done = points.filter(([at]) => at <= heard);
  const open = points.filter(([at]) => at >= heard);
  const made = [];
  if (open.length > 1) made.push(drawn("polyline", { class: "run open", points: joined(open, x, y) }));
  if (done.length > 1) made.push(drawn("polyline", { class: "run", points: joined(done, x, y) }));
  if (prior !== null) made.push(drawn("circle", { class: "prior", cx: x(0), cy: y(points[0][1]), r: 3 }));
  return made;
}

function joined(points, x, y) {
  return points.map(([at, p]) => `${x(at).toFixed(1)},${y(p).toFixed(1)}`).join(" ");
}

function marks(all, x, y, threshold, chosen) {
  const own = all.length <= MARKED ? all.keys() : [all.length - 1];
  return [...new Set([...own, chosen])]
    .filter((index) => index >= 0 && index < all.length)
    .map((index) => {
      const { probability, final } = all[index];
      const above = threshold === null || probability >= threshold;
      const look = `mark ${above ? "above" : "below"}${final ? "" : " open"}${index === chosen ? " chosen" : ""}`;
      const [cx, cy] = [x(index + 1), y(probability)];
      const r = index === chosen ? 7.5 : 5.5;
      const up = above ? 1 : -1; // a triangle that points to its side
      const d = `M${cx - r} ${cy + 0.8 * r * up}h${2 * r}l${-r} ${-1.8 * r * up}z`;
      return drawn("path", { class: look, d });
    });
}

/** The numbers of the sentences to draw: all, or of each stretch the extremes. */
function thinned(all) {
  if (all.length <= POINTS) return [...all.keys()];
  const kept = [];
  const stretch = all.length / (POINTS / 2);
  for (let from = 0; from < all.length; from += stretch) {
    let low = Math.floor(from);
    let high = low;
    const end = Math.min(all.length, Math.floor(from + stretch));
    for (let index = low; index < end; index += 1) {
      if (all[index].probability < all[low].probability) low = index;
      if (all[index].probability > all[high].probability) high = index;
    }
    kept.push(...new Set([Math.min(low, high), Math.max(low, high)]));
  }
  if (kept.at(-1) !== all.length - 1) kept.push(all.length - 1);
  return kept;
}

function spoken(all, labels, threshold, reading) {
  if (!all.length) return "The running probability: nothing is read yet.";
  const last = all.at(-1).probability;
  const label = labels.at(-1) ?? "the positive label";
  const where =
    threshold === null ? "" : `, ${last >= threshold ? "above" : "below"} the threshold of ${threshold.toFixed(2)}`;
  const decided = threshold === null ? "" : ` Decided at sentence ${reading.decided(threshold) + 1}.`;
  const over = `The running probability of ${label} over ${count(all.length)} sentences`;
  return `${over} ends at ${chance(last)}${where}.${decided}`;
}
