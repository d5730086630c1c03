"use strict";
const data = JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(document.getElementById("data").textContent), c => c.charCodeAt(0))));
const at = id => document.getElementById(id);
const table = document.querySelector("table");
const wide = table.parentElement;
const heard = data.rows.filter(row => row.sound);
for (const row of heard) {
  row.audio = new Audio(row.sound); // never part of the page, where its name could be read
  row.audio.preload = "auto";
}
let shown = []; // rows that can be heard, in the order of the table
let now = null; // the row that is chosen
let playing = false;
let blind = null; // while listening blind: the letter of each row
let ranking = null; // afterwards: the rows, best first

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function say(text) { at("said").textContent = text; }

// --- the player: one instant of time, whichever row is heard

function seconds() { return now ? now.audio.currentTime : 0; }
function length() { return now && now.audio.duration > 0 ? now.audio.duration : data.seconds; }

function label(row) { return blind && row.kind !== "reference" ? blind.get(row) : row.name; }

function louden() {
  // Only turning down is possible, so all go down together by what the quietest has to be raised.
  const match = at("match").checked;
  const most = Math.max(0, ...heard.map(row => row.raise_db));
  for (const row of heard) row.audio.volume = match ? 10 ** ((row.raise_db - most) / 20) : 1;
}

function choose(row, start = playing) {
  if (row !== now) {
    const time = seconds();
    if (now) now.audio.pause();
    now = row;
    now.audio.currentTime = Math.min(time, length());
    say(label(row));
  }
  start ? play() : pause();
}

function play() {
  playing = true;
  if (now.audio.ended) now.audio.currentTime = 0;
  now.audio.play().catch(error => { if (error.name !== "AbortError") { pause(); say("This sound cannot be played: " + error.message); } });
  mark();
}

function pause() {
  playing = false;
  now.audio.pause();
  mark();
}

function seek(time) {
  now.audio.currentTime = Math.max(0, Math.min(time, length() - 0.001));
  follow();
}

function ended() {
  if (at("repeat").checked) { seek(0); play(); } else { playing = false; seek(0); mark(); }
}

function mark() {
  at("play").textContent = playing ? "Pause" : "Play";
  at("now").textContent = label(now);
  for (const row of shown) {
    row.line.classList.toggle("chosen", row === now);
    row.button.setAttribute("aria-pressed", String(row === now));
  }
  follow();
}

function follow() {
  const share = Math.min(1, seconds() / length());
  if (document.activeElement !== at("position") || playing) at("position").value = Math.round(1000 * share);
  const text = `${seconds().toFixed(1)} of ${length().toFixed(1)} s`;
  at("clock").textContent = text;
  at("position").setAttribute("aria-valuetext", text);
  table.style.setProperty("--at", `${100 * share}%`);
}

function tick() {
  if (playing) follow();
  requestAnimationFrame(tick);
}

// --- the table

function cells(row, place) {
  row.button = make("button", { type: "button", className: "listen", onclick: () => (row === now && playing ? pause() : choose(row, true)) },
    blind ? blind.get(row) || "ref" : String(place));
  row.button.setAttribute("aria-label", `Listen to ${label(row)}`);
  const found = [make("td", {}, row.button)];
  if (blind) {
    found.push(row.kind === "reference" ? make("td", {}, "the clean reference, not ranked") : orders(row));
    return found;
  }
  found.push(named(row));
  if (ranking) found.push(row.kind === "reference" ? figure("–") : figure(String(ranking.indexOf(row) + 1), `was ${row.letter}`));
  const image = make("img", { src: row.picture, alt: `Spectrogram of ${row.name}`, draggable: false });
  const picture = make("div", { className: "picture" }, image);
  picture.addEventListener("click", event => {
    const box = picture.getBoundingClientRect();
    choose(row);
    seek((event.clientX - box.left) / box.width * length());
  });
  found.push(make("td", {}, picture));
  found.push(row.kind === "system" ? figure(taken(row.seconds), `${quick(row.speed)} × real time`) : figure("–"));
  const change = row.level_dbfs - data.rows[0].level_dbfs;
  found.push(figure(`${signed(row.level_dbfs, 1)} dB`, row.kind === "input" ? "" : `(${signed(change, 1, "+")})`));
  for (const column of data.columns) found.push(score(row, column));
  return found;
}

function named(row) {
  const found = make("td", { className: "name" }, row.name, " ");
  if (row.trained) found.append(make("span", { className: "tag" }, `trained on ${row.trained}`));
  found.append(make("small", {}, row.failure || row.about));
  return found;
}

function figure(text, small = "") {
  return make("td", { className: "number" }, text, ...(small ? [make("br"), make("small", {}, small)] : []));
}

function score(row, column) {
  const value = row.scores[column.key];
  if (value === undefined) return Object.assign(figure("–"), { title: (row.unscored || {})[column.key] || "" });
  const text = signed(value, column.digits);
  const gain = column.key === "si_sdr" && row.kind === "system" ? `(${signed(value - data.rows[0].scores.si_sdr, 1, "+")})` : "";
  const best = (row.best || []).includes(column.key);
  return figure(best ? make("b", {}, text, make("span", { className: "hidden" }, " best")) : text, gain);
}

