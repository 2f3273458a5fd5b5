// Texts to begin with: each turns at some sentence.

/** @type {{name: string, task: string, text: string}[]} */
export const EXAMPLES = [
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
      "The first hour is wonderful. The cast is superb and every scene is beautifully shot. I laughed out loud more than once.\n\n" +
      "Then it falls apart. The plot makes no sense at all, and the ending is a boring, lazy mess. What a waste of two hours.\n",
  },
];
