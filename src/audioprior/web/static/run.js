// One run: its progress, what the network draws on the way, its result, and what can be moved afterwards.

import { paint } from "./colours.js";
import { tasks } from "./form.js";
import { ask, follow } from "./server.js";
import { clock, hertz, length } from "./time.js";

const $ = (id) => document.getElementById(id);
const MOST_LISTED = 200;
const PATIENCE_MS = 250; // after a slider was moved, before the server writes the result anew

export class Run {
  /** `events`: changed(job), heard(job, until), failed(message), said(message). */
  constructor(events) {
    this.events = events;
    $("cancel").addEventListener("click", () => this.#do(() => ask(`/api/jobs/${this.job.id}`, { method: "DELETE" })));
    for (const id of ["strength", "stop"]) {
      $(id).addEventListener("input", () => this.#values());
      $(id).addEventListener("change", () => {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.#adjust(), PATIENCE_MS);
      });
    }
    $("copy").addEventListener("click", async () => {
      $("command").select();
      await navigator.clipboard?.writeText($("command").value).catch(() => document.execCommand("copy"));
      this.events.said("The command was copied.");
    });
  }

  open(job) {
    this.close();
    this.job = job;
    this.losses = [];
    this.frames = new Map();
    $("frames").replaceChildren();
    $("film-title").textContent = !tasks.get(job.run.task.kind).finds ? "What it sounds like on the way, after a share of the steps" : "What the prior draws around the damage, after a share of the steps";
    $("run").hidden = false;
    for (const id of ["film", "course", "result"]) $(id).hidden = true;
    this.#show();
    this.stop = follow(job.id, {
      event: (event) => this.#hear(event),
      lost: () => this.events.said("The connection was lost; the server goes on, and this page asks again."),
      over: () => this.#do(() => ask(`/api/jobs/${this.job.id}`)),
    });
  }

  close() {
    this.stop?.();
    this.stop = this.job = undefined;
    $("run").hidden = true;
  }

  async #do(what) {
    const id = this.job?.id;
    try {
      const job = await what();
      if (this.job?.id !== id) return;
      this.job = job;
      this.#show();
      this.events.changed(job);
    } catch (error) {
      this.events.failed(error.message);
    }
  }

  #hear(event) {
    if (!this.job) return;
    if (event.event === "step") {
      this.losses.push(...event.losses);
      if (this.job.state === "queued") this.job.state = "running";
      const block = event.blocks > 1 ? `block ${event.block} of ${event.blocks}, ` : "";
      $("progress").value = event.done;
      $("run-state").textContent = `${block}step ${event.step} of ${event.steps}; about ${length(event.left_s)} left`;
      this.#curve();
    } else if (event.event === "picture") {
      this.#frame(event);
    } else if (event.event === "block") {
      this.events.heard(this.job, event.until_s);
    } else if (event.event === "again") {
      this.losses = [];
      this.events.said(event.message);
    }
  }

  #show() {
    const { job } = this, over = !["queued", "running"].includes(job.state);
    $("run-title").textContent = job.state === "done" ? tasks.get(job.run.task.kind).done : "Run";
    const states = {
      queued: job.before ? `Waiting; ${job.before} ${job.before > 1 ? "runs come" : "run comes"} first.` : "Starting.",
      running: "Looking at the recording.", done: `Done in ${length(job.result.seconds ?? 0)}.`,
      failed: `It failed: ${job.message}`, cancelled: "Cancelled.",
    };
    $("run-state").textContent = states[job.state];
    $("working").hidden = over;
    if (!over) $("progress").removeAttribute("value");
    $("result").hidden = job.state !== "done";
    if (job.state === "done") this.#result();
    if (job.state === "queued") {
      clearTimeout(this.waiting);
      this.waiting = setTimeout(() => this.job === job && this.#do(() => ask(`/api/jobs/${job.id}`)), 2000);
    }
  }

