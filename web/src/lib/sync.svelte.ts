// What keeps this browser and the person's other devices together: where they are in everything,
// what plays where, and who goes on with it. `docs/sync.md` tells what is said over the socket.

import { api, ApiError } from '../api/client';
import { fresh } from '../api/credentials';
import { deviceId, deviceName } from './device';
import { player, type Follower } from './player.svelte';
import { router } from './router.svelte';
import { backOffMs, follows, type Progress } from './progress';

export interface Device {
  id: string;
  name: string | null;
  kind: string | null;
  online: boolean;
  now_playing: { content_id: string; position_ms: number; at_ms: number; playing: boolean; speed: number } | null;
}

type Push =
  | { type: 'state'; devices: Device[]; progress: Progress[] }
  | { type: 'progress' | 'saved' | 'conflict'; progress: Progress }
  | { type: 'device'; device: Device }
  | { type: 'device_removed'; device_id: string }
  | { type: 'playback'; playback: Playback }
  | { type: 'bookmarks'; content_id: string }
  | { type: 'command'; from: string; command: Command }
  | { type: 'taken_over'; content_id: string; by: string }
  | { type: 'done'; ref?: string; progress?: Progress }
  | { type: 'error' | 'pong' };

type Command =
  | { action: 'pause' }
  | { action: 'resume' }
  | { action: 'seek'; position_ms: number }
  | { action: 'speed'; speed: number }
  | Handed;

interface Handed {
  action: 'play';
  content_id: string;
  position_ms: number;
}

interface Playback {
  content_id: string;
  speed: number;
  loop: { start_ms: number; end_ms: number } | null;
  /** Null while nothing is remembered: then it plays as it did on this device. */
  updated_at_ms: number | null;
}

interface Report {
  content: string;
  positionMs: number;
  durationMs: number;
  sought: boolean;
  playing: boolean;
  speed: number;
  atMs: number;
}

const PREFERENCE_MS = 600;
/** A jump that the server remembers as one. */
const FAR_MS = 60_000;
/** How long the device that was taken over has to tell its last place. */
const HANDED_MS = 3000;
/** Closed for good, as far as this sign-in goes. */
const SIGNED_OUT = 4401;

class Sync implements Follower {
  devices = $state.raw<Device[]>([]);
  progress = $state.raw<ReadonlyMap<string, Progress>>(new Map());
  known = $state(false);
  /** What stands although this browser was elsewhere: the person decides. */
  conflict = $state.raw<Progress | null>(null);
  /** Bookmarks that were changed elsewhere: how often, for those who show them. */
  bookmarksChanged = $state(0);
  /** The content in which the person went far away: they may want to come back. */
  jumped = $state<string | null>(null);

  #socket: WebSocket | null = null;
  #account: string | null = null;
  #tries = 0;
  #timer = 0;
  #next: Report | null = null;
  #saving = false;
  /** What this browser last knew of the content that is loaded. */
  #base: number | undefined;
  #lastMs: number | null = null;
  #lastPlaying = false;
  #openedAt = 0;
  #handedUntil = 0;
  #preferring = 0;
  #handed: { contentId: string; positionMs: number } | null = null;

