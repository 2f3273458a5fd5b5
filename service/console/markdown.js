// As much of Markdown as a model's card uses, as elements: headings, paragraphs, lists, tables, code, bold.
//
//     text --blocks--> lines of one kind --> elements        pictures become their caption: they lie beside the card

import { element, scroller } from "./elements.js";

/** @param {string} text @returns {HTMLElement[]} */
export function rendered(text) {
  return text
    .split(/\n{2,}/)
    .filter((block) => block.trim())
    .map(block);
}

function block(text) {
  const lines = text.replace(/^\n+|\n+$/g, "").split("\n");
  const heading = /^(#{1,4}) (.*)/.exec(lines[0]);
  if (heading) return element(`h${heading[1].length + 2}`, {}, ...inline(heading[2]));
  if (lines.every((line) => line.startsWith("|")) && lines.length > 2) return table(lines);
  if (lines.every((line) => /^(- |  )/.test(line))) return list(lines);
  if (lines.every((line) => line.startsWith("    "))) return code(lines);
  return element("p", {}, ...inline(lines.join(" ")));
}

function table(lines) {
  const [head, align, ...body] = lines.map((line) =>
    line
      .replace(/^\||\|\s*$/g, "")
      .split("|")
      .map((cell) => cell.trim()),
  );
  const side = (column) => (align[column]?.endsWith(":") ? "number" : null);
  const row = (cells, name) =>
    element("tr", {}, ...cells.map((cell, at) => element(name, { class: side(at) }, ...inline(cell))));
  const inside = element(
    "table",
    {},
    element("thead", {}, row(head, "th")),
    element("tbody", {}, ...body.map((cells) => row(cells, "td"))),
  );
  return scroller(inside, `Table: ${head.join(", ")}`);
}

function list(lines) {
  const items = lines.join("\n").replace(/^- /, "").split(/\n- /);
  return element("ul", {}, ...items.map((item) => element("li", {}, ...inline(item.replace(/\n\s*/g, " ")))));
}

function code(lines) {
  return element("pre", {}, lines.map((line) => line.slice(4)).join("\n"));
}

function inline(text) {
  const made = [];
  let from = 0;
  for (const found of text.matchAll(/\*\*([^*]+)\*\*|\*([^*]+)\*|`([^`]+)`|!\[([^\]]*)\]\([^)]*\)/g)) {
    made.push(text.slice(from, found.index));
    const [, bold, italic, literal, caption] = found;
    if (bold !== undefined) made.push(element("strong", {}, bold));
    else if (italic !== undefined) made.push(element("em", {}, italic));
    else if (literal !== undefined) made.push(element("code", {}, literal));
    else made.push(element("em", {}, `Picture: ${caption}, in the model's folder.`));
    from = found.index + found[0].length;
  }
  return [...made, text.slice(from)];
}
