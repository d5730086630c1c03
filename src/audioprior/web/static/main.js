// The page: which recording and which run are shown stands in the address, so that a reload comes back to them.

import { build, show as showForm, tasks, tools, wish as wished } from "./form.js";
import { Marks } from "./marks.js";
import { Panels } from "./panels.js";
import { Player } from "./player.js";
import { Recorder } from "./recorder.js";
import { Run } from "./run.js";
import { ask, send, soundAddress } from "./server.js";
import { clock, length } from "./time.js";

const $ = (id) => document.getElementById(id);
const LONG_S = 600;

let about, recording, shown; // what the server is, the recording, and the job that is shown
let touched = false; // whether the visitor has chosen a task of this recording
let live = 0; // until when the copy of an unfinished run was restored as it was loaded

const panels = new Panels($("panels"), { seek: (at) => player.seek(at), mark: (mark) => marks.add(mark), failed: alarm });
const player = new Player($("wave"), {
  time: (seconds, playing) => { $("clock").textContent = clock(seconds); panels.move(seconds, playing); },
  state: (playing) => { $("play").textContent = playing ? "Pause" : "Play"; },
  failed: alarm,
});
const marks = new Marks($("marks"), () => {
  panels.marks = marks.all;
  panels.refresh();
  player.mark(marks.shown());
});
const run = new Run({ changed, heard, failed: alarm, said: say });

function say(message) {
  $("status").textContent = message;
}

function alarm(message) {
  $("alert").hidden = !message;
  $("alert").textContent = message;
}

async function trying(what) {
  alarm("");
  try {
    return await what();
  } catch (error) {
    alarm(error.message);
    return undefined;
  }
}

// ---- a recording comes

async function take(file, name = file.name) {
  if (!file) return;
  if (file.size > about.most_mb * 1e6) {
    alarm(`${name} is larger than ${about.most_mb} MB, the most that this page takes; use the command line for it.`);
    return;
  }
  say(`Sending ${name}.`);
  $("sending").hidden = false;
  const sent = await trying(() => send(file, name, (share) => {
    $("sending").value = share;
    if (share === 1) say(`Looking at ${name}.`);
  }));
  $("sending").hidden = true;
  $("file").value = "";
  say("");
  if (sent) location.hash = sent.id;
}

async function open(id, job) {
  const found = await trying(() => ask(`/api/recordings/${encodeURIComponent(id)}`));
  if (!found) return leave();
  if (recording?.id !== found.id) begin(found);
  recording.jobs = found.jobs;
  const chosen = found.jobs.find(({ id: name }) => name === job) ?? found.jobs.at(-1);
  list();
  if (!chosen) {
    shown = undefined;
    run.close();
  } else if (chosen.id !== shown?.id) show(chosen);
  return undefined;
}

function begin(found) {
  player.unload();
  recording = { ...found, range_db: about.range_db };
  shown = undefined;
  document.title = `${found.name} – audioprior`;
  $("welcome").hidden = true;
  $("studio").hidden = false;
  $("name").textContent = found.name;
  const channels = `${found.channels} channel${found.channels > 1 ? "s" : ""}`;
  const long = found.seconds > LONG_S ? " It is long: what is finished can be heard while the rest is being restored." : "";
  $("scale").textContent = `Black lies ${about.range_db} dB below the loudest sound of the recording, white at it; all pictures have this scale.`;
  $("facts").textContent = `${length(found.seconds)}, ${channels}, ${found.sample_rate} Hz, ${found.encoding}.${long}`;
  $("keep").textContent = `It and its results are removed ${about.keep_hours} hours after their last use.`;
  player.load("before", { address: soundAddress(found.id, "before"), rms: found.rms, peak: found.peak, peaks: found.peaks });
  player.draw(found.seconds);
  panels.open(recording);
  marks.open(recording);
  versions();
  suggest();
}

/** Asks what could help the recording; a visitor who has chosen by then is not overruled. */
async function suggest() {
  const { id } = recording;
  said("Looking for what could help it …");
  touched = false;
  choose("denoise");
  const suggestions = await ask(`/api/recordings/${id}/suggestions`).catch(() => []);
  if (recording?.id !== id) return;
  const rows = suggestions.map(({ task, reason }) => {
    const row = document.createElement("li"), button = document.createElement("button");
    button.type = "button";
    button.textContent = tasks.get(task).offer;
    button.addEventListener("click", () => choose(task, true));
    row.append(Object.assign(document.createElement("span"), { textContent: reason }), button);
    return row;
  });
  if (rows.length) $("suggestions").replaceChildren(...rows);
  else said("Nothing was found by itself; choose what to do.");
  if (suggestions.length && !touched && !recording.jobs.length) choose(suggestions[0].task);
}

