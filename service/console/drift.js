// The tiles of Operations that are about the models: is what they answer still what they answered in validation?
//
//     undertone_probability, undertone_reference_ratio --shares--> now, then --psi--> a word, and both as bars

import { count, drawn, element } from "./elements.js";
import { psi, shares, sum } from "./exposition.js";
import { card, figures, MISSING, said, samples } from "./scene.js";

/** Documents below which a distribution says nothing. */
const ENOUGH = 100;
/** Index from which a distribution has moved, and from which it is another one: the usual rule. */
const MOVED = 0.1;
const OTHER = 0.25;

/** One tile a model: what it has scored, how sure it was, and whether its answers are spread as in validation. */
export function models(scene) {
  const documents = samples(scene.now, "undertone_documents_total") ?? [];
  return documents.map(({ labels: { task, model, digest }, value }) => {
    const mine = ({ labels }) => labels.model === model && labels.digest === digest;
    const all = (name) => samples(scene.now, name)?.filter(mine) ?? [];
    const certain = all("undertone_certainty_total");
    const [words, unknown] = [all("undertone_words_total"), all("undertone_unknown_words_total")];
    return card(
      model,
      figures([
        ["task", task],
        ["documents since the start", said(value)],
        [
          "expected accuracy",
          !certain.length ? null : value ? `${((100 * sum(certain)) / value).toFixed(1)} %` : "no documents yet",
        ],
        [
          "unknown words",
          !words.length ? null : sum(words) ? `${((100 * sum(unknown)) / sum(words)).toFixed(1)} %` : "no words yet",
        ],
      ]),
      ...drift(
        all("undertone_probability_bucket"),
        all("undertone_reference_ratio").filter(({ labels }) => labels.feature === "probability"),
      ),
    );
  });
}

function drift(seen, reference) {
  const title = element("h3", {}, "Drift of the probabilities");
  if (!seen.length || !reference.length) return [title, element("p", { class: "missing" }, MISSING)];
  const number = sum(seen.filter(({ labels }) => labels.le === "+Inf"));
  const [now, then] = [shares(seen), shares(reference)];
  const index = psi(now, then);
  if (index === null)
    return [title, element("p", { class: "note" }, "The reference has other buckets than the histogram.")];
  if (number < ENOUGH)
    return [
      title,
      element("p", { class: "note" }, `${count(number)} documents: too few to tell, wanted are ${ENOUGH}.`),
      bars(now, then),
    ];
  const word = index < MOVED ? "✓ as in validation" : index < OTHER ? "◆ has moved" : "⚠ is another distribution";
  return [
    title,
    element("p", { class: `big ${index < MOVED ? "good" : "bad"}` }, `PSI ${index.toFixed(2)}`),
    element("p", { class: "note" }, word),
    bars(now, then),
  ];
}

/** Filled: now; outlined: validation. */
function bars(now, then) {
  const [width, height] = [240, 60];
  const most = Math.max(...now.map(({ share }) => share), ...then.map(({ share }) => share)) || 1;
  const step = width / now.length;
  const bar =
    (look) =>
    ({ share }, at) => {
      const tall = (share / most) * (height - 4);
      return drawn("rect", {
        class: look,
        x: (at * step + 1).toFixed(1),
        y: (height - tall).toFixed(1),
        width: (step - 2).toFixed(1),
        height: tall.toFixed(1),
      });
    };
  const said = "Shares of the probabilities from 0 to 1: bars are now, outlines are validation";
  return element(
    "figure",
    {},
    drawn(
      "svg",
      {
        class: "bars",
        viewBox: `0 0 ${width} ${height}`,
        preserveAspectRatio: "none",
        role: "img",
        "aria-label": said,
      },
      ...now.map(bar("now")),
      ...then.map(bar("then")),
    ),
    element("figcaption", { class: "note" }, "0 to 1; filled: now, outlined: validation"),
  );
}
