// One audio element for the whole app: it goes on while pages change. What is heard, where, how
// fast, and what repeats.

import { api } from '../api/client';
import type { Rendering } from '../api/types';
import { attach, streamPath, type Attached, type Quality, type Wish } from './attach';
import { flatten, lastStarted, wordAt, type TimedWord } from './words';

const SPEEDS = { least: 0.5, most: 2, step: 0.1 };

/** What can be played: a script with its sound, or something that was uploaded. */
export interface Track {
  contentId: string;
  kind: 'audio' | 'video';
  title: string;
  durationMs: number;
  /** The words of a script. */
  rendering: Rendering | null;
  /** The page on which it is played. */
  path: string;
}

/** Whoever keeps the places of all devices together; nobody for visitors. */
export interface Follower {
  opened(contentId: string): void;
  /** Now and then while it plays, and at once when that changes. */
  at(contentId: string, positionMs: number, sought: boolean): void;
  preferred(contentId: string): void;
}

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
  readonly video = document.createElement('video');
  /** The one of both that is heard. */
  media: HTMLMediaElement = this.audio;
  track = $state.raw<Track | null>(null);
  follower: Follower | null = null;
  /** What may be chosen, when it comes in pieces. */
  qualities = $state.raw<Quality[]>([]);
  /** Which of them is heard now. */
  level = $state(-1);
  wish = $state<Wish>((localStorage.getItem('sori.quality') as Wish | null) ?? '');
  /** Why nothing is heard, as far as the server says. */
  trouble = $state.raw<unknown>(null);
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

  #attached: Attached | null = null;
  #sought = false;

  constructor() {
    this.video.playsInline = true;
    for (const media of [this.audio, this.video]) {
      media.preload = 'auto';
      const on = (name: string, act: () => void) => media.addEventListener(name, () => media === this.media && act());
      on('play', () => {
        this.playing = true;
        this.#tick();
        this.#tellPosition();
        this.#keep();
      });
      on('pause', () => {
        this.playing = false;
        this.#look();
        this.#keep();
      });
      on('seeked', () => {
        this.#look();
        this.#tellPosition();
        if (media.paused) this.#keep();
      });
      // A page in the background gets no animation frames: repeats and the sleep timer go on by this.
      on('timeupdate', () => document.hidden && this.#beat());
      on('ended', () => this.#keep(0, this.durationMs));
      on('error', () => media.hasAttribute('src') && this.#fail());
      on('canplay', () => ((this.failed = false), (this.trouble = null)));
      on('durationchange', () => {
        // Of what is still being written it is not known before.
        if (this.track && !this.track.durationMs && Number.isFinite(media.duration)) this.track = { ...this.track, durationMs: media.duration * 1000 };
      });
    }
    addEventListener('pagehide', () => this.#keep());
  }

  get contentId() {
    return this.track?.contentId ?? null;
  }

  get rendering() {
    return this.track?.rendering ?? null;
  }

  get durationMs() {
    return this.track?.durationMs ?? 0;
  }

  /** Makes a script the one that plays. Playing what already plays changes nothing. */
  load(scriptId: string, rendering: Rendering) {
    if (this.rendering?.id === rendering.id) return;
    const { title, duration_ms: durationMs } = rendering;
    this.open({ contentId: scriptId, kind: 'audio', title, durationMs, rendering, path: `/listen/${scriptId}` });
  }

  open(track: Track) {
    this.#keep();
    this.media.pause();
    this.#detach();
    const { positionMs, speed } = remembered(track.contentId);
    this.media = track.kind === 'video' ? this.video : this.audio;
    this.media.muted = this.muted;
    this.track = track;
    this.words = track.rendering ? flatten(track.rendering) : [];
    this.word = -1;
    this.line = 0;
    this.aMs = null;
    this.bMs = null;
    this.loopLine = false;
    this.#sought = false;
    const start = positionMs < track.durationMs - 1000 || !track.durationMs ? positionMs : 0;
    this.#attach(start);
    this.speed = speed;
    this.#pace();
    this.#announce(track);
    this.follower?.opened(track.contentId);
  }

  /** Sound goes on where it was. */
  async choose(wish: Wish) {
    this.wish = wish;
    localStorage.setItem('sori.quality', wish);
    if (this.#attached?.choose(wish)) return;
    const [ms, wasPlaying] = [this.timeMs, this.playing];
    this.#detach();
    this.#attach(ms);
    if (wasPlaying) await this.play();
  }

  /** Goes on somewhere without it counting as a wish of the listener. */
  place(ms: number) {
    const sought = this.#sought;
    this.seek(ms);
    this.#sought = sought;
  }

  async toggle() {
    if (this.media.paused) await this.play();
    else this.pause();
  }

  pause() {
    this.media.pause();
  }

  async play() {
    if (this.failed && this.track) {
      // The way back after a lost connection, and to an address that is no longer good.
      const { rendering } = this.track;
      const again = rendering && (await api.get<Rendering>(`/v1/renderings/${rendering.id}`).catch(() => null));
      if (again) this.track = { ...this.track, rendering: again };
      this.#detach();
      this.#attach(this.timeMs);
    }
    try {
      await this.media.play();
    } catch (cause) {
      // A browser that wants a touch first has not failed.
      if (!['AbortError', 'NotAllowedError'].includes((cause as DOMException).name)) void this.#fail();
    }
  }

  /** Ends the listening; the place is kept. */
  close() {
    this.pause();
    this.#keep();
    this.#detach();
    this.track = null;
    this.words = [];
    this.word = -1;
    this.sleepIn(null);
  }

  seek(ms: number) {
    const to = Math.min(Math.max(0, ms), this.durationMs);
    // The word is marked before the sound is there: the eye is quicker.
    this.timeMs = to;
    this.#sought = true;
    this.media.currentTime = to / 1000;
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
    this.#pace();
    this.#store(this.timeMs);
    if (this.contentId) this.follower?.preferred(this.contentId);
  }

  /** As it was left on another device: told to nobody. */
  prefer(speed: number, span: { startMs: number; endMs: number } | null) {
    this.speed = speed;
    this.#pace();
    if (!span) return;
    this.aMs = span.startMs;
    this.bMs = span.endMs;
  }

  #pace() {
    this.media.defaultPlaybackRate = this.speed;
    this.media.playbackRate = this.speed;
    this.#tellPosition();
  }

  faster(steps: number) {
    this.setSpeed(this.speed + steps * SPEEDS.step);
  }

  toggleMute() {
    this.muted = !this.muted;
    this.media.muted = this.muted;
  }

  markA() {
    this.aMs = this.timeMs;
    if (this.bMs !== null && this.bMs <= this.timeMs) this.bMs = null;
  }

  markB() {
    if (this.timeMs <= (this.aMs ?? 0)) return;
    this.bMs = this.timeMs;
    this.#spanChanged();
  }

  clearSpan() {
    const repeated = this.bMs !== null;
    this.aMs = null;
    this.bMs = null;
    if (repeated) this.#spanChanged();
  }

  #spanChanged() {
    if (this.contentId) this.follower?.preferred(this.contentId);
  }

  repeat(startMs: number, endMs: number) {
    this.aMs = startMs;
    this.bMs = endMs;
    this.#spanChanged();
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

  #attach(startMs: number) {
    const track = this.track;
    if (!track) return;
    this.failed = false;
    this.trouble = null;
    const attached = attach(track, this.media, this.wish, {
      qualities: (list, level) => ([this.qualities, this.level] = [list, level]),
      failed: () => this.#attached === attached && void this.#fail(),
    });
    this.#attached = attached;
    this.media.currentTime = startMs / 1000;
    this.media.playbackRate = this.speed;
    this.timeMs = startMs;
    this.#look(startMs);
  }

  #detach() {
    this.#attached?.end();
    this.#attached = null;
    this.qualities = [];
    this.media.removeAttribute('src');
    this.media.load();
  }

  async #fail() {
    const track = this.track;
    this.failed = true;
    this.trouble = null;
    if (!track) return;
    // The element says nothing of the reason; the server does.
    const reason = await api.probe(streamPath(track.contentId)).then(() => null, (error: unknown) => error);
    if (this.track?.contentId === track.contentId && this.failed) this.trouble = reason;
  }

  #tick = () => {
    cancelAnimationFrame(this.#frame);
    if (this.media.paused) return;
    this.#beat();
    this.#frame = requestAnimationFrame(this.#tick);
  };

  #beat() {
    const ms = this.media.currentTime * 1000;
    const span = this.span;
    if (span && ms >= span.endMs) this.seek(span.startMs);
    else this.#look(ms);
    if (this.sleepAtMs !== null && Date.now() >= this.sleepAtMs) {
      this.sleepIn(null);
      this.pause();
    }
    if (Math.abs(ms - this.#keptAtMs) > 5000) this.#keep();
  }

  #look(ms = this.media.currentTime * 1000) {
    this.timeMs = ms;
    this.word = wordAt(this.words, ms);
    const heard = this.words[this.word]?.line;
    const started = lastStarted(this.rendering?.lines ?? [], (line) => line.start_ms, ms);
    const line = heard ?? Math.max(0, started);
    // A repeated line stays the line while its last silence passes into the next one.
    if (!this.loopLine || this.media.paused || line < this.line) this.line = line;
    else if (line > this.line + 1) this.line = line;
  }

  /** `toldMs` is what the other devices hear of: the end stays the end there. */
  #keep(positionMs = this.timeMs, toldMs = positionMs) {
    if (!this.contentId) return;
    this.#keptAtMs = positionMs;
    this.#store(positionMs);
    this.follower?.at(this.contentId, toldMs, this.#sought);
    this.#sought = false;
  }

  #store(positionMs: number) {
    try {
      localStorage.setItem(`sori.listen.${this.contentId}`, JSON.stringify({ positionMs, speed: this.speed }));
    } catch {
      // Nothing is lost but the place to go on.
    }
  }

  /** Where the sound is, for the lock screen. */
  #tellPosition() {
    const { duration, currentTime, playbackRate } = this.media;
    if (!('mediaSession' in navigator) || !Number.isFinite(duration)) return;
    navigator.mediaSession.setPositionState({ duration, playbackRate, position: Math.min(currentTime, duration) });
  }

  #announce(track: Track) {
    if (!('mediaSession' in navigator)) return;
    const session = navigator.mediaSession;
    session.metadata = new MediaMetadata({ title: track.title, artist: 'Sori' });
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
