// Texts to begin with: each turns at some sentence.
//
//     EXAMPLES --buttons--> one for each, which gives its text

import { element } from "./elements.js";

/** @type {{name: string, task: string, text: string}[]} */
const EXAMPLES = [
  {
    name: "an order that turns into phishing",
    task: "spam",
    text:
      "Hi Anna,\n\nThank you for your order. It left our warehouse this morning and should be with you on Thursday. " +
      "We have attached the invoice for your records. Could you let me know if the address is still right?\n\n" +
      "We could not charge your card, though. Your account will be suspended within 24 hours! " +
      "Click here now to verify your card number and claim your free prize.\n",
  },
  {
    name: "a review that changes its mind",
    task: "sentiment",
    text:
      "The first hour is wonderful. The cast is superb and every scene is beautifully shot. " +
      "I laughed out loud more than once.\n\n" +
      "Then it falls apart. The plot makes no sense at all, and the ending is a boring, lazy mess. " +
      "What a waste of two hours.\n",
  },
];

/** @param {(example: {task: string, text: string}) => void} taken @returns {HTMLElement[]} */
export function buttons(taken) {
  return EXAMPLES.map((example) => {
    const button = element("button", { type: "button", class: "small" }, example.name);
    button.addEventListener("click", () => taken(example));
    return button;
  });
}
