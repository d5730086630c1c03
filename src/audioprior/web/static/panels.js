// Spectrograms one below the other, on one scale of levels, with one zoom and one cursor.

import { paint } from "./colours.js";
import { markColour, tools } from "./form.js";
import { levels } from "./server.js";
import { clock, hertz, ticks } from "./time.js";

const LEFT = 44, BOTTOM = 20, HEIGHT = 170, ROWS = 256, MOST_COLUMNS = 1600;
const LEAST_S = 0.02;
const MEL_HZ = 700, MEL_TICKS = [0, 0.5, 1, 2, 5, 10, 20, 50, 100]; // kHz
const DRAGGED = 4; // pixels; less is a click

export class Panels {
  /** `events`: seek(seconds), mark(start, end, low, high), failed(message). */
  constructor(place, events) {
    this.place = place;
    this.events = events;
    this.panels = [];
    this.marks = [];
    this.tool = "look";
    this.mel = false; // the scale of frequencies: as the ear hears distances, or even in hertz
    this.cursor = 0;
    this.until = null;
    new ResizeObserver(() => this.refresh()).observe(place);
  }

  /** Shows a recording: {id, seconds, sample_rate, range_db}. */
  open(recording) {
    this.recording = recording;
    this.view = { start: 0, end: recording.seconds };
    this.panels = [];
    this.place.replaceChildren();
    this.show("before", "Before", null, 0);
  }

  show(which, title, job, version) {
    let panel = this.panels.find((shown) => shown.which === which);
    if (!panel) {
      panel = this.#make(which);
      this.panels.push(panel);
      this.place.append(panel.box);
    }
    Object.assign(panel, { job, version, title });
    panel.head.textContent = title;
    panel.canvas.setAttribute("aria-label", `Spectrogram, ${title.toLowerCase()}`);
    this.#fetch(panel);
  }

  only(which) {
    for (const panel of this.panels.filter((shown) => shown.which !== which)) panel.box.remove();
    this.panels = this.panels.filter((shown) => shown.which === which);
  }

  heard(which) {
    for (const panel of this.panels) panel.box.classList.toggle("heard", panel.which === which && this.panels.length > 1);
  }

  scale(mel) {
    this.mel = mel;
    for (const panel of this.panels) panel.drawn = null;
    this.refresh();
  }

  /** Zooms by a factor around a moment, the cursor's without one. */
  zoom(factor, around = this.cursor) {
    const { start, end } = this.view;
    const at = around >= start && around <= end ? around : (start + end) / 2;
    this.look(at - (at - start) * factor, at + (end - at) * factor);
  }

  look(start, end) {
    const whole = this.recording.seconds;
    const size = Math.min(whole, Math.max(LEAST_S, end - start));
    const from = Math.min(whole - size, Math.max(0, (start + end - size) / 2));
    this.view = { start: from, end: from + size };
    this.refresh();
  }

  move(seconds, playing) {
    this.cursor = seconds;
    const { start, end } = this.view;
    if (playing && (seconds > end || seconds < start) && end - start < this.recording.seconds) {
      this.look(seconds, seconds + end - start); // turn the page
    } else {
      for (const panel of this.panels) this.#draw(panel);
    }
  }

  refresh() {
    for (const panel of this.panels) {
      this.#draw(panel);
      clearTimeout(panel.timer);
      panel.timer = setTimeout(() => this.#fetch(panel), 120);
    }
  }

  #make(which) {
    const box = document.createElement("div");
    const head = document.createElement("h4");
    const canvas = document.createElement("canvas");
    canvas.setAttribute("role", "img");
    canvas.dataset.which = which;
    box.className = "panel";
    box.append(head, canvas);
    const panel = { which, box, head, canvas, picture: document.createElement("canvas"), drawn: null };
    canvas.addEventListener("pointerdown", (event) => this.#press(panel, event));
    return panel;
  }

  async #fetch(panel) {
    const { start, end } = this.view;
    const width = panel.canvas.clientWidth - LEFT;
    if (width <= 0) return;
    const columns = Math.min(MOST_COLUMNS, Math.round(width * Math.min(2, devicePixelRatio)));
    const key = [panel.job, panel.version, start, end, columns, this.mel].join();
    if (panel.key === key) return;
    panel.key = key;
    try {
      const shades = await levels(this.recording.id, panel.which, panel.job, panel.version, start, end, columns, ROWS, this.mel);
      if (panel.key !== key) return; // another view was asked for since
      paint(panel.picture, shades, columns, ROWS);
      panel.drawn = { start, end };
      const range = `${clock(start)} to ${clock(end)}, 0 to ${hertz(this.recording.sample_rate / 2)}`;
      panel.canvas.setAttribute("aria-label", `Spectrogram, ${panel.title.toLowerCase()}, ${range}`);
      this.#draw(panel);
    } catch (error) {
      panel.key = undefined;
      this.events.failed(error.message);
    }
  }

