// Before, after and removed, played in lock-step: all run, one is heard, so that changing over loses no instant.

import WaveSurfer from "./vendor/wavesurfer/wavesurfer.esm.js";
import Timeline from "./vendor/wavesurfer/timeline.esm.js";
import Regions from "./vendor/wavesurfer/regions.esm.js";

const APART_S = 0.03; // further apart than this, versions are brought together again
const WAVE = { before: "#8d8494", after: "#b0489c", removed: "#e39b3b" };

export class Player {
  /** `events`: time(seconds, playing), state(playing), failed(message). */
  constructor(place, events) {
    this.place = place;
    this.events = events;
    this.versions = {};
    this.heard = "before";
    this.matched = false;
    const tick = () => {
      if (this.playing) events.time(this.time, true);
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  /** Gives a version its sound: {address, rms, peak, peaks}. */
  load(which, sound) {
    const old = this.versions[which], at = this.time, playing = this.playing;
    const audio = old?.audio ?? new Audio();
    audio.preload = "auto";
    this.versions[which] = { ...sound, audio };
    if (!old) {
      audio.addEventListener("error", () => audio.src && this.events.failed("The sound could not be loaded; reload the page."));
      if (which === "before") {
        audio.addEventListener("ended", () => this.pause());
        audio.addEventListener("seeked", () => this.events.time(this.time, this.playing));
      }
    }
    audio.src = sound.address;
    if (which !== "before") {
      audio.addEventListener("loadedmetadata", () => { audio.currentTime = this.time; if (this.playing) audio.play(); }, { once: true });
    } else if (at) {
      audio.currentTime = at;
      if (playing) audio.play();
    }
    this.#levels();
  }

  unload() {
    this.pause();
    for (const { audio } of Object.values(this.versions)) {
      audio.removeAttribute("src");
      audio.load();
    }
    this.wave?.destroy();
    this.wave = undefined;
    this.versions = {};
    this.heard = "before";
  }

  drop(which) {
    if (!this.versions[which]) return;
    this.versions[which].audio.pause();
    delete this.versions[which];
    if (this.heard === which) this.hear("before");
  }

  /** Draws the waveform of the version that is heard. */
  draw(seconds) {
    const at = this.time;
    this.wave?.destroy();
    const { audio, peaks } = this.versions.before, shown = this.versions[this.heard]?.peaks ?? peaks;
    const top = Math.max(...peaks, 1e-6);
    this.regions = Regions.create();
    this.wave = WaveSurfer.create({
      container: this.place, media: audio, peaks: [shown.map((peak) => peak / top)], duration: seconds, height: 48,
      waveColor: WAVE[this.heard], progressColor: WAVE[this.heard], cursorColor: "#888", interact: true, normalize: false,
      plugins: [Timeline.create({ height: 14, style: { fontSize: "10px" } }), this.regions],
    });
    this.wave.on("interaction", (now) => this.seek(now));
    audio.currentTime = at;
    this.mark(this.marked ?? []);
  }

  mark(marks) {
    this.marked = marks;
    this.regions?.clearRegions();
    for (const { start, end, colour } of marks) this.regions?.addRegion({ start, end, color: colour, drag: false, resize: false });
  }

  get audio() { return this.versions.before?.audio; }
  get time() { return this.audio?.currentTime ?? 0; }
  get playing() { return Boolean(this.audio && !this.audio.paused); }

  async play() {
    if (!this.audio) return;
    this.#together();
    const started = Object.values(this.versions).map(({ audio }) => audio.play());
    await Promise.allSettled(started);
    this.events.state(this.playing);
  }

  pause() {
    for (const { audio } of Object.values(this.versions)) audio.pause();
    this.events.state(false);
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  seek(seconds) {
    for (const { audio } of Object.values(this.versions)) audio.currentTime = seconds;
    this.events.time(seconds, this.playing);
  }

  hear(which) {
    if (!this.versions[which]) return;
    this.heard = which;
    this.#together();
    this.#levels();
  }

  match(matched) {
    this.matched = matched;
    this.#levels();
  }

  #together() {
    for (const { audio } of Object.values(this.versions)) {
      if (Math.abs(audio.currentTime - this.time) > APART_S) audio.currentTime = this.time;
    }
  }

  /** Sets what is heard, and how loud: nothing beyond full scale, and on request all as loud as the quietest. */
  #levels() {
    const all = Object.values(this.versions);
    const safe = 1 / Math.max(1, ...all.map(({ peak }) => peak));
    const quietest = Math.min(...all.map(({ rms }) => rms || Infinity));
    for (const [which, { audio, rms }] of Object.entries(this.versions)) {
      const match = this.matched && rms > 0 && Number.isFinite(quietest) ? quietest / rms : 1;
      audio.volume = Math.min(1, safe * match);
      audio.muted = which !== this.heard;
    }
  }
}
