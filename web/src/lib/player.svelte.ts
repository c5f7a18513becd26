// One audio element for the whole app: it goes on while pages change. What is heard, where, how
// fast, and what repeats.

import { api } from '../api/client';
import type { Rendering } from '../api/types';
import { flatten, lastStarted, wordAt, type TimedWord } from './words';

const SPEEDS = { least: 0.5, most: 2, step: 0.1 };

interface Remembered {
  positionMs: number;
  speed: number;
}

function remembered(scriptId: string): Remembered {
  try {
    const stored = JSON.parse(localStorage.getItem(`sori.listen.${scriptId}`) ?? '{}') as Partial<Remembered>;
    return { positionMs: stored.positionMs ?? 0, speed: stored.speed ?? 1 };
  } catch {
    return { positionMs: 0, speed: 1 };
  }
}

/** Where a script was left, for the library. */
export const positionOf = (scriptId: string) => remembered(scriptId).positionMs;

class Player {
  readonly audio = new Audio();
  rendering = $state.raw<Rendering | null>(null);
  scriptId = $state<string | null>(null);
  playing = $state(false);
  failed = $state(false);
  timeMs = $state(0);
  speed = $state(1);
  muted = $state(false);
  /** Index into `words`, -1 between them. */
  word = $state(-1);
  /** Index of the line that is or was heard last. */
  line = $state(0);
  loopLine = $state(false);
  aMs = $state<number | null>(null);
  bMs = $state<number | null>(null);
  sleepMinutes = $state<number | null>(null);
  sleepAtMs = $state<number | null>(null);
  /** The page of the script shows its own controls: a second set would only confuse. */
  panelInView = $state(false);
  words: TimedWord[] = [];

  #frame = 0;
  #keptAtMs = 0;

