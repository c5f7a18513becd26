import { expect, it } from 'vitest';
import { en, ko } from './dictionary';
import { clock, estimateMs } from './time';

it.each([
  [-5, '0:00'],
  [999, '0:00'],
  [65_400, '1:05'],
  [3_661_000, '1:01:01'],
])('%i ms reads %s', (ms, text) => expect(clock(ms)).toBe(text));

it('estimates longer for more', () => {
  expect(estimateMs(0, 0)).toBe(0);
  expect(estimateMs(1400, 10)).toBe(102_500);
});

it('has every text in both languages with the same placeholders', () => {
  const holes = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();
  expect(Object.keys(en).sort()).toEqual(Object.keys(ko).sort());
  for (const key of Object.keys(ko) as (keyof typeof ko)[]) {
    expect(holes(en[key]), key).toEqual(holes(ko[key]));
    expect(en[key].trim(), key).not.toBe('');
  }
});
