import { beforeEach, expect, it, vi } from 'vitest';

let stored: Map<string, string>;
const fetched = vi.fn();

/** A module of its own for every test: it remembers what was refused. */
async function load() {
  vi.resetModules();
  return import('./credentials');
}

const answer = (status: number, body: unknown = {}) => Promise.resolve(new Response(JSON.stringify(body), { status }));

beforeEach(() => {
  stored = new Map();
  fetched.mockReset();
  vi.stubGlobal('fetch', fetched);
  vi.stubGlobal('document', { cookie: 'other=1; sori_csrf=a%20token' });
  vi.stubGlobal('navigator', {});
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => void stored.set(key, value),
    removeItem: (key: string) => void stored.delete(key),
  });
});

it('reads the token among other cookies, and none for visitors', async () => {
  const { csrfToken } = await load();
  expect(csrfToken()).toBe('a token');
  vi.stubGlobal('document', { cookie: 'not_sori_csrf=x' });
  expect(csrfToken()).toBeNull();
});

it('renews only what is about to end', async () => {
  const { fresh, keepUntil } = await load();
  keepUntil(600);
  await fresh();
  expect(fetched).not.toHaveBeenCalled();
  keepUntil(10);
  fetched.mockReturnValue(answer(200, { expires_in: 600 }));
  await fresh();
  await fresh();
  expect(fetched).toHaveBeenCalledTimes(1);
  expect(fetched.mock.calls[0]?.[1].headers['x-csrf-token']).toBe('a token');
});

it('renews once for many requests at a time', async () => {
  const { renew } = await load();
  fetched.mockReturnValue(answer(200, { expires_in: 600 }));
  expect(await Promise.all([renew(), renew(), renew()])).toEqual([true, true, true]);
  expect(fetched).toHaveBeenCalledTimes(1);
});

it('does not ask again after a refusal', async () => {
  const { fresh, renew } = await load();
  fetched.mockReturnValue(answer(401));
  expect(await renew()).toBe(false);
  await fresh();
  expect(await renew()).toBe(false);
  expect(fetched).toHaveBeenCalledTimes(1);
});

it('throws nobody out because the server is away', async () => {
  const { renew } = await load();
  fetched.mockReturnValue(Promise.reject(new TypeError('no network')));
  expect(await renew()).toBe(true);
  fetched.mockReturnValue(answer(503));
  expect(await renew()).toBe(true);
});

it('goes on with what another tab has renewed', async () => {
  const { fresh, keepUntil } = await load();
  keepUntil(1);
  vi.stubGlobal('navigator', { locks: { request: (_: string, work: () => unknown) => { keepUntil(600); return work(); } } });
  await fresh();
  expect(fetched).not.toHaveBeenCalled();
});