function signed(value, digits, plus = "") {
  const text = Math.abs(value).toFixed(digits);
  return Number(text) === 0 ? text : (value < 0 ? "−" : plus) + text;
}
function taken(value) { return value < 0.095 ? `${Math.max(1, Math.round(1000 * value))} ms` : `${value.toFixed(value < 10 ? 1 : 0)} s`; }
function quick(value) { return value >= 10 ? value.toFixed(0) : value.toPrecision(2); }

function head() {
  const words = blind ? ["listen", "order"] :
    ["listen", "what", ...(ranking ? ["your rank"] : []), "spectrogram", "time", "level", ...data.columns.map(column => column.label)];
  const numbers = new Set(["your rank", "time", "level", ...data.columns.map(column => column.label)]);
  return make("tr", {}, ...words.map(word => make("th", { scope: "col", className: numbers.has(word) ? "number" : "" }, word)));
}

function draw(order) {
  shown = order;
  table.classList.toggle("blind", Boolean(blind));
  table.querySelector("thead").replaceChildren(head());
  const lines = order.map((row, index) => (row.line = make("tr", {}, ...cells(row, index + 1))));
  if (!blind) {
    for (const row of data.rows.filter(one => one.kind === "failed")) {
      lines.push(make("tr", {}, make("td", {}, "–"), Object.assign(named(row), { colSpan: 20 })));
    }
  }
  table.querySelector("tbody").replaceChildren(...lines);
  for (const id of ["task", "ranked"]) at(id).hidden = !blind;
  at("scale").hidden = Boolean(blind);
  at("after").hidden = !ranking;
  at("blind").textContent = blind ? "Stop" : "Listen blind";
  mark();
}

// --- listening blind

function orders(row) {
  const move = step => () => {
    const order = shown.filter(one => one.kind !== "reference");
    const from = order.indexOf(row), to = from + step;
    if (to < 0 || to >= order.length) return;
    order.splice(from, 1);
    order.splice(to, 0, row);
    draw([...shown.filter(one => one.kind === "reference"), ...order]);
    const button = row.line.querySelectorAll(".orders button")[step < 0 ? 0 : 1];
    (button.disabled ? row.line.querySelector(".orders button:enabled") : button).focus();
    say(`${blind.get(row)} is number ${to + 1} of ${order.length}`);
  };
  const order = [...blind.keys()].length, first = () => shown.filter(one => one.kind !== "reference").indexOf(row);
  const up = make("button", { type: "button", onclick: move(-1), disabled: first() === 0 }, "↑");
  const down = make("button", { type: "button", onclick: move(1), disabled: first() === order - 1 }, "↓");
  up.setAttribute("aria-label", `${blind.get(row)} is better: up`);
  down.setAttribute("aria-label", `${blind.get(row)} is worse: down`);
  return make("td", { className: "orders" }, up, down);
}

function shuffled(rows) {
  const order = [...rows];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

function hide() {
  const order = shuffled(heard.filter(row => row.kind !== "reference"));
  blind = new Map(order.map((row, index) => [row, index < 26 ? String.fromCharCode(65 + index) : `Z${index - 25}`]));
  ranking = null;
  at("match").checked = true;
  louden();
  pause();
  now = order[0];
  draw([...heard.filter(row => row.kind === "reference"), ...order]);
  say(`${order.length} sounds without names`);
}

function show(ranked) {
  const order = shown.filter(row => row.kind !== "reference");
  for (const row of order) row.letter = blind.get(row);
  blind = null;
  ranking = ranked ? order : null;
  draw(ranked ? shown : heard);
  say(ranked ? `Your best was ${order[0].name}` : "The names are shown");
}

function save() {
  const kept = {
    recording: data.title, task: data.task, date: new Date().toISOString(), equally_loud: at("match").checked,
    ranking: ranking.map((row, index) => ({ rank: index + 1, letter: row.letter, name: row.name, scores: row.scores })),
  };
  const link = make("a", { download: `${data.title}.ranking.json` });
  link.href = URL.createObjectURL(new Blob([JSON.stringify(kept, null, 2) + "\n"], { type: "application/json" }));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// --- keys

function step(by) {
  const row = shown[(shown.indexOf(now) + by + shown.length) % shown.length];
  const follows = document.activeElement.classList.contains("listen");
  choose(row);
  if (follows) row.button.focus();
}

document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const tag = event.target.tagName;
  const slides = event.target === at("position") || (event.target === wide && wide.scrollWidth > wide.clientWidth);
  const acts = {
    ArrowUp: () => step(-1),
    ArrowDown: () => step(1),
    ArrowLeft: slides ? null : () => seek(seconds() - 1),
    ArrowRight: slides ? null : () => seek(seconds() + 1),
    " ": tag === "BUTTON" || event.target.type === "checkbox" ? null : () => (playing ? pause() : play()),
  };
  const place = "123456789".indexOf(event.key);
  const act = place >= 0 ? shown[place] && (() => choose(shown[place])) : acts[event.key];
  if (act) { event.preventDefault(); act(); }
});

for (const row of heard) row.audio.addEventListener("ended", () => { if (row === now) ended(); });
at("play").onclick = () => (playing ? pause() : play());
at("position").oninput = event => seek(event.target.value / 1000 * length());
at("match").onchange = louden;
at("blind").onclick = () => (blind ? show(false) : hide());
at("show").onclick = () => { show(true); wide.focus({ preventScroll: true }); };
at("save").onclick = save;
now = heard[0];
data.blind ? hide() : draw(heard);
louden();
tick();
