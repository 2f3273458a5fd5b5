// What is asked, and of which model: the choices above the text, and the card of the model.
//
//     GET v1/models --> tasks, models, thresholds --on.changed--> asked()      Card --GET v1/models/NAME/card--> dialog

import { call, Refused } from "./api.js";
import { by, count, element, scroller } from "./elements.js";
import { rendered } from "./markdown.js";

const EVEN = 0.5;
const FIGURES = [
  ["documents", "documents", (n) => count(n)],
  ["accuracy", "accuracy", percent],
  ["roc_auc", "ROC AUC", (n) => n.toFixed(4)],
  ["false_positive_rate", "false positives", percent],
  ["recall", "recall", percent],
];

export class Models {
  /** @param {{changed(): void, failed(error: Error): void}} on */
  constructor(on) {
    this.on = on;
    /** @type {any[]} */
    this.all = [];
    this.task = "";
    by("model").addEventListener("change", () => this.#chosen());
    by("threshold").addEventListener("change", () => on.changed());
    by("card-open").addEventListener("click", () => this.#card());
    by("card-close").addEventListener("click", () => by("card").close());
  }

  /** @returns {any} the one that is asked */
  get model() {
    return this.all.find(({ digest }) => digest === by("model").value) ?? null;
  }

  /** @returns {string[]} the last one is the positive label */
  get labels() {
    return this.model?.labels ?? [];
  }

  /** @returns {number | null} from which probability on the positive label is given; with more than two labels none */
  get threshold() {
    if (!this.model || this.labels.length > 2) return null;
    const rate = by("threshold").value;
    return rate ? this.model.thresholds[rate] : EVEN;
  }

  /** @returns {Record<string, string> | null} as the API wants it, without defaults; null: no model is known yet */
  asked() {
    const { model } = this;
    if (!model) return null;
    const rate = by("threshold").value;
    const said = { task: this.task };
    if (!model.default)
      said.model = this.all.some((one) => one !== model && one.name === model.name) ? model.digest : model.name;
    if (rate) said.threshold = `fpr:${rate}`;
    return said;
  }

  /** @param {RequestInit} [more] @throws {Error} what `call` throws */
  async load(more) {
    const { models } = await (await call("v1/models", more)).json();
    this.all = models;
    const tasks = [...new Set(models.map(({ task }) => task))];
    if (!tasks.includes(this.task)) this.task = tasks[0];
    by("tasks").replaceChildren(element("legend", {}, "Task"), ...tasks.map((task) => this.#radio(task)));
    this.#offer();
  }

  /** @param {string} task */
  choose(task) {
    if (task === this.task || !this.all.some((model) => model.task === task)) return;
    by(`task-${task}`).checked = true;
    this.task = task;
    this.#offer();
  }

  #radio(task) {
    const input = element("input", {
      type: "radio",
      name: "task",
      id: `task-${task}`,
      value: task,
      checked: task === this.task,
    });
    input.addEventListener("change", () => this.choose(task));
    return element("label", { for: `task-${task}` }, input, element("span", {}, task));
  }

  #offer() {
    const mine = this.all
      .filter(({ task }) => task === this.task)
      .sort((a, b) => Number(b.default) - Number(a.default));
    const kept = by("model").value;
    by("model").replaceChildren(...mine.map(({ name, digest }) => element("option", { value: digest }, name)));
    if (mine.some(({ digest }) => digest === kept)) by("model").value = kept;
    this.#chosen();
  }

  #chosen() {
    const rates = Object.entries(this.labels.length > 2 ? {} : (this.model?.thresholds ?? {}));
    const kept = by("threshold").value;
    const options = rates.map(([rate, p]) =>
      element("option", { value: rate }, `${p.toFixed(3)}: at most ${percent(Number(rate))} false positives`),
    );
    by("threshold").replaceChildren(
      element("option", { value: "" }, this.labels.length > 2 ? "none" : "0.5, the default"),
      ...options,
    );
    if (rates.some(([rate]) => rate === kept)) by("threshold").value = kept;
    for (const id of ["model", "threshold", "card-open"]) by(id).disabled = !this.model;
    this.on.changed();
  }

  async #card() {
    const { model } = this;
    by("card-title").textContent = model.name;
    by("card-body").replaceChildren(...summary(model), element("p", { class: "note" }, "Reading the card."));
    by("card").showModal();
    by("card-body").scrollTop = 0;
    const parts = [];
    try {
      const answer = await call(`v1/models/${encodeURIComponent(model.digest)}/card`);
      parts.push(...rendered(await answer.text()).slice(1)); // its title is the name, which is there already
    } catch (error) {
      if (error instanceof Refused && error.status === 404) parts.push(element("p", { class: "note" }, error.message));
      else this.on.failed(error);
    }
    by("card-body").replaceChildren(...summary(model), ...parts);
  }
}

function summary(model) {
  const names = Object.entries(model.test);
  const head = element(
    "tr",
    {},
    element("th", {}, "test"),
    ...FIGURES.map(([, name]) => element("th", { class: "number" }, name)),
  );
  const rows = names.map(([set, figures]) => {
    const cells = FIGURES.map(([key, , said]) =>
      element("td", { class: "number" }, key in figures ? said(figures[key]) : ""),
    );
    return element("tr", {}, element("th", { scope: "row" }, set), ...cells);
  });
  const table = element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows));
  return [
    element(
      "p",
      {},
      `${model.family} for ${model.task}: ${model.labels.join(" or ")}`,
      model.default ? ", the default of its task" : "",
      ".",
    ),
    element("p", { class: "digest" }, element("code", {}, model.digest)),
    names.length
      ? scroller(table, "Figures on test data")
      : element("p", { class: "note" }, "It was shipped without test figures."),
  ];
}

function percent(share) {
  return `${(100 * share).toFixed(share < 0.01 ? 1 : 2)} %`;
}