function said(text) {
  $("suggestions").replaceChildren(Object.assign(document.createElement("li"), { textContent: text, className: "quiet" }));
}

function choose(task, focus = false) {
  showForm(task);
  if (focus) $("start").focus();
  estimate();
}

function estimate() {
  const { methods } = tasks.get($("task").value), method = $("method").value, cost = about.cost[method];
  $("method-note").textContent = methods[method] ?? "";
  const seconds = recording && cost * recording.seconds * recording.sample_rate * recording.channels;
  $("estimate").textContent = method in methods && seconds ? `takes about ${length(Math.max(1, seconds))}` : "";
}

function leave() {
  player.unload();
  run.close();
  recording = shown = undefined;
  document.title = "audioprior";
  $("welcome").hidden = false;
  $("studio").hidden = true;
}

// ---- runs

function wish() {
  const { settings, ...rest } = wished();
  return { ...rest, settings: { ...settings, ...marks.settings(rest.task) } };
}

async function start(event) {
  event.preventDefault();
  const job = await trying(() => ask(`/api/recordings/${recording.id}/jobs`, { method: "POST", body: wish() }));
  if (!job) return;
  recording.jobs.push(job);
  list();
  location.hash = `${recording.id}/${job.id}`;
}

function show(job) {
  shown = job;
  live = 0;
  panels.until = null;
  panels.only("before");
  player.drop("after");
  player.drop("removed");
  list();
  run.open(job);
  if (job.state === "done") result(job);
  versions();
}

function changed(job) {
  const at = recording.jobs.findIndex(({ id }) => id === job.id);
  if (at >= 0) recording.jobs[at] = job;
  list();
  if (job.state === "done" && shown?.id === job.id) {
    const fresh = shown.state !== "done";
    shown = job;
    result(job);
    if (fresh) say("Done. Press 2 to hear it, 1 for the recording as it was, 3 for what was removed.");
  } else if (shown?.id === job.id) shown = job;
}

function result(job) {
  const { id } = recording, { after, removed } = job.result;
  panels.until = null;
  $("removed-word").textContent = tasks.get(job.run.task.kind).difference === "removed" ? "Removed" : "Difference";
  player.load("after", { address: soundAddress(id, "after", job.id, job.version), ...after });
  player.load("removed", { address: soundAddress(id, "removed", job.id, job.version), ...removed });
  panels.show("after", "After", job.id, job.version);
  panels.show("removed", $("removed-word").textContent, job.id, job.version);
  player.draw(recording.seconds);
  versions();
}

/** A long run has finished another block: what is done can be heard already. */
function heard(job, until) {
  if (shown?.id !== job.id || shown.state === "done" || until >= recording.seconds) return;
  panels.until = until;
  panels.show("after", `After, restored up to ${clock(until, 0)} so far`, job.id, `live-${until}`);
  if (!live || !player.playing || player.heard !== "after" || player.time > live - 2) {
    live = until;
    player.load("after", { address: soundAddress(recording.id, "after", job.id, `live-${until}`), rms: recording.rms, peak: recording.peak, peaks: recording.peaks });
  }
  versions();
}

function versions() {
  for (const input of document.querySelectorAll("[name=hear]")) {
    input.disabled = !player.versions[input.value];
    input.checked = input.value === player.heard;
  }
  panels.heard(player.heard);
}

function hear(which) {
  if (!player.versions[which]) return;
  player.hear(which);
  player.draw(recording.seconds);
  versions();
}

function list() {
  const rows = (recording?.jobs ?? []).map((job) => {
    const row = document.createElement("li"), button = document.createElement("button");
    button.type = "button";
    const { offer, methods } = tasks.get(job.run.task.kind);
    const method = Object.keys(methods).length ? `, ${job.run.name}` : "";
    button.textContent = `${offer}${method} (${job.state})`;
    button.setAttribute("aria-current", String(job.id === shown?.id));
    button.addEventListener("click", () => { location.hash = `${recording.id}/${job.id}`; });
    row.append(button);
    return row;
  });
  const ordered = document.createElement("ol");
  ordered.append(...rows);
  $("jobs").replaceChildren(...(rows.length > 1 ? [Object.assign(document.createElement("h3"), { textContent: "Runs" }), ordered] : []));
}