  begin(account: string) {
    if (this.#account === account) return;
    this.end();
    this.#account = account;
    player.follower = this;
    void this.#open();
    void this.#replay();
    addEventListener('online', this.#online);
    if (player.contentId) this.opened(player.contentId);
  }

  end() {
    this.#account = null;
    clearTimeout(this.#timer);
    this.#socket?.close();
    this.#socket = null;
    player.follower = null;
    this.devices = [];
    this.progress = new Map();
    this.known = false;
    this.conflict = null;
    this.#next = null;
    removeEventListener('online', this.#online);
  }

  /** Other devices that play something now. */
  get elsewhere() {
    return this.devices.filter((device) => device.id !== deviceId() && device.online && device.now_playing?.playing);
  }

  /** Other devices that something can be handed to. */
  get others() {
    return this.devices.filter((device) => device.id !== deviceId() && device.online);
  }

  nameOf(id: string): string | null {
    const device = this.devices.find((one) => one.id === id);
    return device?.name ?? device?.kind ?? null;
  }

  command(to: string, command: Command) {
    this.#say({ type: 'command', to, command });
  }

  /** "Continue here" of what is loaded: begins where the other device says it is. */
  takeOver(contentId: string) {
    this.#handedUntil = Date.now() + HANDED_MS;
    this.#say({ type: 'take_over', ref: contentId, content_id: contentId });
  }

  /** The person's answer to a conflict. */
  async settle(goThere: boolean) {
    const standing = this.conflict;
    this.conflict = null;
    if (!standing || standing.content_id !== player.contentId) return;
    this.#base = standing.version;
    if (goThere) player.place(standing.position_ms);
    else this.#report(standing.content_id, player.timeMs, true);
  }

  /** The place before the last jump stands again. */
  wentBack(contentId: string, standing: { position_ms: number; version: number }) {
    if (contentId !== player.contentId) return;
    this.#base = standing.version;
    this.#lastMs = standing.position_ms;
    this.jumped = null;
    player.place(standing.position_ms);
  }

  opened(contentId: string) {
    this.jumped = null;
    this.conflict = null;
    this.#base = undefined;
    this.#lastMs = null;
    this.#openedAt = player.timeMs;
    if (this.known) void this.#place(contentId);
    void this.#prefer(contentId);
    if (this.#handed?.contentId === contentId) this.#receive();
  }

  at(contentId: string, positionMs: number, sought: boolean) {
    this.#report(contentId, positionMs, sought);
  }

  preferred(contentId: string) {
    clearTimeout(this.#preferring);
    const { speed, aMs, bMs } = player;
    const loop = bMs === null ? null : { start_ms: Math.round(aMs ?? 0), end_ms: Math.round(bMs) };
    const settings = { speed, loop, device_id: deviceId() };
    this.#preferring = window.setTimeout(() => void api.put(`/v1/playback/${contentId}`, settings).catch(() => undefined), PREFERENCE_MS);
  }

  async #prefer(contentId: string) {
    try {
      this.#apply(await api.get<Playback>(`/v1/playback/${contentId}`));
    } catch {
      // It plays as it did on this device.
    }
  }

  #apply({ content_id, speed, loop, updated_at_ms }: Playback) {
    if (content_id === player.contentId && updated_at_ms) player.prefer(speed, loop && { startMs: loop.start_ms, endMs: loop.end_ms });
  }

  /** To where the person stopped, unless they have gone somewhere themselves meanwhile. */
  async #place(contentId: string) {
    const standing = this.progress.get(contentId);
    if (player.contentId !== contentId || !standing) return;
    this.#base = standing.version;
    this.#lastMs = standing.position_ms;
    const moved = Math.abs(player.timeMs - this.#openedAt) > 3000;
    const ended = player.durationMs > 0 && standing.position_ms > player.durationMs - 1000;
    if (!moved) player.place(ended ? 0 : standing.position_ms);
  }

  #report(content: string, positionMs: number, sought: boolean) {
    if (this.conflict || !this.known) return;
    const ms = Math.round(positionMs);
    // Looking at a page is not listening.
    const moved = Math.abs(ms - (this.#lastMs ?? 0)) > 250;
    if (!moved && player.playing === this.#lastPlaying && this.#lastMs !== null) return;
    if (this.#lastMs === null && !player.playing && !sought) return;
    if (sought && this.#lastMs !== null && Math.abs(ms - this.#lastMs) > FAR_MS) this.jumped = content;
    this.#lastMs = ms;
    this.#lastPlaying = player.playing;
    const wasSought = sought || (this.#next?.content === content && this.#next.sought);
    this.#next = { content, positionMs: ms, durationMs: Math.round(player.durationMs), sought: wasSought, playing: player.playing, speed: player.speed, atMs: Date.now() };
    void this.#save();
  }

  async #save() {
    if (this.#saving) return;
    this.#saving = true;
    while (this.#next) {
      const report = this.#next;
      this.#next = null;
      try {
        const saved = await api.put<{ version: number }>(`/api/progress/${report.content}`, {
          position: report.positionMs / 1000,
          duration: report.durationMs / 1000 || undefined,
          device_id: deviceId(),
          client_time: report.atMs,
          base_version: this.#base,
          seek: report.sought,
          playing: report.playing,
          speed: report.speed,
        });
        if (report.content === player.contentId) this.#base = saved.version;
        this.#note({ content_id: report.content, position_ms: report.positionMs, duration_ms: report.durationMs, version: saved.version, device_id: deviceId(), updated_at_ms: report.atMs });
      } catch (error) {
        this.#refused(error, report);
      }
    }
    this.#saving = false;
  }

  #refused(error: unknown, report: Report) {
    if (!(error instanceof ApiError)) return;
    if (error.isOffline) return this.#keepForLater(report);
    const standing = error.details.progress as { content_id: string; position: number; duration: number; version: number; device_id: string; updated_at: string } | undefined;
    if (error.status !== 409 || !standing) return;
    const progress: Progress = {
      content_id: standing.content_id,
      position_ms: standing.position * 1000,
      duration_ms: standing.duration * 1000 || null,
      version: standing.version,
      device_id: standing.device_id,
      updated_at_ms: Date.parse(standing.updated_at),
    };
    this.#note(progress);
    if (standing.content_id === player.contentId) this.conflict = progress;
  }

  /** The last place of each content that could not be told. */
  #keepForLater(report: Report) {
    const entry = { id: uuid(), content_id: report.content, position_ms: report.positionMs, client_time: report.atMs, base_version: this.#base, seek: report.sought };
    localStorage.setItem(this.#offline, JSON.stringify([...this.#unsent().filter((one) => one.content_id !== report.content), entry]));
  }

  get #offline() {
    return `sori.offline.${this.#account}`;
  }

  #unsent(): { content_id: string }[] {
    try {
      return JSON.parse(localStorage.getItem(this.#offline) ?? '[]') as { content_id: string }[];
    } catch {
      return [];
    }
  }

  #online = () => {
    void this.#replay();
    if (this.#socket?.readyState !== WebSocket.OPEN) void this.#open();
  };

  async #replay() {
    const entries = this.#unsent();
    if (!entries.length || !navigator.onLine) return;
    try {
      const { progress } = await api.post<{ progress: Progress[] }>('/v1/progress/replay', { device_id: deviceId(), sent_at: Date.now(), entries });
      localStorage.removeItem(this.#offline);
      for (const one of progress) {
        this.#note(one);
        if (one.content_id === player.contentId) this.#base = one.version;
      }
    } catch {
      // Sent again the next time.
    }
  }

  #note(progress: Progress) {
    this.progress = new Map(this.progress).set(progress.content_id, progress);
  }

  async #open() {
    clearTimeout(this.#timer);
    const account = this.#account;
    await fresh();
    if (!account || account !== this.#account || !navigator.onLine) return;
    const about = new URLSearchParams({ device_id: deviceId(), device_name: deviceName(), device_kind: 'web' });
    const socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/api/sync?${about}`);
    this.#socket?.close();
    this.#socket = socket;
    socket.onmessage = (event: MessageEvent<string>) => socket === this.#socket && this.#hear(JSON.parse(event.data) as Push);
    socket.onclose = (event) => {
      if (socket !== this.#socket || account !== this.#account) return;
      this.devices = [];
      // A sign-in that has ended is renewed by `fresh`, once; then the app finds out by itself.
      if (event.code === SIGNED_OUT && this.#tries > 0) return;
      this.#timer = window.setTimeout(() => void this.#open(), backOffMs(this.#tries++, Math.random()));
    };
  }

  #say(message: object) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #hear(push: Push) {
    switch (push.type) {
      case 'state':
        this.#tries = 0;
        this.devices = push.devices;
        this.progress = new Map([...this.progress, ...push.progress.map((one) => [one.content_id, one] as const)]);
        if (!this.known) {
          this.known = true;
          if (player.contentId) void this.#place(player.contentId);
        }
        break;
      case 'progress':
        this.#note(push.progress);
        this.#follow(push.progress);
        break;
      case 'device':
        this.devices = [...this.devices.filter((one) => one.id !== push.device.id), push.device];
        break;
      case 'device_removed':
        this.devices = this.devices.filter((one) => one.id !== push.device_id);
        break;
      case 'playback':
        this.#apply(push.playback);
        break;
      case 'bookmarks':
        this.bookmarksChanged++;
        break;
      case 'taken_over':
        if (push.content_id === player.contentId) player.pause();
        break;
      case 'done':
        if (push.progress && push.ref === player.contentId) {
          this.#base = push.progress.version;
          player.place(push.progress.position_ms);
        }
        break;
      case 'command':
        this.#obey(push.command);
        break;
    }
  }

  /** Another device is further: one that is paused here goes along; one that plays is asked when it saves. */
  #follow(progress: Progress) {
    if (progress.content_id !== player.contentId) return;
    const handed = Date.now() < this.#handedUntil;
    if (!follows({ playing: player.playing, handed, hereMs: player.timeMs, thereMs: progress.position_ms })) return;
    this.#base = progress.version;
    this.#lastMs = progress.position_ms;
    player.place(progress.position_ms);
  }

  #obey(command: Command) {
    if (command.action === 'pause') player.pause();
    else if (command.action === 'resume') void player.play();
    else if (command.action === 'seek') player.seek(command.position_ms);
    else if (command.action === 'speed') player.setSpeed(command.speed);
    else if (command.action === 'play') void this.#bring(command);
  }

  /** Another device handed something over to this one. */
  async #bring({ content_id: contentId, position_ms: positionMs }: Handed) {
    this.#handed = { contentId, positionMs };
    if (player.contentId === contentId) return this.#receive();
    const isUpload = await api.get(`/v1/contents/${contentId}`).then(() => true, () => false);
    router.go(`/${isUpload ? 'watch' : 'listen'}/${contentId}`);
  }

  #receive() {
    const handed = this.#handed;
    this.#handed = null;
    if (!handed) return;
    player.place(handed.positionMs);
    void player.play();
  }
}

function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

export const sync = new Sync();
