import { beforeEach, expect, it, vi } from 'vitest';
import { draftsOf, dropDraft, keepDraft, loadDraft, type Draft } from './drafts';

const draft: Draft = { title: 'Night', text: 'MINA: Hello.', format: 'fountain', cast: { MINA: { voice: 'af_heart' } }, revision: 3, atMs: 7 };
let stored: Map<string, string>;

beforeEach(() => {
  stored = new Map();
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => void stored.set(key, value),
    removeItem: (key: string) => void stored.delete(key),
    key: (index: number) => [...stored.keys()][index] ?? null,
    get length() {
      return stored.size;
    },
  });
  draftsOf(null);
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

it('takes what a visitor typed along when they sign in, and shows nobody what another typed', () => {
  keepDraft(null, { ...draft, title: 'Before' });
  draftsOf('mina');
  expect(loadDraft(null)?.title).toBe('Before');
  draftsOf(null);
  expect(loadDraft(null)).toBeNull();
  keepDraft(null, { ...draft, title: 'Later' });
  draftsOf('jun');
  expect(loadDraft(null)?.title).toBe('Later');
  draftsOf('mina');
  expect(loadDraft(null)?.title).toBe('Before');
});

it('overwrites no draft of the account with one of a visitor', () => {
  draftsOf('mina');
  keepDraft(null, { ...draft, title: 'Mine' });
  draftsOf(null);
  keepDraft(null, { ...draft, title: 'Visitor' });
  draftsOf('mina');
  expect(loadDraft(null)?.title).toBe('Mine');
  draftsOf(null);
  expect(loadDraft(null)?.title).toBe('Visitor');
});

it.each(['', '{', 'null', '[]', '{"title":"a"}', '{"title":1,"text":"a"}'])('takes %j for no draft', (text) => {
  stored.set('sori.draft.visitor.one', text);
  expect(loadDraft('one')).toBeNull();
});

it('mends a draft of an older version', () => {
  stored.set('sori.draft.visitor.one', '{"title":"a","text":"b","format":"opera","cast":4,"revision":"x"}');
  expect(loadDraft('one')).toEqual({ title: 'a', text: 'b', format: 'text', cast: {}, revision: null, atMs: 0 });
});

it('goes on when the storage is full', () => {
  vi.stubGlobal('localStorage', { setItem: () => { throw new DOMException('full', 'QuotaExceededError'); } });
  expect(() => keepDraft('one', draft)).not.toThrow();
});
