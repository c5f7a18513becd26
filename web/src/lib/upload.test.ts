import { beforeAll, expect, test, vi } from 'vitest';

vi.stubGlobal('localStorage', { getItem: () => null, setItem: () => undefined, removeItem: () => undefined });
vi.stubGlobal('document', { documentElement: {}, cookie: '' });
vi.stubGlobal('navigator', { languages: ['en'] });
let uploads: typeof import('./upload');
beforeAll(async () => void (uploads = await import('./upload')));

test('titles of any language are said in base64', () => {
  expect(uploads.metadata({ title: '소리', filename: 'a.mp3' })).toBe('title 7IaM66as,filename YS5tcDM=');
});

test('a title is the name without its ending', () => {
  expect(['My talk.v2.mp4', '.hidden', 'plain'].map(uploads.titleOf)).toEqual(['My talk.v2', '.hidden', 'plain']);
});

test('two files of one name are told apart', () => {
  const file = { name: 'a.mp3', size: 1, lastModified: 2 };
  expect(uploads.fingerprint(file, 'me')).not.toBe(uploads.fingerprint({ ...file, size: 2 }, 'me'));
  expect(uploads.fingerprint(file, 'me')).not.toBe(uploads.fingerprint(file, 'you'));
});
