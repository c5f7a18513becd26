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

export type Role = Schemas['Role'];
export type Status = Schemas['Status'];
export type Scope = Schemas['Scope'];
export type User = Schemas['User'];
export type SignedIn = Schemas['SessionView'];
export type AuthOptions = Schemas['Options'];
export type Device = Schemas['DeviceView'];
export type Identity = Schemas['Identity'];
export type ApiKey = Schemas['ApiKeyView'];
export type AuditEvent = Schemas['AuditView'];
export type Visibility = Schemas['Visibility'];
/** An account that a thing is shared with. */
export type Share = Schemas['Share'];

export type Bookmark = Schemas['BookmarkView'];
export type Clip = Schemas['ClipView'];
export type Stream = Schemas['StreamView'];
/** Something that was uploaded. */
export type Content = Schemas['Content'];
