import { expect, it, vi } from 'vitest';

// The router looks at the address and listens to clicks as soon as it is there.
vi.stubGlobal('location', { pathname: '/', hash: '' });
vi.stubGlobal('addEventListener', () => undefined);
vi.stubGlobal('document', { addEventListener: () => undefined });
const { placeOf } = await import('./router.svelte');

it.each([
  ['/', { page: 'library' }],
  ['/listen/42', { page: 'listen', id: '42' }],
  ['/watch/42', { page: 'watch', id: '42' }],
  ['/watch', { page: 'library' }],
  ['/files', { page: 'files' }],
  ['/listen', { page: 'library' }],
  ['/write', { page: 'write', id: null }],
  ['/write/', { page: 'write', id: null }],
  ['/write/42', { page: 'write', id: '42' }],
  ['/sign-in', { page: 'sign-in' }],
  ['/setup', { page: 'setup' }],
  ['/account', { page: 'account', part: '' }],
  ['/account/keys', { page: 'account', part: 'keys' }],
  ['/admin/audit', { page: 'admin', part: 'audit' }],
  ['/nowhere', { page: 'library' }],
])('%s is a place', (path, place) => expect(placeOf(path)).toEqual(place));
