import { expect, test } from 'vitest';
import { backOffMs, follows, unfinished, type Progress } from './progress';

const at = (content_id: string, position_ms: number, updated_at_ms: number): Progress => ({ content_id, position_ms, duration_ms: 100_000, version: 1, device_id: 'd', updated_at_ms });

test('a paused player goes along, one that plays does not', () => {
  expect(follows({ playing: false, handed: false, hereMs: 0, thereMs: 50_000 })).toBe(true);
  expect(follows({ playing: true, handed: false, hereMs: 0, thereMs: 2000 })).toBe(false);
});

test('what was handed over goes on from the last word of the other device', () => {
  expect(follows({ playing: true, handed: true, hereMs: 10_000, thereMs: 11_500 })).toBe(true);
  expect(follows({ playing: true, handed: true, hereMs: 10_000, thereMs: 9_000 })).toBe(false);
  expect(follows({ playing: true, handed: true, hereMs: 10_000, thereMs: 90_000 })).toBe(false);
});

test('tries get rarer, up to one a minute', () => {
  expect([0, 1, 2, 10, 2000].map((tries) => backOffMs(tries, 1))).toEqual([1000, 2000, 4000, 60_000, 60_000]);
  expect(backOffMs(0, 0)).toBe(500);
});

test('what is hardly begun or nearly over is not gone on with', () => {
  const left = unfinished([at('begun', 1000, 9), at('old', 50_000, 1), at('new', 60_000, 5), at('over', 99_000, 8)], 5);
  expect(left.map((one) => one.content_id)).toEqual(['new', 'old']);
  expect(unfinished([at('a', 50_000, 1), at('b', 50_000, 2)], 1).map((one) => one.content_id)).toEqual(['b']);
});
