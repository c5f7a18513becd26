// What is being written is kept on this device until it is saved: a reload, a crash or an
// unreachable server lose nothing.

export interface Draft {
  title: string;
  text: string;
  format: 'text' | 'fountain';
  cast: Record<string, { voice?: string; speed?: number }>;
  /** The revision that the draft began from; none for a new script. */
  revision: number | null;
  /** When it was last touched. */
  atMs: number;
}

// On a shared device nobody finds what another account was writing.
let writer = 'visitor';
const key = (id: string | null, of = writer) => `sori.draft.${of}.${id ?? 'new'}`;

/** Whose drafts these are from now on. What was typed before signing in goes along. */
export function draftsOf(account: string | null) {
  const next = account ?? 'visitor';
  if (writer === 'visitor' && next !== 'visitor') {
    const names = Array.from({ length: localStorage.length }, (_, n) => localStorage.key(n) ?? '');
    for (const name of names.filter((one) => one.startsWith('sori.draft.visitor.'))) {
      const own = name.replace('.visitor.', `.${next}.`);
      // What the account itself was writing stays; the other waits where it is.
      if (localStorage.getItem(own) !== null) continue;
      localStorage.setItem(own, localStorage.getItem(name) ?? '');
      localStorage.removeItem(name);
    }
  }
  writer = next;
}

export function loadDraft(id: string | null): Draft | null {
  try {
    const stored = JSON.parse(localStorage.getItem(key(id)) ?? 'null') as Partial<Draft> | null;
    if (!stored || typeof stored.text !== 'string' || typeof stored.title !== 'string') return null;
    return {
      title: stored.title,
      text: stored.text,
      format: stored.format === 'fountain' ? 'fountain' : 'text',
      cast: typeof stored.cast === 'object' && stored.cast ? stored.cast : {},
      revision: typeof stored.revision === 'number' ? stored.revision : null,
      atMs: typeof stored.atMs === 'number' ? stored.atMs : 0,
    };
  } catch {
    return null;
  }
}

export function keepDraft(id: string | null, draft: Draft) {
  try {
    localStorage.setItem(key(id), JSON.stringify(draft));
  } catch {
    // Storage is full or forbidden: the text is still in the editor.
  }
}

export function dropDraft(id: string | null) {
  localStorage.removeItem(key(id));
}
