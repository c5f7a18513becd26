// Requests to the server this page came from, and its problems as one error type.

import { i18n } from '../lib/i18n.svelte';
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
    error?: { code?: string; message?: string; trace_id?: string; details?: { problems?: ScriptProblem[] } };
  } | null;
  const error = body?.error;
  return new ApiError(
    response.status,
    error?.code ?? 'UNKNOWN',
    error?.message ?? response.statusText,
    error?.trace_id ?? response.headers.get('x-trace-id'),
    error?.details?.problems ?? [],
  );
}

async function send(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = { 'accept-language': i18n.language };
  let payload: BodyInit | undefined;
  if (body instanceof FormData) payload = body;
  else if (body !== undefined) {
    headers['content-type'] = 'application/json';
    payload = JSON.stringify(body);
  }
  let response: Response;
  try {
    response = await fetch(path, { method, headers, body: payload, signal });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new ApiError(0, 'NETWORK', '', null);
  }
  if (!response.ok) throw await problem(response);
  return response;
}

export const api = {
  get: async <T>(path: string, signal?: AbortSignal) => (await send('GET', path, undefined, signal)).json() as Promise<T>,
  post: async <T>(path: string, body: unknown, signal?: AbortSignal) => (await send('POST', path, body, signal)).json() as Promise<T>,
  put: async <T>(path: string, body: unknown) => (await send('PUT', path, body)).json() as Promise<T>,
  delete: async (path: string) => void (await send('DELETE', path)),
};

/** Follows a job to its end. The browser reconnects by itself; the row comes first each time. */
export function watchJob(id: string, onJob: (job: Job) => void, onLost: () => void): () => void {
  const source = new EventSource(`/v1/jobs/${id}/events`);
  source.addEventListener('job', (event) => {
    const job = JSON.parse((event as MessageEvent<string>).data) as Job;
    if (['succeeded', 'failed', 'cancelled'].includes(job.status)) source.close();
    onJob(job);
  });
  source.addEventListener('error', () => {
    if (source.readyState === EventSource.CLOSED) onLost();
  });
  return () => source.close();
}
