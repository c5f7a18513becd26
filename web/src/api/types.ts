// The shapes of the API by the names the pages use. They are the server's own: `schema.d.ts` is
// generated from its OpenAPI document by `make openapi`.

import type { components } from './schema';

type Schemas = components['schemas'];

export interface Page<T> {
  items: T[];
  next_cursor?: string | null;
}

export type ScriptSummary = Schemas['ScriptSummary'];
/** As the server answers it: what a request may leave out is there. */
export type Script = Schemas['Script'] & Required<Pick<Schemas['Script'], 'title' | 'cast' | 'items'>>;
export type ScriptView = Omit<Schemas['ScriptView'], 'script'> & { script: Script };
export type CastMember = Schemas['CastMember'];
export type Voice = Schemas['VoiceInfo'];
export type Rendering = Schemas['RenderingView'];
export type RenderingLine = Schemas['TranscriptLine'];
export type JobAccepted = Schemas['JobAccepted'];

/** What a finished render answers; the document knows a job's result only as an object. */
export interface RenderResult {
  rendering_id: string;
  lines_cached: number;
  lines_total: number;
}

export type Job = Omit<Schemas['JobView'], 'result'> & { result?: RenderResult | null };
