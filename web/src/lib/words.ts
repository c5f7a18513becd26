// Which word is heard at a time. Pure: the player asks on every animation frame.

import type { Rendering } from '../api/types';

export interface TimedWord {
  startMs: number;
  endMs: number;
  line: number;
  text: string;
}

/** All words in the order of their starts. */
export function flatten(rendering: Pick<Rendering, 'lines'>): TimedWord[] {
  const words = rendering.lines.flatMap((line, index) =>
    line.words.map((word) => ({ startMs: word.start_ms, endMs: word.end_ms, line: index, text: word.text })),
  );
  return words.sort((a, b) => a.startMs - b.startMs || a.line - b.line);
}

/** The last element whose start is not after `ms`, or -1. O(log n). */
export function lastStarted<T>(items: T[], start: (item: T) => number, ms: number): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (start(items[middle] as T) <= ms) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** A word stays marked through the short silence behind it, and no longer than this. */
const LINGER_MS = 250;

/** The word to mark at `ms`, or -1. */
export function wordAt(words: TimedWord[], ms: number): number {
  const index = lastStarted(words, (word) => word.startMs, ms);
  const word = words[index];
  return word && ms < word.endMs + LINGER_MS ? index : -1;
}
