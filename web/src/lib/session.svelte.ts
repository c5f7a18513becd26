// Who is using this browser, and what the server lets them do.

import { api, ApiError, onTurnedAway } from '../api/client';
import { csrfToken, forgetUntil, fresh, keepUntil } from '../api/credentials';
import type { AuthOptions, SignedIn, User } from '../api/types';
import { draftsOf } from './drafts';
import { i18n, type Language } from './i18n.svelte';
import { player } from './player.svelte';
import { router } from './router.svelte';

class Session {
  /** Nobody, when they are a visitor. */
  user = $state.raw<User | null>(null);
  /** It is known who it is. */
  known = $state(false);
  options = $state.raw<AuthOptions | null>(null);

  constructor() {
    onTurnedAway(() => this.#lost());
    // Sound is fetched by the browser itself: its credential must not end in the middle of a script.
    setInterval(() => this.user && (player.playing || !document.hidden) && void fresh(), 20_000);
  }

  /** Asked once, when the app begins. Visitors ask for nothing that would be refused. */
  async begin() {
    const options = api.get<AuthOptions>('/api/auth/options').then(
      (answer) => (this.options = answer),
      () => undefined,
    );
    if (csrfToken()) {
      try {
        this.#is(await api.get<User>('/api/me'));
      } catch (error) {
        // Without a connection nobody is thrown out: pages say themselves that the server is away.
        if (!(error instanceof ApiError && error.status === 401)) console.warn('sori: who is signed in is not known', error);
      }
    }
    this.known = true;
    await options;
  }

  get isEditor() {
    return this.user?.role === 'editor' || this.user?.role === 'admin';
  }

  get isAdmin() {
    return this.user?.role === 'admin';
  }

  /** The server has let somebody in. */
  enter(answer: SignedIn) {
    keepUntil(answer.expires_in);
    this.#is(answer.user);
    this.known = true;
  }

  /** What the account page changed. */
  update(user: User) {
    this.#is(user);
  }

  /** Chosen on this device, and remembered with the account. */
  speak(language: Language) {
    i18n.choose(language);
    if (!this.user) return;
    this.user = { ...this.user, language };
    // A language that the server could not note down is asked for again on the account page.
    void api.patch('/api/me', { language }).catch(() => undefined);
  }

  async leave(everywhere = false) {
    await api.tell(everywhere ? '/api/auth/sign-out-everywhere' : '/api/auth/sign-out');
    this.forget();
    router.go('/');
  }

  /** Nothing of theirs stays on the screen. */
  forget() {
    forgetUntil();
    player.close();
    this.user = null;
    void import('./sync.svelte').then(({ sync }) => this.user || sync.end(), () => undefined);
    draftsOf(null);
  }

  #is(user: User) {
    this.user = user;
    draftsOf(user.id);
    // Loaded beside the page: visitors have no other devices.
    void import('./sync.svelte').then(({ sync }) => this.user?.id === user.id && sync.begin(user.id), () => undefined);
    if (user.language === 'ko' || user.language === 'en') i18n.choose(user.language);
  }

  /** Signed out elsewhere, or away for too long: back to here after signing in again. */
  #lost() {
    this.forget();
    const at = location.pathname + location.search;
    if (!at.startsWith('/sign-in')) router.go(`/sign-in?return=${encodeURIComponent(at)}`);
  }
}

export const session = new Session();

/** Where to go after signing in: a place of this app, never another site. */
export function returnPath(search = location.search): string {
  const asked = new URLSearchParams(search).get('return') ?? '/';
  return /^\/(?![/\\])/.test(asked) && !asked.startsWith('/sign-') ? asked : '/';
}
