// Scripts that were deleted a moment ago. They are gone from every list at once and from the server
// when the time to undo is over, wherever the person has gone by then.

import { api, ApiError } from '../api/client';
import type { ScriptSummary } from '../api/types';

/** How long a deletion can be undone before it is carried out. */
const UNDO_MS = 8000;

type Doomed = Pick<ScriptSummary, 'id' | 'title'>;

class Deletions {
  /** The last one, as long as it can be undone. */
  pending = $state.raw<Doomed | null>(null);
  failure = $state.raw<unknown>(null);
  hidden = $state.raw<ReadonlySet<string>>(new Set());
  #timer = 0;

  constructor() {
    addEventListener('pagehide', () => void this.carryOut());
  }

  begin(script: Doomed) {
    void this.carryOut();
    this.failure = null;
    this.pending = script;
    this.hidden = new Set([...this.hidden, script.id]);
    this.#timer = window.setTimeout(() => void this.carryOut(), UNDO_MS);
  }

  undo() {
    clearTimeout(this.#timer);
    if (this.pending) this.#show(this.pending.id);
    this.pending = null;
  }

  async carryOut() {
    const script = this.pending;
    if (!script) return;
    clearTimeout(this.#timer);
    this.pending = null;
    try {
      await api.delete(`/v1/scripts/${script.id}`);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return;
      this.#show(script.id);
      this.failure = error;
    }
  }

  #show(id: string) {
    this.hidden = new Set([...this.hidden].filter((one) => one !== id));
  }
}

export const deletions = new Deletions();
