// What a visitor decides: the task, its method and its settings, built from what the server says of each task.

const $ = (id) => document.getElementById(id);
const STEPS = 20; // of a slider
const COLOURS = ["#4cc9f0", "#90ee90", "#f9c74f", "#ff6b6b", "#c77dff", "#ffafcc"]; // of marks, in the order of the tools

/** Every task by its name, as the server tells of it. */
export const tasks = new Map();

/** What can be marked, by the command's word for it: { kind, title, banded, many }. */
export const tools = new Map();

export function build(told) {
  for (const task of told) {
    tasks.set(task.name, task);
    $("task").append(new Option(task.offer, task.name));
    for (const control of task.controls) {
      if (control.control === "marks") offer(control);
      else $("settings").append(row(task.name, control));
    }
  }
}

/** Shows a task's method and settings, and no other's. */
export function show(name) {
  $("task").value = name;
  for (const part of document.querySelectorAll("[data-for]")) part.hidden = part.dataset.for !== name;
  const { methods, method } = tasks.get(name), chosen = $("method").value, names = Object.keys(methods);
  $("method-row").hidden = !names.length;
  $("method").replaceChildren(...names.map((each) => new Option(each === method ? `${each} (the default)` : each, each)));
  if (names.length) $("method").value = names.includes(chosen) ? chosen : method;
}

/** Returns the task, its method and its settings as they stand in the form; what is left empty is left out. */
export function wish() {
  const { name, methods, controls } = tasks.get($("task").value), settings = {};
  for (const control of controls) {
    const input = $(place(name, control));
    if (control.control === "bool") settings[control.name] = input.checked;
    else if (control.control === "choice") settings[control.name] = input.value;
    else if (control.control === "number" && input.value !== "") settings[control.name] = +input.value;
  }
  return { task: name, ...(Object.keys(methods).length ? { method: $("method").value } : {}), settings };
}

const place = (name, control) => `${name}-${control.flag}`;

function row(name, control) {
  const line = document.createElement("p"), label = document.createElement("label"), input = made(control);
  line.dataset.for = name;
  label.textContent = control.title;
  label.htmlFor = input.id = place(name, control);
  input.title = control.help;
  line.append(label, " ", input);
  return line;
}

function made({ control, choices, least, most, whole, default: value }) {
  if (control === "choice") {
    const select = document.createElement("select");
    select.append(...Object.entries(choices).map(([name, meaning]) => new Option(meaning, name)));
    select.value = value;
    return select;
  }
  const input = document.createElement("input");
  if (control === "bool") return Object.assign(input, { type: "checkbox", checked: value });
  const slides = value !== null && least !== null && most !== null && !whole;
  Object.assign(input, { type: slides ? "range" : "number", min: least ?? "", max: most ?? "" });
  input.step = slides ? (most - least) / STEPS : whole ? 1 : "any";
  if (value === null) input.placeholder = "found by itself";
  else input.value = value;
  return input;
}

/** Returns the colour of a kind of mark; white for none. */
export function markColour(kind) {
  const at = [...tools.keys()].indexOf(kind);
  return at < 0 ? "#ffffff" : COLOURS[at % COLOURS.length];
}

/** Adds what can be marked to what dragging over a spectrogram can do. */
function offer({ flag: kind, title, label, mark, many }) {
  if (tools.has(kind)) return;
  tools.set(kind, { kind, title, banded: mark === "region", many });
  const choice = document.createElement("label"), input = document.createElement("input");
  Object.assign(input, { type: "radio", name: "tool", value: kind });
  choice.append(input, ` mark ${label}`);
  $("mark-here").before(choice, "\n");
}
