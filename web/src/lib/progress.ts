// Rules about places of several devices. Pure.

/** Where the person is in a content, as the server keeps it. */
export interface Progress {
  content_id: string;
  position_ms: number;
  duration_ms?: number | null;
  version: number;
  device_id: string;
  updated_at_ms: number;
}

/** A second or two further than what was said when it was handed over. */
const HANDED_AHEAD_MS = 10_000;

/** Whether the place of another device becomes the place here. */
export function follows(now: { playing: boolean; handed: boolean; hereMs: number; thereMs: number }): boolean {
  if (!now.playing) return true;
  // Just taken over: the last word of the device that played is still under way.
  const ahead = now.thereMs - now.hereMs;
  return now.handed && ahead > 0 && ahead < HANDED_AHEAD_MS;
}

/** How long to wait before the next try: 1 s, 2, 4, … up to a minute, each with some chance in it. */
export function backOffMs(tries: number, chance: number): number {
  return Math.min(60_000, 1000 * 2 ** tries) * (0.5 + chance / 2);
}

/** Begun and not ended: what it is worth to go on with, the last first. */
export function unfinished(all: Iterable<Progress>, atMost: number): Progress[] {
  const left = [...all].filter((one) => one.position_ms > 3000 && (!one.duration_ms || one.position_ms < one.duration_ms * 0.97));
  return left.sort((a, b) => b.updated_at_ms - a.updated_at_ms).slice(0, atMost);
}
