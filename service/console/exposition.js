// Prometheus' text format, and what can be told from two looks at it.
//
//     text --parsed--> Map name -> samples       two of them --increase--> what was counted between --> quantile, psi

/** @typedef {{labels: Record<string, string>, value: number}} Sample */
/** @typedef {Map<string, Sample[]>} Metrics */

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const ESCAPED = { n: "\n" };
/** The least share of a bucket: an empty one would make the index infinite. */
const LEAST = 1e-4;

/** @param {string} text @returns {Metrics} lines that are none are left out */
export function parsed(text) {
  const found = new Map();
  for (const line of text.split("\n")) {
    const parts = line.startsWith("#") ? null : LINE.exec(line);
    if (!parts) continue;
    const labels = {};
    for (const [, name, value] of (parts[2] ?? "").matchAll(LABEL))
      labels[name] = value.replace(/\\(.)/g, (_, c) => ESCAPED[c] ?? c);
    if (!found.has(parts[1])) found.set(parts[1], []);
    found.get(parts[1]).push({ labels, value: number(parts[3]) });
  }
  return found;
}

function number(said) {
  if (said === "+Inf") return Infinity;
  return said === "-Inf" ? -Infinity : Number(said);
}

/** @param {Sample[]} samples @returns {number} */
export function sum(samples) {
  return samples.reduce((total, { value }) => total + value, 0);
}

/** @param {Record<string, string>} labels @returns {string} the same for the same labels */
function identity(labels) {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * What counters went up by. One that fell began anew, so all of it is new.
 *
 * @param {Sample[]} before @param {Sample[]} after @returns {Sample[]}
 */
export function increase(before, after) {
  const was = new Map(before.map(({ labels, value }) => [identity(labels), value]));
  return after.map(({ labels, value }) => {
    const old = was.get(identity(labels)) ?? 0;
    return { labels, value: value < old ? value : value - old };
  });
}

/** @param {Sample[]} samples @param {(labels: Record<string, string>) => string} key @returns {Map<string, Sample[]>} */
export function grouped(samples, key) {
  const groups = new Map();
  for (const sample of samples) {
    const name = key(sample.labels);
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(sample);
  }
  return groups;
}

/** @param {Sample[]} samples of a histogram's `_bucket` @returns {{le: number, total: number}[]} added up, rising */
function buckets(samples) {
  const by = grouped(samples, ({ le }) => le);
  return [...by].map(([le, some]) => ({ le: number(le), total: sum(some) })).sort((a, b) => a.le - b.le);
}

/**
 * As Prometheus' histogram_quantile: straight within a bucket, and at most the last finite bound.
 *
 * @param {number} q @param {Sample[]} samples @returns {number | null} null: there is nothing in it
 */
export function quantile(q, samples) {
  const all = buckets(samples);
  const total = all.at(-1)?.total ?? 0;
  if (!total) return null;
  const rank = q * total;
  const at = all.findIndex((bucket) => bucket.total >= rank);
  if (all[at].le === Infinity) return all[at - 1]?.le ?? null;
  const [start, under] = at ? [all[at - 1].le, all[at - 1].total] : [0, 0];
  return start + (all[at].le - start) * ((rank - under) / (all[at].total - under));
}

/**
 * Shares of the buckets, not cumulative, from cumulative counts or shares.
 *
 * @param {Sample[]} samples with `le` @returns {{le: number, share: number}[]}
 */
export function shares(samples) {
  const all = buckets(samples);
  const total = all.at(-1)?.total || 1;
  return all.map(({ le, total: under }, at) => ({ le, share: (under - (at ? all[at - 1].total : 0)) / total }));
}

/**
 * Population stability index: the sum of (now - then) ln(now / then) over the buckets.
 *
 * @param {{le: number, share: number}[]} now @param {{le: number, share: number}[]} then of the same bounds
 * @returns {number | null} null: the bounds differ
 */
export function psi(now, then) {
  if (now.length !== then.length || now.some(({ le }, at) => le !== then[at].le)) return null;
  return now.reduce((index, { share }, at) => {
    const [a, b] = [Math.max(share, LEAST), Math.max(then[at].share, LEAST)];
    return index + (a - b) * Math.log(a / b);
  }, 0);
}
