import { describe, expect, it } from 'vitest';
import { flatten, lastStarted, wordAt } from './words';

const word = (text: string, start_ms: number, end_ms: number) => ({ text, start_ms, end_ms });
const rendering = {
  lines: [
    { words: [word('one', 100, 300), word('two', 300, 500)] },
    { words: [word('three', 2000, 2400)] },
  ],
} as unknown as Parameters<typeof flatten>[0];
const words = flatten(rendering);

describe('the word that is heard', () => {
  const table: [number, string | undefined][] = [
    [0, undefined],
    [99, undefined],
    [100, 'one'],
    [299, 'one'],
    [300, 'two'],
    [700, 'two'],
    [800, undefined],
    [1999, undefined],
    [2000, 'three'],
    [99_999, undefined],
  ];
  it.each(table)('at %i ms is %s', (ms, expected) => {
    expect(words[wordAt(words, ms)]?.text).toBe(expected);
  });

  it('agrees with a plain search on many lists', () => {
    for (let size = 0; size < 40; size++) {
      const starts = Array.from({ length: size }, (_, i) => i * 3 + (i % 2));
      for (let ms = -1; ms < size * 3 + 3; ms++) {
        const plain = starts.filter((start) => start <= ms).length - 1;
        expect(lastStarted(starts, (start) => start, ms)).toBe(plain);
      }
    }
  });

  it('puts overlapping lines in the order of their starts', () => {
    const overlapping = flatten({ lines: [{ words: [word('late', 900, 999)] }, { words: [word('early', 100, 200)] }] } as never);
    expect(overlapping.map((one) => [one.text, one.line])).toEqual([['early', 1], ['late', 0]]);
  });
});
