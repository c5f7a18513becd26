// Requests to the server this page came from, and its problems as one error type.

import { i18n } from '../lib/i18n.svelte';
import { csrfToken, fresh, renew } from './credentials';
import type { Job } from './types';

export interface ScriptProblem {
  severity: 'warning' | 'error';
  code: string;
  message: string;
  message_ko?: string;
  line: number | null;
  column: number | null;
}

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly traceId: string | null,
    readonly problems: ScriptProblem[] = [],
    /** How long to wait before the next try. */
    readonly retryAfterS: number | null = null,
    readonly details: Record<string, unknown> = {},
  ) {
    super(message);
  }

  /** The server could not be asked at all. */
  get isOffline() {
    return this.status === 0;
  }
}

async function problem(response: Response): Promise<ApiError> {
  const body = (await response.json().catch(() => null)) as {
    error?: { code?: string; message?: string; trace_id?: string; details?: Record<string, unknown> };
  } | null;
  const error = body?.error;
  return new ApiError(
    response.status,
    error?.code ?? 'UNKNOWN',
    error?.message ?? response.statusText,
    error?.trace_id ?? response.headers.get('x-trace-id'),
    (error?.details?.problems as ScriptProblem[] | undefined) ?? [],
    Number(response.headers.get('retry-after')) || null,
    error?.details,
  );
}

/** What happens when this browser is no longer let in; set by the session. */
let turnedAway = () => {};
export const onTurnedAway = (tell: () => void) => (turnedAway = tell);

/** Where somebody comes in: there a refusal is an answer, not the end of a session. */
const ENTRY = /^\/api\/auth\/(options|setup|sign-in|sign-up|refresh|password\/reset)$/;

async function send(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
  const isEntry = ENTRY.test(path);
  if (!isEntry) await fresh();
  let response = await ask(method, path, body, signal);
  if (response.status === 401 && csrfToken() && !isEntry) {
    if (await renew()) response = await ask(method, path, body, signal);
    if (response.status === 401) turnedAway();
  }
  if (!response.ok) throw await problem(response);
  return response;
}

async function ask(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = { 'accept-language': i18n.language };
  const token = csrfToken();
  if (token && method !== 'GET') headers['x-csrf-token'] = token;
  let payload: BodyInit | undefined;
  if (body instanceof FormData) payload = body;
  else if (body !== undefined) {
    headers['content-type'] = 'application/json';
    payload = JSON.stringify(body);
  }
  try {
    // A deletion is carried out, and a place kept, even when the page is just being left.
    const keepalive = method === 'DELETE' || path.startsWith('/api/progress/');
    return await fetch(path, { method, headers, body: payload, signal, keepalive });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new ApiError(0, 'NETWORK', '', null);
  }
}

export const api = {
  get: async <T>(path: string, signal?: AbortSignal) => (await send('GET', path, undefined, signal)).json() as Promise<T>,
  post: async <T>(path: string, body: unknown, signal?: AbortSignal) => (await send('POST', path, body, signal)).json() as Promise<T>,
  put: async <T>(path: string, body?: unknown) => (await send('PUT', path, body)).json() as Promise<T>,
  patch: async <T>(path: string, body: unknown) => (await send('PATCH', path, body)).json() as Promise<T>,
  delete: async (path: string, body?: unknown) => void (await send('DELETE', path, body)),
  /** Nothing, or the problem for which the bytes cannot be had. */
  probe: async (path: string) => {
    await fresh();
    const response = await fetch(path, { headers: { range: 'bytes=0-0', 'accept-language': i18n.language } });
    if (!response.ok) throw await problem(response);
  },
  /** For answers without a body. */
  tell: async (path: string, body: unknown = {}) => void (await send('POST', path, body)),
};

const ENDED = ['succeeded', 'failed', 'cancelled'];
const REOPEN_MS = 2000;

/**
 * Follows a job to its end. The browser reconnects by itself after a lost connection, and the row
 * comes first each time; when the server refused, the job is asked for until it is known again.
 */
export function watchJob(id: string, onJob: (job: Job) => void, onLost: () => void): () => void {
  let stopped = false;
  let source: EventSource | undefined;

  function open() {
    if (stopped) return;
    source = new EventSource(`/v1/jobs/${id}/events`);
    source.addEventListener('job', (event) => tell(JSON.parse((event as MessageEvent<string>).data) as Job));
    source.addEventListener('error', () => {
      if (source?.readyState === EventSource.CLOSED) setTimeout(() => void ask(), REOPEN_MS);
    });
  }

  function tell(job: Job) {
    if (stopped) return;
    if (ENDED.includes(job.status)) stop();
    onJob(job);
  }

  async function ask() {
    if (stopped) return;
    try {
      tell(await api.get<Job>(`/v1/jobs/${id}`));
      open();
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 404)) return void setTimeout(() => void ask(), REOPEN_MS);
      stop();
      onLost();
    }
  }

  function stop() {
    stopped = true;
    source?.close();
  }

  open();
  return stop;
}
