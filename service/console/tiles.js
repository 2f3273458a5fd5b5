// The tiles of Operations that are about the service: how it is, how much, how fast, what fails, sessions, Redis.
//
//     Scene --a function each--> <section>

import { element } from "./elements.js";
import { grouped, quantile, sum } from "./exposition.js";
import { card, duration, figures, gained, MISSING, rate, rates, said, samples, spark, table, total } from "./scene.js";

/** What this page, Prometheus and load balancers ask for: only to look, which is not what the service is for. */
const LOOKS = ["/", "/console/{name}", "/metrics", "/v1/status", "/livez", "/readyz", "/healthz"];

/** @param {import("./exposition.js").Sample[] | null} some with `route` */
function asked(some) {
  return some && some.filter(({ labels }) => !LOOKS.includes(labels.route));
}

export function health(scene, status) {
  const bad = status.status !== "ok";
  const word = element("p", { class: `big ${bad ? "bad" : "good"}` }, bad ? "⚠ degraded" : "✓ ok");
  const why = status.why.map((one) => element("p", { class: "note" }, one));
  const starts = total(scene.now, "undertone_worker_starts_total");
  return card(
    "Service",
    word,
    ...why,
    figures([
      ["requests in flight", said(total(scene.now, "undertone_requests_in_flight"))],
      ["streams open", said(total(scene.now, "undertone_streams_open"))],
      ["waiting for a model", said(total(scene.now, "undertone_queue_sentences"))],
      ["worker starts", said(starts)],
    ]),
  );
}

export function traffic(scene) {
  const name = "undertone_requests_total";
  const counted = (look) => asked(samples(look, name));
  const gain = asked(gained(scene, name));
  const sentences = gained(scene, "undertone_sentences_total");
  return card(
    "Rate",
    element("p", { class: "big" }, rate(gain && sum(gain), scene.seconds) ?? MISSING),
    spark(rates(scene.looks, counted), "requests a second, over the time that this view was open"),
    element("p", { class: "note" }, "Without this page, /metrics, /v1/status and probes, as in Latency and Errors."),
    figures([
      ["sentences scored", rate(sentences && sum(sentences), scene.seconds)],
      ["requests since the start", said(orNull(counted(scene.now)))],
      ["rate-limited, last minute", said(orNull(gained(scene, "undertone_rate_limited_total")))],
      ["refused by the queue", said(orNull(gained(scene, "undertone_queue_rejected_total")))],
    ]),
  );
}

function orNull(some) {
  return some && sum(some);
}

export function latency(scene) {
  const bucket = asked(gained(scene, "undertone_request_seconds_bucket"));
  if (!bucket) return card("Latency", element("p", { class: "missing" }, MISSING));
  const rows = [...grouped(bucket, ({ route }) => route)]
    .map(([route, some]) => ({ route, number: sum(some.filter(({ labels }) => labels.le === "+Inf")), some }))
    .filter(({ number }) => number)
    .sort((a, b) => b.number - a.number)
    .map(({ route, number, some }) => [
      route,
      said(number),
      duration(quantile(0.5, some)),
      duration(quantile(0.99, some)),
    ]);
  const first = gained(scene, "undertone_first_event_seconds_bucket");
  if (first && sum(first))
    rows.push(["first event of a stream", "", duration(quantile(0.5, first)), duration(quantile(0.99, first))]);
  return card(
    "Latency",
    scene.seconds && rows.length ? table(["route", "requests", "p50", "p99"], rows) : quiet(scene),
  );
}

function quiet(scene) {
  return element("p", { class: "note" }, scene.seconds ? "No requests in the last minute." : "In a moment.");
}

export function errors(scene) {
  const requests = asked(gained(scene, "undertone_requests_total"));
  const coded = asked(gained(scene, "undertone_errors_total"));
  if (!coded || !requests) return card("Errors", element("p", { class: "missing" }, MISSING));
  const all = sum(requests);
  const bad = sum(requests.filter(({ labels }) => labels.status.startsWith("5")));
  const rows = [...grouped(coded, ({ code }) => code)]
    .map(([code, some]) => [code, sum(some)])
    .filter(([, number]) => number)
    .sort(([, a], [, b]) => b - a)
    .map(([code, number]) => [code, said(number)]);
  return card(
    "Errors",
    element(
      "p",
      { class: `big ${bad ? "bad" : "good"}` },
      all ? `${bad ? "⚠ " : ""}${((100 * bad) / all).toFixed(2)} %` : "–",
    ),
    element("p", { class: "note" }, "of the requests of the last minute failed on this side (5xx)."),
    rows.length
      ? table(["code", "answers"], rows)
      : element("p", { class: "note" }, "No errors of any kind in the last minute."),
  );
}

export function sessions(scene) {
  const events = samples(scene.now, "undertone_sessions_total");
  const counted = events
    ? [...grouped(events, ({ event }) => event)].map(([event, some]) => [event, said(sum(some))])
    : [];
  const idle = gained(scene, "undertone_session_idle_seconds_bucket");
  return card(
    "Sessions",
    figures([
      ["stored now", said(total(scene.now, "undertone_redis_keys"))],
      ["pause before the next request, p50", idle && duration(quantile(0.5, idle))],
    ]),
    counted.length
      ? table(["since the start", "sessions"], counted)
      : element("p", { class: "missing" }, `events: ${MISSING}`),
  );
}

export function redis(scene) {
  const up = total(scene.now, "undertone_redis_up");
  const circuit = total(scene.now, "undertone_store_circuit_open");
  const seconds = gained(scene, "undertone_redis_seconds_bucket");
  const failures = gained(scene, "undertone_store_failures_total");
  const [used, limit] = [
    total(scene.now, "undertone_redis_memory_bytes"),
    total(scene.now, "undertone_redis_memory_limit_bytes"),
  ];
  return card(
    "Redis",
    up === null
      ? element("p", { class: "missing" }, `up or down: ${MISSING}`)
      : element("p", { class: `big ${up && !circuit ? "good" : "bad"}` }, up ? "✓ up" : "⚠ down"),
    figures([
      ["workers that gave it up", said(circuit)],
      ["questions unanswered, last minute", said(orNull(failures))],
      ["round trip, p50", seconds && duration(quantile(0.5, seconds))],
      ["round trip, p99", seconds && duration(quantile(0.99, seconds))],
      ["memory", used === null ? null : `${mib(used)}${limit ? ` of ${mib(limit)}` : ""}`],
      ["evicted since the start", said(total(scene.now, "undertone_redis_evicted_keys_total"))],
    ]),
  );
}

function mib(bytes) {
  return `${said(bytes / 2 ** 20)} MiB`;
}
