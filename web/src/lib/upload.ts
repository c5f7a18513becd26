// Resumable uploads by the protocol tus 1.0.0: a file goes up piece by piece, and goes on where it
// was after a lost line, another page or another day.

import { ApiError } from '../api/client';
import { csrfToken, fresh } from '../api/credentials';
import { i18n } from './i18n.svelte';

const VERSION = '1.0.0';
/** Lost at most when the line breaks; small enough that progress is seen. */
const PIECE_BYTES = 4 << 20;

/** The same file is known again by this; nothing of it is kept. */
export function fingerprint(file: Pick<File, 'name' | 'size' | 'lastModified'>, account: string): string {
  return `sori.upload.${account}.${file.name}.${file.size}.${file.lastModified}`;
}

/** `title aGVsbG8=,filename …`: UTF-8 in base64. */
export function metadata(pairs: Record<string, string>): string {
  const base64 = (text: string) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
  return Object.entries(pairs).map(([key, value]) => `${key} ${base64(value)}`).join(',');
}

/** `My talk.mp4` → `My talk`. */
export const titleOf = (filename: string) => filename.replace(/\.[^.]+$/, '') || filename;

async function ask(method: string, path: string, headers: Record<string, string>, body: Blob | null, signal: AbortSignal): Promise<Response> {
  await fresh();
  const token = csrfToken();
  const all = { 'tus-resumable': VERSION, 'accept-language': i18n.language, ...(token && { 'x-csrf-token': token }), ...headers };
  let response: Response;
  try {
    response = await fetch(path, { method, headers: all, body, signal });
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw new ApiError(0, 'NETWORK', '', null);
  }
  if (response.ok) return response;
  const answer = (await response.json().catch(() => null)) as { error?: { code?: string; message?: string; trace_id?: string } } | null;
  throw new ApiError(response.status, answer?.error?.code ?? 'UNKNOWN', answer?.error?.message ?? response.statusText, answer?.error?.trace_id ?? null);
}

/** The path of the upload and how far it is: of one that was begun before, or of a new one. */
async function begin(file: File, key: string, signal: AbortSignal): Promise<[string, number]> {
  const known = localStorage.getItem(key);
  if (known) {
    try {
      const answer = await ask('GET', known, {}, null, signal);
      return [known, Number(answer.headers.get('upload-offset'))];
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
    }
  }
  const about = metadata({ title: titleOf(file.name), filename: file.name });
  const answer = await ask('POST', '/v1/uploads', { 'upload-length': String(file.size), 'upload-metadata': about }, null, signal);
  const path = new URL(answer.headers.get('location') ?? '', location.href).pathname;
  localStorage.setItem(key, path);
  return [path, 0];
}

/** Sends a file to its end. Called again after a failure it goes on where the server stands. */
export async function upload(file: File, account: string, signal: AbortSignal, onSent: (bytes: number) => void): Promise<void> {
  const key = fingerprint(file, account);
  let [path, at] = await begin(file, key, signal);
  onSent(at);
  while (at < file.size) {
    const headers = { 'content-type': 'application/offset+octet-stream', 'upload-offset': String(at) };
    try {
      const answer = await ask('PATCH', path, headers, file.slice(at, at + PIECE_BYTES), signal);
      at = Number(answer.headers.get('upload-offset'));
    } catch (error) {
      // A file that is refused as it is will not be taken the next time either.
      if (error instanceof ApiError && [400, 404, 413].includes(error.status)) localStorage.removeItem(key);
      throw error;
    }
    onSent(at);
  }
  localStorage.removeItem(key);
}

/** Forgets an upload that is not to go on, here and on the server. */
export async function giveUp(file: File, account: string): Promise<void> {
  const key = fingerprint(file, account);
  const path = localStorage.getItem(key);
  localStorage.removeItem(key);
  if (path) await ask('DELETE', path, {}, null, new AbortController().signal);
}
