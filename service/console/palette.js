// From numbers to colours, blue to orange, which everybody can tell apart; the colours themselves are in console.css.
//
//     probability --level--> 0 … 8 --class p0 … p8--> a colour of the theme       state --strip--> cells

import { element } from "./elements.js";

const LEVELS = 8;

/** @param {number} probability @returns {number} 0 … 8 */
export function level(probability) {
  return Math.round(probability * LEVELS);
}

/** @param {boolean} above the threshold @returns {string} a sign for those who see no colours */
export function sign(above) {
  return above ? "▲" : "▽";
}

/**
 * A state as a strip of cells: blue below zero, orange above, full at `range`.
 *
 * @param {Float32Array | number[]} values [H] @param {number} range
 * @returns {HTMLElement}
 */
export function strip(values, range) {
  const canvas = element("canvas", { width: values.length, height: 1 });
  const holder = element("span", { class: "strip", "aria-hidden": "true" }, canvas);
  holder.style.setProperty("--cells", String(values.length));
  paint(canvas, values, range);
  return holder;
}

/** @param {HTMLCanvasElement} canvas */
function paint(canvas, values, range) {
  const [low, none, high] = ends();
  const image = new ImageData(Math.max(values.length, 1), 1);
  values.forEach((value, cell) => {
    const end = value < 0 ? low : high;
    const share = Math.min(1, Math.abs(value) / range);
    for (let c = 0; c < 3; c += 1) image.data[4 * cell + c] = none[c] + (end[c] - none[c]) * share;
    image.data[4 * cell + 3] = 255;
  });
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** @type {number[][] | null} */
let known = null;

/** The theme's colours at -range, 0 and range, each [red, green, blue]. */
function ends() {
  if (!known) {
    const style = getComputedStyle(document.documentElement);
    known = ["--low", "--none", "--high"].map((name) => {
      const hex = style.getPropertyValue(name).trim();
      return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
    });
  }
  return known;
}

/** @param {() => void} redraw when light becomes dark */
export function watchTheme(redraw) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    known = null;
    redraw();
  });
}