  constructor() {
    this.audio.preload = 'auto';
    this.audio.addEventListener('play', () => {
      this.playing = true;
      this.#tick();
      this.#tellPosition();
    });
    this.audio.addEventListener('pause', () => {
      this.playing = false;
      this.#look();
      this.#keep();
    });
    this.audio.addEventListener('seeked', () => {
      this.#look();
      this.#tellPosition();
    });
    // A page in the background gets no animation frames: repeats and the sleep timer go on by this.
    this.audio.addEventListener('timeupdate', () => document.hidden && this.#beat());
    this.audio.addEventListener('ended', () => this.#keep(0));
    this.audio.addEventListener('error', () => (this.failed = this.audio.src !== ''));
    this.audio.addEventListener('canplay', () => (this.failed = false));
    addEventListener('pagehide', () => this.#keep());
  }

  get durationMs() {
    return this.rendering?.duration_ms ?? 0;
  }

  /** Makes a script the one that plays. Playing what already plays changes nothing. */
  load(scriptId: string, rendering: Rendering) {
    if (this.rendering?.id === rendering.id) return;
    this.#keep();
    const { positionMs, speed } = remembered(scriptId);
    this.rendering = rendering;
    this.scriptId = scriptId;
    this.words = flatten(rendering);
    this.clearSpan();
    this.loopLine = false;
    this.failed = false;
    this.audio.src = this.#address(rendering);
    this.setSpeed(speed);
    const start = positionMs < rendering.duration_ms - 1000 ? positionMs : 0;
    this.audio.currentTime = start / 1000;
    this.timeMs = start;
    this.#look(start);
    this.#announce(rendering);
  }

  async toggle() {
    if (this.audio.paused) await this.play();
    else this.pause();
  }

  pause() {
    this.audio.pause();
  }

  async play() {
    if (this.failed) {
      // The way back after a lost connection, and to an address that is no longer good.
      const ms = this.timeMs;
      const again = await api.get<Rendering>(`/v1/renderings/${this.rendering?.id}`).catch(() => null);
      this.failed = false;
      if (again) this.audio.src = this.#address(again);
      this.audio.load();
      this.audio.currentTime = ms / 1000;
    }
    try {
      await this.audio.play();
    } catch (cause) {
      if ((cause as DOMException).name !== 'AbortError') this.failed = true;
    }
  }

  /** Ends the listening; the place is kept. */
  close() {
    this.pause();
    this.#keep();
    this.rendering = null;
    this.scriptId = null;
    this.words = [];
    this.word = -1;
    this.sleepIn(null);
    this.audio.removeAttribute('src');
    this.audio.load();
  }

  seek(ms: number) {
    const to = Math.min(Math.max(0, ms), this.durationMs);
    // The word is marked before the sound is there: the eye is quicker.
    this.timeMs = to;
    this.audio.currentTime = to / 1000;
    this.#look(to);
  }

  by(ms: number) {
    this.seek(this.timeMs + ms);
  }

  /** To the line before or after the current one. */
  toLine(step: number) {
    const lines = this.rendering?.lines ?? [];
    const next = lines[Math.min(Math.max(0, this.line + step), lines.length - 1)];
    if (next) this.seek(next.start_ms);
  }

  setSpeed(speed: number) {
    this.speed = Math.min(SPEEDS.most, Math.max(SPEEDS.least, Math.round(speed * 10) / 10));
    this.audio.defaultPlaybackRate = this.speed;
    this.audio.playbackRate = this.speed;
    this.#tellPosition();
    this.#keep();
  }

  faster(steps: number) {
    this.setSpeed(this.speed + steps * SPEEDS.step);
  }

  toggleMute() {
    this.muted = !this.muted;
    this.audio.muted = this.muted;
  }

  markA() {
    this.aMs = this.timeMs;
    if (this.bMs !== null && this.bMs <= this.timeMs) this.bMs = null;
  }

  markB() {
    if (this.timeMs > (this.aMs ?? 0)) this.bMs = this.timeMs;
  }

  clearSpan() {
    this.aMs = null;
    this.bMs = null;
  }

  sleepIn(minutes: number | null) {
    this.sleepMinutes = minutes;
    this.sleepAtMs = minutes === null ? null : Date.now() + minutes * 60_000;
  }

  /** What repeats now. */
  get span(): { startMs: number; endMs: number } | null {
    if (this.bMs !== null) return { startMs: this.aMs ?? 0, endMs: this.bMs };
    const line = this.loopLine ? this.rendering?.lines[this.line] : undefined;
    return line ? { startMs: line.start_ms, endMs: line.end_ms } : null;
  }

  #address(rendering: Rendering): string {
    const audio = rendering.audio.find((one) => this.audio.canPlayType(one.content_type) !== '') ?? rendering.audio[0];
    return audio?.url ?? '';
  }

  #tick = () => {
    cancelAnimationFrame(this.#frame);
    if (this.audio.paused) return;
    this.#beat();
    this.#frame = requestAnimationFrame(this.#tick);
  };

  #beat() {
    const ms = this.audio.currentTime * 1000;
    const span = this.span;
    if (span && ms >= span.endMs) this.seek(span.startMs);
    else this.#look(ms);
    if (this.sleepAtMs !== null && Date.now() >= this.sleepAtMs) {
      this.sleepIn(null);
      this.pause();
    }
    if (Math.abs(ms - this.#keptAtMs) > 5000) this.#keep();
  }

  #look(ms = this.audio.currentTime * 1000) {
    this.timeMs = ms;
    this.word = wordAt(this.words, ms);
    const heard = this.words[this.word]?.line;
    const started = lastStarted(this.rendering?.lines ?? [], (line) => line.start_ms, ms);
    const line = heard ?? Math.max(0, started);
    // A repeated line stays the line while its last silence passes into the next one.
    if (!this.loopLine || this.audio.paused || line < this.line) this.line = line;
    else if (line > this.line + 1) this.line = line;
  }

  #keep(positionMs = this.timeMs) {
    if (!this.scriptId) return;
    this.#keptAtMs = positionMs;
    try {
      localStorage.setItem(`sori.listen.${this.scriptId}`, JSON.stringify({ positionMs, speed: this.speed }));
    } catch {
      // Nothing is lost but the place to go on.
    }
  }

  /** Where the sound is, for the lock screen. */
  #tellPosition() {
    const { duration, currentTime, playbackRate } = this.audio;
    if (!('mediaSession' in navigator) || !Number.isFinite(duration)) return;
    navigator.mediaSession.setPositionState({ duration, playbackRate, position: Math.min(currentTime, duration) });
  }

  #announce(rendering: Rendering) {
    if (!('mediaSession' in navigator)) return;
    const session = navigator.mediaSession;
    session.metadata = new MediaMetadata({ title: rendering.title, artist: 'Sori' });
    session.setActionHandler('play', () => void this.play());
    session.setActionHandler('pause', () => this.pause());
    session.setActionHandler('seekbackward', () => this.by(-10_000));
    session.setActionHandler('seekforward', () => this.by(10_000));
    session.setActionHandler('previoustrack', () => this.toLine(-1));
    session.setActionHandler('nexttrack', () => this.toLine(1));
    session.setActionHandler('seekto', (details) => details.seekTime !== undefined && this.seek(details.seekTime * 1000));
  }
}

export const player = new Player();
