// Places of the app and their addresses.

export type Place = { page: 'library' } | { page: 'listen'; id: string } | { page: 'write'; id: string | null };

export function placeOf(path: string): Place {
  const [, page, id] = path.split('/');
  if (page === 'listen' && id) return { page, id };
  if (page === 'write') return { page, id: id || null };
  return { page: 'library' };
}

class Router {
  place = $state<Place>(placeOf(location.pathname));

  constructor() {
    addEventListener('popstate', () => (this.place = placeOf(location.pathname)));
    // Links of our own change the place without loading the page again.
    document.addEventListener('click', (event) => {
      const link = (event.target as Element).closest?.('a');
      if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
      const url = new URL(link.href, location.href);
      const ours = url.origin === location.origin && !link.download && !link.target;
      if (!ours || /^\/(v1|api|docs|openapi)/.test(url.pathname) || link.hash) return;
      event.preventDefault();
      this.go(url.pathname);
    });
  }

  go(path: string, replace = false) {
    if (path !== location.pathname) history[replace ? 'replaceState' : 'pushState'](null, '', path);
    this.place = placeOf(path);
    if (!replace) scrollTo(0, 0);
  }
}

export const router = new Router();
