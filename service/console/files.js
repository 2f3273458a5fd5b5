// Files that are dropped on the page, or picked with the keyboard.
//
//     drop, <input type=file> --> on.file, with how many others there were

import { by } from "./elements.js";

/** @param {{file(file: File, others: number): void}} on */
export function listen(on) {
  const holds = (event) => event.dataTransfer?.types.includes("Files");
  const taken = ([file, ...others]) => file && on.file(file, others.length);
  addEventListener("dragover", (event) => {
    if (!holds(event)) return;
    event.preventDefault();
    by("drop").hidden = false;
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) by("drop").hidden = true; // it has left the window, not one element for the next
  });
  addEventListener("drop", (event) => {
    if (!holds(event)) return;
    event.preventDefault();
    by("drop").hidden = true;
    taken(event.dataTransfer.files);
  });
  by("file").addEventListener("change", ({ target }) => {
    taken(target.files);
    target.value = ""; // so that the same file can be picked again
  });
}
