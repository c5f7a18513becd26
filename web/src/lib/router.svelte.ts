// Places of the app and their addresses.

export type Place =
  | { page: 'library' }
  | { page: 'listen' | 'watch'; id: string }
  | { page: 'files' }
  | { page: 'write'; id: string | null }
  | { page: 'sign-in' | 'sign-up' | 'setup' | 'reset' }
  | { page: 'account' | 'admin'; part: string };

export function placeOf(path: string): Place {
  const [, page, id] = path.split('/');
  if ((page === 'listen' || page === 'watch') && id) return { page, id };
  if (page === 'files') return { page };
  if (page === 'write') return { page, id: id || null };
  if (page === 'sign-in' || page === 'sign-up' || page === 'setup' || page === 'reset') return { page };
  if (page === 'account' || page === 'admin') return { page, part: id ?? '' };
  return { page: 'library' };
}

/**
 * One-time links carry their token behind `#`, where no server and no log sees it. It is taken out
 * of the address at once, and lives as long as the tab.
 */
function takeToken(): void {
  const found = /^#\/(setup|reset|sign-in)\?(.*)$/.exec(location.hash);
  if (!found) return;
  const [, page, query] = found;
  const token = new URLSearchParams(query).get('token');
  if (token) sessionStorage.setItem(`sori.token.${page}`, token);
  history.replaceState(null, '', page === 'sign-in' ? `/sign-in?${query}` : `/${page}`);
}

class Router {
  place = $state<Place>(placeOf(location.pathname));

  constructor() {
    takeToken();
    this.place = placeOf(location.pathname);
    addEventListener('popstate', () => (this.place = placeOf(location.pathname)));
    // A one-time link that is opened while the app is open.
    addEventListener('hashchange', () => {
      takeToken();
      this.place = placeOf(location.pathname);
    });
    // Links of our own change the place without loading the page again.
    document.addEventListener('click', (event) => {
      const link = (event.target as Element).closest?.('a');
      if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
      const url = new URL(link.href, location.href);
      const ours = url.origin === location.origin && !link.download && !link.target;
      if (!ours || /^\/(v1|api|docs|openapi)/.test(url.pathname) || link.hash) return;
      event.preventDefault();
      this.go(url.pathname + url.search);
    });
  }

  go(path: string, replace = false) {
    if (path !== location.pathname + location.search) history[replace ? 'replaceState' : 'pushState'](null, '', path);
    this.place = placeOf(location.pathname);
    if (!replace) scrollTo(0, 0);
  }
}

export const router = new Router();
