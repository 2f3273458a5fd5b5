// Elements, made without any markup being parsed: what a text says can only ever become text.
//
//     element("p", {class: "note"}, "Hello") --> <p class="note">Hello</p>

const SVG = "http://www.w3.org/2000/svg";

/** Control characters; what has no width, or turns the direction; tags. */
const CONTROLS = "\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f";
const WIDTHLESS = "\\u00ad\\u061c\\u200b\\u200e\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff";
const TAGS = "\\u{e0000}-\\u{e007f}";
/** Joiners where no script needs them; emoji, and scripts that do, keep theirs. */
const JOINERS = "(?<=\\p{Script=Latin})[\\u200c\\u200d]";
/** Characters that nobody sees. */
const UNSEEN = new RegExp(`[${CONTROLS}${WIDTHLESS}${TAGS}]|${JOINERS}`, "gu");

/**
 * @param {string} name
 * @param {Record<string, string | number | boolean | null | undefined>} [attributes] false and null: none
 * @param {...(Node | string)} inside
 * @returns {HTMLElement}
 */
export function element(name, attributes = {}, ...inside) {
  return filled(document.createElement(name), attributes, inside);
}

/** The same for a drawing. @returns {SVGElement} */
export function drawn(name, attributes = {}, ...inside) {
  return filled(document.createElementNS(SVG, name), attributes, inside);
}

function filled(made, attributes, inside) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, String(value));
  }
  made.append(...inside);
  return made;
}

/** @param {HTMLElement} table @param {string} name @returns {HTMLElement} scrolled, by keys too, where it is too wide */
export function scroller(table, name) {
  return element("div", { class: "wide", role: "group", "aria-label": name, tabindex: 0 }, table);
}

/** @param {string} id @returns {any} the element of the page, which is there */
export function by(id) {
  return document.getElementById(id);
}

/**
 * A text as a reader of it should see it: what nobody would see is named.
 *
 * @param {string} text @param {number} most characters; more are counted
 * @returns {DocumentFragment}
 */
export function shown(text, most = Infinity) {
  const made = document.createDocumentFragment();
  const cut = text.length > most ? text.slice(0, most).toWellFormed() : text;
  let from = 0;
  for (const found of cut.matchAll(UNSEEN)) {
    made.append(cut.slice(from, found.index), named(found[0]));
    from = found.index + found[0].length;
  }
  made.append(cut.slice(from));
  if (cut.length < text.length) made.append(` … (${count(text.length - cut.length)} more characters)`);
  return made;
}

function named(character) {
  const code = character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
  return element("span", { class: "unseen", title: "a character that is not seen" }, `U+${code}`);
}

/** @param {number} number @returns {string} 12,345 */
export function count(number) {
  return number.toLocaleString("en");
}

/** @param {number} value @param {number} places @returns {string} with its sign, a real minus */
export function signed(value, places = 2) {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(places)}`;
}

/** @param {number} probability @returns {string} never 1.000 for what is not 1 */
export function chance(probability) {
  if (probability > 0.9995 && probability < 1) return "> 0.999";
  if (probability < 0.0005 && probability > 0) return "< 0.001";
  return probability.toFixed(3);
}

/**
 * Calls `draw` before a frame, once however often it was asked for; and so that drawing takes at most a third of the
 * time, since what is typed has to appear, too.
 *
 * @param {() => void} draw @returns {() => void}
 */
export function eventually(draw) {
  let waiting = false;
  let rested = 0;
  const run = () => {
    const began = performance.now();
    waiting = false;
    draw();
    // After the browser has laid it out and painted it.
    requestAnimationFrame(() => setTimeout(() => (rested = began + 3 * (performance.now() - began))));
  };
  return () => {
    if (waiting) return;
    waiting = true;
    const rest = rested - performance.now();
    if (rest > 0) setTimeout(() => requestAnimationFrame(run), rest);
    else requestAnimationFrame(run);
  };
}