  #result() {
    const { job } = this, { result, run } = job, task = run.task;
    const { finds, whole, nothing, later } = tasks.get(task.kind), told = [];
    if (result.told.length) told.push(`Removed ${result.told.join("; ")}.`);
    else if (!finds) told.push(result.removed.peak ? "Little was removed." : nothing);
    if (result.found) {
      const longest = Math.max(...result.findings.map((finding) => finding.end_s - finding.start_s));
      told.push(whole ? `${result.findings[0].note}.` : `${result.found} ${result.found > 1 ? "places" : "place"} repaired, the longest ${length(longest)}; all else is as it was.`);
    } else if (finds) told.push(nothing);
    $("told").textContent = [...told, ...result.notes].join(" ");
    $("adjust").hidden = !later.length;
    if (later.length) {
      $("strength").value = 100 * task.strength;
      $("stop").max = job.shares.length - 1;
      $("stop").value = Math.max(0, job.shares.indexOf(task.stop_at));
      $("stop-row").hidden = job.shares.length < 2;
      this.#values();
    }
    for (const which of ["restored", "removed", "report", "settings"]) {
      $(`get-${which}`).href = `/api/jobs/${job.id}/files/${which}?v=${job.version}`;
    }
    $("get-removed").hidden = !result.files.removed;
    $("command").value = job.command;
    this.#findings(result);
  }

  #findings(result) {
    $("findings").hidden = !result.findings.length;
    $("findings").querySelector("summary").textContent = `${result.found} found`;
    const rows = result.findings.slice(0, MOST_LISTED).map((finding) => {
      const row = document.createElement("tr");
      const where = [finding.channel === undefined ? "all channels" : `channel ${finding.channel + 1}`];
      if (finding.low_hz !== undefined) where.push(`${hertz(finding.low_hz)} to ${hertz(finding.high_hz)}`);
      for (const text of [finding.kind, clock(finding.start_s, 3), length(finding.end_s - finding.start_s), where.join(", "), `${Math.round(100 * (finding.confidence ?? 1))} %`]) {
        row.append(Object.assign(document.createElement("td"), { textContent: text }));
      }
      return row;
    });
    $("findings").querySelector("tbody").replaceChildren(...rows);
  }

  #values() {
    $("strength-value").textContent = `${$("strength").value} %`;
    const share = this.job.shares[+$("stop").value];
    $("stop-value").textContent = share === 1 ? "the end" : `after ${+(100 * share).toFixed(1)} % of the steps`;
    $("stop").setAttribute("aria-valuetext", $("stop-value").textContent);
  }

  #adjust() {
    const wish = { strength: +$("strength").value / 100, stop_at: this.job.shares[+$("stop").value] };
    this.events.said("Writing the result anew.");
    return this.#do(async () => {
      const job = await ask(`/api/jobs/${this.job.id}/adjust`, { method: "POST", body: wish });
      this.events.said("The result was written anew, without fitting again.");
      return job;
    });
  }

  #frame({ block, share, columns, rows, levels }) {
    let frame = this.frames.get(share);
    if (!frame) {
      const box = document.createElement("div"), canvas = document.createElement("canvas"), note = document.createElement("span");
      canvas.setAttribute("role", "img");
      box.append(canvas, note);
      frame = { box, canvas, note, share };
      this.frames.set(share, frame);
      $("frames").replaceChildren(...[...this.frames.values()].sort((a, b) => a.share - b.share).map(({ box }) => box));
    }
    paint(frame.canvas, Uint8Array.from(atob(levels), (sign) => sign.charCodeAt(0)), columns, rows);
    const when = share === 1 ? "the end" : `${+(100 * share).toFixed(1)} %`;
    frame.note.textContent = block > 1 ? `${when}, block ${block}` : when;
    frame.canvas.setAttribute("aria-label", `Spectrogram of the output at ${when}`);
    $("film").hidden = false;
  }

  #curve() {
    const canvas = $("curve");
    $("course").hidden = false;
    const width = (canvas.width = canvas.clientWidth * devicePixelRatio), height = (canvas.height = canvas.clientHeight * devicePixelRatio);
    const context = canvas.getContext("2d");
    const [low, high] = [Math.min(...this.losses.slice(-5000)), Math.max(...this.losses.slice(-5000))];
    const most = this.losses.length, shown = Math.min(most, 5000);
    context.strokeStyle = getComputedStyle(document.body).getPropertyValue("--accent");
    context.lineWidth = 1.5 * devicePixelRatio;
    context.beginPath();
    this.losses.slice(-shown).forEach((loss, index) => {
      const x = (index / Math.max(1, shown - 1)) * width, y = height * (0.94 - 0.88 * ((loss - low) / (high - low || 1)));
      if (index) context.lineTo(x, y);
      else context.moveTo(x, y);
    });
    context.stroke();
    canvas.setAttribute("aria-label", `Misfit against step: ${most} steps, from ${this.losses[0].toFixed(3)} to ${this.losses.at(-1).toFixed(3)}`);
  }
}
