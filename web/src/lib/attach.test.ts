import { beforeAll, expect, test, vi } from 'vitest';

vi.stubGlobal('localStorage', { getItem: () => 'web-1', setItem: () => undefined });
let attach: typeof import('./attach');
beforeAll(async () => void (attach = await import('./attach')));

test('short sound is one file, long sound and pictures come in pieces', () => {
  expect(attach.wantsPieces({ kind: 'audio', durationMs: 60_000 }, '')).toBe(false);
  expect(attach.wantsPieces({ kind: 'audio', durationMs: 600_000 }, '')).toBe(true);
  expect(attach.wantsPieces({ kind: 'video', durationMs: 5_000 }, '')).toBe(true);
});

test('a wish is heard whatever the length', () => {
  expect(attach.wantsPieces({ kind: 'audio', durationMs: 60_000 }, 'low')).toBe(true);
  expect(attach.wantsPieces({ kind: 'video', durationMs: 600_000 }, 'file')).toBe(false);
});

test('a wish is a level', () => {
  expect([attach.levelOf('', 3), attach.levelOf('low', 3), attach.levelOf('high', 3)]).toEqual([-1, 0, 2]);
});

test('addresses name the device', () => {
  expect(attach.streamPath('c')).toBe('/api/stream/c?device_id=web-1');
});
