import { beforeEach, expect, it, vi } from 'vitest';
import { dropDraft, keepDraft, loadDraft, type Draft } from './drafts';

const draft: Draft = { title: 'Night', text: 'MINA: Hello.', format: 'fountain', cast: { MINA: { voice: 'af_heart' } }, revision: 3, atMs: 7 };
let stored: Map<string, string>;

beforeEach(() => {
  stored = new Map();
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => void stored.set(key, value),
    removeItem: (key: string) => void stored.delete(key),
  });
});

it('gives back what was kept, by script', () => {
  keepDraft('one', draft);
  keepDraft(null, { ...draft, title: 'New' });
  expect(loadDraft('one')).toEqual(draft);
  expect(loadDraft(null)?.title).toBe('New');
  dropDraft('one');
  expect(loadDraft('one')).toBeNull();
  expect(loadDraft(null)?.title).toBe('New');
});

it.each(['', '{', 'null', '[]', '{"title":"a"}', '{"title":1,"text":"a"}'])('takes %j for no draft', (text) => {
  stored.set('sori.draft.one', text);
  expect(loadDraft('one')).toBeNull();
});

it('mends a draft of an older version', () => {
  stored.set('sori.draft.one', '{"title":"a","text":"b","format":"opera","cast":4,"revision":"x"}');
  expect(loadDraft('one')).toEqual({ title: 'a', text: 'b', format: 'text', cast: {}, revision: null, atMs: 0 });
});

it('goes on when the storage is full', () => {
  vi.stubGlobal('localStorage', { setItem: () => { throw new DOMException('full', 'QuotaExceededError'); } });
  expect(() => keepDraft('one', draft)).not.toThrow();
});
