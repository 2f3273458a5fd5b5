// The page: what is typed, dropped or chosen goes out, and what comes back is drawn.
//
//     Editor --text--> Feed --events--> Reading --draw--> colours, Verdict, Curve, Steps, detail
//     file --Mail--> events --'         Models: what is asked        Operations: the other tab

import { mailCommand, textCommand } from "./curl.js";
import { Curve } from "./curve.js";
import { detail } from "./detail.js";
import { coloured, Editor } from "./editor.js";
import { by, count, element, eventually } from "./elements.js";
import { buttons } from "./examples.js";
import { Feed } from "./feed.js";
import * as files from "./files.js";
import { isMail, Mail } from "./mail.js";
import { Models } from "./models.js";
import { Notices } from "./notices.js";
import { Operations } from "./operations.js";
import { watchTheme } from "./palette.js";
import { Reading } from "./reading.js";
import { Steps } from "./steps.js";
import { tabbed } from "./tabs.js";
import { Verdict } from "./verdict.js";

/** Characters that this page takes; the API takes more. */
const LIMIT = 200000;
/** Bytes of a text file that may have so few. */
const BYTES = 4 * LIMIT;
/** Milliseconds between looks whether the service is there, while nothing is read. */
const PULSE = 10000;

const redraw = eventually(draw);
const reading = new Reading();
const verdict = new Verdict();
const notices = new Notices({ again: () => feed.again(), keyed });
const models = new Models({ changed: asked, failed: (error) => notices.complain(error) });
const editor = new Editor(by("text"), by("colours"), { text: typed, point });
const steps = new Steps({ rows: by("rows"), earlier: by("steps-earlier"), later: by("steps-later") }, point);
const curve = new Curve(by("curve"), point);
const operations = new Operations(by("cards"), by("operations-note"), (error) => notices.askForKey(error));
const feed = new Feed(
  () => models.asked(),
  (more) => models.load(more),
  { began: () => reading.began(), event: heard, state: (...how) => notices.connection(...how) },
);

let chosen = -1; // nobody points at a sentence
let question = models.asked();
/** @type {Mail | null} what is read instead of what is typed */
let mail = null;

function typed(text) {
  leaveMail();
  reading.changed(text);
  chosen = -1;
  notices.quiet();
  if (text.length > LIMIT) tooLong("The text", text.length, "characters");
  else feed.read(text);
  pronounce();
  redraw();
}

function show(text) {
  editor.show(text, false);
  typed(editor.text);
}

function tooLong(what, size, unit) {
  feed.stop();
  reading.forget();
  notices.say(
    "too long for this page",
    `${what} has ${count(size)} ${unit}, and this page takes ${count(LIMIT)} characters: it was not read. ` +
      "The API takes more, see “Copy as curl”.",
  );
}

function heard(event) {
  reading.event(event);
  redraw();
}

function point(index) {
  if (index === chosen) return;
  chosen = index;
  redraw();
}

/** The task, the model or the threshold may be another one. */
function asked() {
  const [before, now] = [question, models.asked()];
  if (JSON.stringify(now) === JSON.stringify(before)) return;
  question = now;
  if (before && (now.task !== before.task || now.model !== before.model)) reading.forget();
  else reading.began();
  chosen = -1;
  if (mail) openMail(mail.file);
  else if (feed.text && before) feed.again();
  pronounce();
  redraw();
}

function keyed() {
  feed.handshakes = 0;
  feed.again();
  if (mail) openMail(mail.file);
  if (operations.open) operations.look();
}

async function take(file, others) {
  notices.quiet();
  if (isMail(file)) openMail(file);
  else if (file.size > BYTES) tooLong(file.name, file.size, "bytes");
  else show(await file.text());
  if (others) notices.say("one at a time", `${count(others)} more files came with ${file.name}: they were not read.`);
}

function openMail(file) {
  leaveMail();
  feed.stop();
  reading.clear();
  editor.show("", true);
  mail = new Mail(file, models.asked() ?? {}, {
    began: () => reading.clear(),
    event: heard,
    failed: (error) => notices.complain(error),
  });
  redraw();
}

function leaveMail() {
  mail?.stop();
  mail = null;
}

/** At once, where all else may take a while: no text ever has the verdict of another one. */
function pronounce() {
  verdict.draw(reading, models.labels, models.threshold);
}

function draw() {
  const number = reading.sentences.length;
  const { threshold, labels } = models;
  const at = Math.min(chosen, number - 1);
  editor.show(mail ? reading.text : editor.area.value, mail !== null);
  editor.paint(reading, threshold ?? 0, at);
  curve.draw(reading, labels, threshold, at);
  steps.draw(reading, threshold, at);
  pronounce();
  if (number) by("detail").replaceChildren(...detail(reading, at < 0 ? number - 1 : at, labels, threshold));
  else
    by("detail").replaceChildren(
      element("p", { class: "note" }, "Point at a sentence, or move to it with the arrow keys."),
    );
  by("legend-low").textContent = `▽ ${labels.length > 2 ? "others" : (labels[0] ?? "")}`;
  by("legend-high").textContent = `${labels.at(-1) ?? ""} ▲`;
  by("mail").hidden = !mail;
  by("mail-about").replaceChildren(...(mail ? mail.about() : []));
  by("examples").hidden = Boolean(reading.text || mail);
  const plain = coloured(number);
  by("text-note").hidden = !plain;
  by("text-note").textContent =
    `The first ${count(plain)} of ${count(number)} sentences are without colour here; the curve and the list have them.`;
}

async function copyCommand() {
  const text = editor.text;
  if (!mail && !text.trim()) {
    notices.say("nothing to copy", "There is no text yet.");
    return;
  }
  const command = mail ? mailCommand(mail.file.name, models.asked()) : textCommand(text, models.asked());
  try {
    await navigator.clipboard.writeText(command);
    by("curl").textContent = "Copied";
    setTimeout(() => (by("curl").textContent = "Copy as curl"), 2000);
  } catch {
    by("command-text").value = command;
    by("command").showModal();
    by("command-text").select();
  }
}

by("curl").addEventListener("click", copyCommand);
by("command-close").addEventListener("click", () => by("command").close());
by("clear").addEventListener("click", () => {
  show("");
  editor.area.focus();
});
by("mail-edit").addEventListener("click", () => {
  show(reading.text);
  editor.area.focus();
});
by("examples").append(
  ...buttons(({ task, text }) => {
    models.choose(task);
    show(text);
    editor.area.focus();
  }),
);
files.listen({ file: take });
watchTheme(() => {
  steps.repaint();
  redraw();
});
addEventListener("online", () => feed.again());
setInterval(() => document.visibilityState === "visible" && feed.check(), PULSE);
tabbed([by("tab-read"), by("tab-operations")], (name) => operations.show(name === "operations"));
draw();
if (editor.text)
  typed(editor.text); // the browser kept it when the page was loaded again
else feed.again();