// ---- the keyboard, the buttons, the address

const KEYS = {
  " ": () => player.toggle(), 1: () => hear("before"), 2: () => hear("after"), 3: () => hear("removed"),
  x: () => hear(player.heard === "before" ? "after" : "before"), "+": () => panels.zoom(0.5), "-": () => panels.zoom(2), 0: () => panels.look(0, recording.seconds),
  m: () => $("mark-here").click(), l: () => $("match").click(),
};

function pressed(event) {
  const writing = event.target.matches("input:not([type=radio], [type=checkbox], [type=range]), select, textarea, [contenteditable]");
  if (!recording || writing || event.ctrlKey || event.metaKey || event.altKey) return;
  const arrow = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (arrow && !event.target.matches("input")) {
    player.seek(Math.min(recording.seconds, Math.max(0, player.time + arrow * (event.shiftKey ? 5 : 1))));
  } else if (event.key in KEYS || event.key.toLowerCase() in KEYS) {
    if (event.key === " " && event.target.matches("button, summary, a, input")) return; // the key is theirs
    KEYS[event.key.toLowerCase()]();
  } else return;
  event.preventDefault();
}

function here() {
  const kind = panels.tool, at = Math.min(player.time, recording.seconds - 0.05);
  const { banded, many } = tools.get(kind), size = banded ? 0.5 : many ? 0.02 : 1;
  const band = banded ? { low: 0, high: recording.sample_rate / 2 } : {};
  marks.add({ kind, start: at, end: Math.min(recording.seconds, at + size), ...band });
  $("marks").querySelector("li:last-child input")?.focus();
}

async function record() {
  if (record.now) {
    const file = await record.now.stop();
    record.now = undefined;
    $("record").textContent = "record one";
    await take(file, "recording.wav");
    return;
  }
  try {
    const recorder = new Recorder();
    await recorder.start();
    record.now = recorder;
    $("record").textContent = "Stop recording";
    say("Recording.");
  } catch (error) {
    alarm(`No microphone can be used (${error.message}); allow it in the browser, or choose a file.`);
  }
}

function route() {
  alarm("");
  const [id, job] = location.hash.slice(1).split("/");
  if (id) trying(() => open(id, job));
  else leave();
}

function wire() {
  $("file").addEventListener("change", () => take($("file").files[0]));
  $("record").addEventListener("click", record);
  $("play").addEventListener("click", () => player.toggle());
  $("hear").addEventListener("change", (event) => hear(event.target.value));
  $("tool").addEventListener("change", (event) => {
    panels.tool = event.target.value;
    $("mark-here").disabled = panels.tool === "look";
  });
  $("mark-here").addEventListener("click", here);
  $("match").addEventListener("change", () => player.match($("match").checked));
  $("mel").addEventListener("change", () => panels.scale($("mel").checked));
  $("zoom-in").addEventListener("click", () => panels.zoom(0.5));
  $("zoom-out").addEventListener("click", () => panels.zoom(2));
  $("zoom-all").addEventListener("click", () => panels.look(0, recording.seconds));
  $("task").addEventListener("change", () => choose($("task").value));
  $("method").addEventListener("change", estimate);
  $("wish").addEventListener("change", () => { touched = true; });
  $("wish").addEventListener("submit", start);
  $("forget").addEventListener("click", async () => {
    if (await trying(() => ask(`/api/recordings/${recording.id}`, { method: "DELETE" }))) location.hash = "";
  });
  addEventListener("keydown", pressed);
  addEventListener("hashchange", route);
  addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("over"); });
  addEventListener("dragleave", (event) => event.relatedTarget || document.body.classList.remove("over"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("over");
    if (event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
  });
}

about = await trying(() => ask("/api/about"));
if (about) {
  build(about.tasks);
  $("limits").textContent = `WAV, FLAC, AIFF, Ogg, Opus or MP3, up to ${about.most_mb} MB. It stays on this server and is removed after ${about.keep_hours} hours.`;
  wire();
  route();
}
