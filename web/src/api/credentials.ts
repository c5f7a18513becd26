// What lets this browser in: cookies that no script can read, renewed before they end, and a CSRF
// token beside them that is sent back as a header.

/** Renewed this long before the end, so that no request is refused on its way. */
const EARLY_MS = 30_000;
const UNTIL = 'sori.session.until';

/** The token for `X-CSRF-Token`; none for visitors. */
export function csrfToken(): string | null {
  const pair = document.cookie.split('; ').find((one) => one.startsWith('sori_csrf='));
  return pair ? decodeURIComponent(pair.slice('sori_csrf='.length)) : null;
}

export function keepUntil(expiresInS: number) {
  localStorage.setItem(UNTIL, String(Date.now() + expiresInS * 1000));
}

export function forgetUntil() {
  localStorage.removeItem(UNTIL);
}

const isOver = () => Date.now() > Number(localStorage.getItem(UNTIL) ?? 0) - EARLY_MS;

/** The credential that was refused last: it is not sent again. */
let refusedToken: string | null = null;

/** Before a request: renews what is about to end. */
export async function fresh(): Promise<void> {
  const token = csrfToken();
  if (token && token !== refusedToken && isOver()) await renew(false);
}

let renewing: Promise<boolean> | null = null;

/** Renews now; false when this browser is no longer let in. Tabs of one browser take turns. */
export function renew(refused = true): Promise<boolean> {
  renewing ??= inTurn(refused).finally(() => (renewing = null));
  return renewing;
}

async function inTurn(refused: boolean): Promise<boolean> {
  const before = localStorage.getItem(UNTIL);
  const once = async () => {
    // Another tab was here first.
    if (localStorage.getItem(UNTIL) !== before && !isOver()) return true;
    if (!refused && !isOver()) return true;
    return ask();
  };
  // Pages that are not served over TLS have no locks; then the server's grace for a race is enough.
  return navigator.locks ? navigator.locks.request('sori.session', once) : once();
}

async function ask(): Promise<boolean> {
  const token = csrfToken();
  if (!token || token === refusedToken) return false;
  try {
    const response = await fetch('/api/auth/refresh', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-csrf-token': token },
      body: '{}',
    });
    // A server that cannot answer now has not said no.
    if (response.status === 401 || response.status === 403) {
      refusedToken = token;
      return false;
    }
    if (!response.ok) return true;
    keepUntil(((await response.json()) as { expires_in: number }).expires_in);
    return true;
  } catch {
    return true;
  }
}
