import { expect, it, vi } from 'vitest';

// The player makes an audio element, which a test without a browser has not.
vi.mock('./player.svelte', () => ({ player: {} }));
const { latinKey } = await import('./keys');

it.each([
  ['k', 'KeyK', 'k'],
  ['ㅏ', 'KeyK', 'k'],
  ['Process', 'KeyR', 'r'],
  ['B', 'KeyB', 'B'],
  ['ArrowLeft', 'ArrowLeft', 'ArrowLeft'],
  ['?', 'Slash', '?'],
  // On a French keyboard the letter counts, not its place.
  ['a', 'KeyQ', 'a'],
])('%s on %s is %s', (key, code, expected) => expect(latinKey({ key, code })).toBe(expected));
