// What the visitor has marked: as a list that can be edited with the keyboard, and as settings.

import { markColour, tasks, tools } from "./form.js";
import { hertz } from "./time.js";

const SHEER = "66"; // of 255: over the wave

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
    if (!tools.get(mark.kind).many) this.all = this.all.filter(({ kind }) => kind !== mark.kind); // there is one passage
    const { kind, start, end, low, high } = mark; // to a tenth of a millisecond, and a hertz
    const band = low === undefined ? {} : { low: Math.round(low), high: Math.round(high) };
    this.all.push({ kind, start: +start.toFixed(4), end: +end.toFixed(4), ...band });
    this.#draw();
  }

  /** Returns them as settings of a task. */
  settings(task) {
    const whole = this.recording.sample_rate / 2, found = {};
    for (const { control, name, flag, mark, many } of tasks.get(task).controls) {
      if (control !== "marks") continue;
      const values = this.all.filter(({ kind }) => kind === flag).map(({ start, end, low, high }) => (
        mark === "region" ? [start, end, low ?? 0, high ?? whole] : [start, end]));
      if (values.length) found[name] = many ? values : values[0];
    }
    return found;
  }

  shown() {
    return this.all.map((mark) => ({ start: mark.start, end: mark.end, colour: markColour(mark.kind) + SHEER }));
  }

  #draw() {
    this.list.replaceChildren(...this.all.map((mark, index) => this.#row(mark, index)));
    this.changed();
  }

  #row(mark, index) {
    const row = document.createElement("li"), name = document.createElement("strong"), { title } = tools.get(mark.kind);
    name.textContent = title;
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
    remove.setAttribute("aria-label", `Remove the mark ${title} at ${mark.start} s${band}`);
    remove.addEventListener("click", () => {
      this.all.splice(index, 1);
      this.#draw();
    });
    row.append(remove);
    return row;
  }
}
