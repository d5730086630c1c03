// What the visitor has marked: as a list that can be edited with the keyboard, and as settings.

import { hertz } from "./time.js";

const WORDS = { noise: "Noise only", gap: "Gap", region: "Take out", protect: "Protect" };
const COLOURS = { noise: "#4cc9f066", gap: "#f9c74f66", region: "#ff6b6b66", protect: "#90ee9066" };

export class Marks {
  constructor(list, changed) {
    this.list = list;
    this.changed = changed;
    this.all = [];
  }

  open(recording) {
    this.recording = recording;
    this.all = [];
    this.#draw();
  }

  add(mark) {
    if (mark.kind === "noise") this.all = this.all.filter((other) => other.kind !== "noise"); // there is one passage
    const { kind, start, end, low, high } = mark; // to a tenth of a millisecond, and a hertz
    const band = low === undefined ? {} : { low: Math.round(low), high: Math.round(high) };
    this.all.push({ kind, start: +start.toFixed(4), end: +end.toFixed(4), ...band });
    this.#draw();
  }

  /** Returns them as settings of a task. */
  settings(task) {
    const of = (kind) => this.all.filter((mark) => mark.kind === kind);
    const whole = this.recording.sample_rate / 2;
    const banded = (mark) => [mark.start, mark.end, mark.low ?? 0, mark.high ?? whole];
    const found = {};
    if (task === "denoise") {
      if (of("noise").length) found.noise = [of("noise")[0].start, of("noise")[0].end];
      if (of("protect").length) found.protect = of("protect").map(banded);
    }
    if (task === "inpaint") {
      if (of("gap").length) found.gaps = of("gap").map((mark) => [mark.start, mark.end]);
      if (of("region").length) found.regions = of("region").map(banded);
    }
    return found;
  }

  shown() {
    return this.all.map((mark) => ({ start: mark.start, end: mark.end, colour: COLOURS[mark.kind] }));
  }

  #draw() {
    this.list.replaceChildren(...this.all.map((mark, index) => this.#row(mark, index)));
    this.changed();
  }

  #row(mark, index) {
    const row = document.createElement("li"), name = document.createElement("strong");
    name.textContent = WORDS[mark.kind];
    row.append(name);
    const limits = { start: this.recording.seconds, end: this.recording.seconds, low: this.recording.sample_rate / 2, high: this.recording.sample_rate / 2 };
    for (const [part, unit] of [["start", "s"], ["end", "s"], ["low", "Hz"], ["high", "Hz"]]) {
      if (!(part in mark)) continue;
      const label = document.createElement("label"), input = document.createElement("input");
      Object.assign(input, { type: "number", min: 0, max: limits[part], step: "any", value: mark[part] });
      input.addEventListener("change", () => {
        if (input.value !== "" && input.checkValidity()) mark[part] = +input.value;
        input.value = mark[part];
        this.changed();
      });
      label.append(`${part} `, input, ` ${unit}`);
      row.append(label);
    }
    const remove = document.createElement("button");
    remove.type = "button";
    remove.textContent = "Remove";
    const band = "low" in mark ? `, ${hertz(mark.low)} to ${hertz(mark.high)}` : "";
    remove.setAttribute("aria-label", `Remove the mark ${WORDS[mark.kind]} at ${mark.start} s${band}`);
    remove.addEventListener("click", () => {
      this.all.splice(index, 1);
      this.#draw();
    });
    row.append(remove);
    return row;
  }
}