  #draw(panel) {
    const { canvas } = panel;
    const ratio = devicePixelRatio, width = canvas.clientWidth, last = panel === this.panels.at(-1);
    if (!width) return;
    const height = HEIGHT + (last ? BOTTOM : 4);
    canvas.style.height = `${height}px`;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.save();
    context.beginPath();
    context.rect(LEFT, 0, width - LEFT, HEIGHT);
    context.clip();
    context.fillStyle = "#000004";
    context.fillRect(LEFT, 0, width - LEFT, HEIGHT);
    if (panel.drawn) {
      const from = this.#x(panel, panel.drawn.start), to = this.#x(panel, panel.drawn.end);
      context.drawImage(panel.picture, from, 0, to - from, HEIGHT);
    } else {
      context.fillStyle = "#cfc8d4";
      context.font = "14px system-ui, sans-serif";
      context.textAlign = "center";
      context.fillText("Drawing …", (LEFT + width) / 2, HEIGHT / 2);
    }
    if (panel.which === "before") for (const mark of this.marks) this.#box(context, panel, mark);
    if (panel.which === "after" && this.until !== null) this.#veil(context, panel);
    if (this.dragged?.panel === panel) this.#box(context, panel, this.dragged.mark);
    context.fillStyle = "#fff";
    context.fillRect(this.#x(panel, this.cursor) - 0.75, 0, 1.5, HEIGHT);
    context.restore();
    this.#axes(context, panel, last);
  }

  #box(context, panel, mark) {
    const x = this.#x(panel, mark.start), width = Math.max(1.5, this.#x(panel, mark.end) - x);
    const top = this.#y(mark.high ?? this.recording.sample_rate / 2), bottom = this.#y(mark.low ?? 0);
    context.strokeStyle = context.fillStyle = markColour(mark.kind);
    context.globalAlpha = 0.22;
    context.fillRect(x, top, width, bottom - top);
    context.globalAlpha = 1;
    context.lineWidth = 1.5;
    context.strokeRect(x, top + 0.75, width, bottom - top - 1.5);
  }

  /** Greys what a run has not reached yet. */
  #veil(context, panel) {
    context.fillStyle = "#808080a0";
    const x = this.#x(panel, this.until);
    context.fillRect(x, 0, panel.canvas.clientWidth - x, HEIGHT);
  }

  #axes(context, panel, last) {
    const style = getComputedStyle(document.body);
    context.fillStyle = style.getPropertyValue("--quiet");
    context.font = "11px system-ui, sans-serif";
    const most = this.recording.sample_rate / 2000;
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const tick of this.mel ? MEL_TICKS.filter((tick) => tick < 0.9 * most) : ticks(0, most, 4)) {
      const y = this.#y(1000 * tick);
      context.fillText(tick === 0 ? "0 kHz" : String(tick), LEFT - 6, Math.min(HEIGHT - 6, Math.max(6, y)));
    }
    if (!last) return;
    context.textAlign = "center";
    context.textBaseline = "alphabetic";
    const { start, end } = this.view, width = panel.canvas.clientWidth;
    const places = end - start < 0.5 ? 3 : end - start < 20 ? 1 : 0;
    for (const tick of ticks(start, end, (width - LEFT) / 90)) {
      const x = this.#x(panel, tick);
      if (x > LEFT + 12 && x < width - 20) context.fillText(clock(tick, places), x, HEIGHT + 14);
    }
  }

  #x(panel, seconds) {
    const { start, end } = this.view;
    return LEFT + ((seconds - start) / (end - start)) * (panel.canvas.clientWidth - LEFT);
  }

  #y(frequency) {
    const most = this.recording.sample_rate / 2;
    return HEIGHT * (1 - (this.mel ? Math.log1p(frequency / MEL_HZ) / Math.log1p(most / MEL_HZ) : frequency / most));
  }

  /** The frequency at a share of a panel's height, from below. */
  #frequency(share) {
    const most = this.recording.sample_rate / 2;
    return this.mel ? MEL_HZ * Math.expm1(share * Math.log1p(most / MEL_HZ)) : share * most;
  }

  #at(panel, event) {
    const box = panel.canvas.getBoundingClientRect(), { start, end } = this.view;
    const share = (event.clientX - box.left - LEFT) / (box.width - LEFT);
    const seconds = Math.min(this.recording.seconds, Math.max(0, start + Math.min(1, Math.max(0, share)) * (end - start)));
    const height = Math.min(1, Math.max(0, 1 - (event.clientY - box.top) / HEIGHT));
    return { seconds, frequency: this.#frequency(height) };
  }

  #press(panel, event) {
    if (event.button) return;
    const from = this.#at(panel, event), kind = panel.which === "before" ? this.tool : "look";
    const canvas = panel.canvas;
    canvas.setPointerCapture(event.pointerId);
    const moved = (now) => Math.hypot(now.clientX - event.clientX, now.clientY - event.clientY) > DRAGGED;
    const mark = (now) => {
      const to = this.#at(panel, now), banded = tools.get(kind)?.banded;
      const [low, high] = [from.frequency, to.frequency].sort((a, b) => a - b);
      const [start, end] = [from.seconds, to.seconds].sort((a, b) => a - b);
      return { kind, start, end, ...(banded ? { low, high } : {}) };
    };
    const follow = (now) => {
      this.dragged = moved(now) ? { panel, mark: mark(now) } : undefined;
      this.#draw(panel);
    };
    const finish = (now) => {
      canvas.removeEventListener("pointermove", follow);
      canvas.removeEventListener("pointerup", finish);
      canvas.removeEventListener("pointercancel", finish);
      this.dragged = undefined;
      const made = mark(now);
      if (now.type === "pointercancel") this.#draw(panel);
      else if (!moved(now)) this.events.seek(from.seconds);
      else if (kind === "look") this.look(made.start, made.end);
      else this.events.mark(made);
    };
    canvas.addEventListener("pointermove", follow);
    canvas.addEventListener("pointerup", finish);
    canvas.addEventListener("pointercancel", finish);
  }
}
