// The same question for a terminal: one command, which asks POST /v1/predict what the page has asked.
//
//     text, asked --JSON, ASCII only--> quoted for a POSIX shell --> curl …

import { at } from "./api.js";
import { held } from "./key.js";

/** Characters beyond which a command's argument may be too long (Linux: 131,072 bytes each). */
const ARGUMENT = 100000;

/**
 * @param {string} text @param {Record<string, string>} asked task, model and threshold
 * @returns {string} a command; the key stays out of it
 */
export function textCommand(text, asked) {
  const body = ascii(JSON.stringify({ text, ...asked }));
  const start = [...begin(at("v1/predict")), "-H 'Content-Type: application/json'"];
  if (body.length <= ARGUMENT) return [...start, `-d ${quoted(body)}`].join(" \\\n  ");
  // In it nothing is special, and no line of JSON is its end.
  return `${[...start, "--data-binary @- <<'UNDERTONE'"].join(" \\\n  ")}\n${body}\nUNDERTONE`;
}

/** @param {string} name of the file @param {Record<string, string>} asked @returns {string} */
export function mailCommand(name, asked) {
  const url = at("v1/predict");
  url.search = new URLSearchParams(asked).toString();
  const file = /^[\x20-\x7e]+$/.test(name) ? name : "message.eml";
  return [...begin(url), "-H 'Content-Type: message/rfc822'", `--data-binary ${quoted(`@${file}`)}`].join(" \\\n  ");
}

function begin(url) {
  const key = held() ? ['-H "Authorization: Bearer $UNDERTONE_KEY"'] : [];
  return [`curl -s ${quoted(url.href)}`, ...key];
}

/** @param {string} word @returns {string} one word for a shell, whatever is in it */
export function quoted(word) {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** JSON in which no terminal finds anything but printable ASCII. */
function ascii(json) {
  return json.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
