// The shapes of the API by the names the pages use. They are the server's own: `schema.d.ts` is
// generated from its OpenAPI document by `make openapi`.

import type { components } from './schema';

type Schemas = components['schemas'];

export interface Page<T> {
  items: T[];
  next_cursor?: string | null;
}

export type Visibility = 'private' | 'shared' | 'public';
/** Whose a thing is, and what the caller may do with it. */
export interface Owned {
  visibility: Visibility;
  is_mine: boolean;
  may_change: boolean;
  may_share: boolean;
}

export type ScriptSummary = Schemas['ScriptSummary'] & Owned;
/** As the server answers it: what a request may leave out is there. */
export type Script = Schemas['Script'] & Required<Pick<Schemas['Script'], 'title' | 'cast' | 'items'>>;
export type ScriptView = Omit<Schemas['ScriptView'], 'script'> & { script: Script } & Owned;
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

export type Role = 'learner' | 'teacher' | 'editor' | 'admin';
export type Status = 'pending' | 'active' | 'suspended';

export interface User {
  id: string;
  email: string;
  name: string;
  role: Role;
  status: Status;
  language: string | null;
  /** False for who signs in elsewhere only. */
  has_password?: boolean;
  created_at?: string | null;
}

export interface AuthOptions {
  sign_up: 'open' | 'approval' | 'closed';
  google_client_id?: string | null;
  providers: { id: string; name: string }[];
  needs_setup: boolean;
  visitors: boolean;
}

export interface Device {
  id: string;
  name: string | null;
  address?: string | null;
  last_used_at: string | null;
  is_current: boolean;
}

export type Scope = 'scripts:read' | 'scripts:write' | 'synth' | 'jobs:read' | 'jobs:write' | 'account' | 'admin';

export interface ApiKey {
  id: string;
  name: string;
  prefix: string;
  scopes: Scope[];
  policy: 'bearer' | 'signed';
  expires_at: string | null;
  last_used_at: string | null;
  created_at: string;
}

export interface AuditEvent {
  id: string;
  at: string;
  kind: string;
  account_id?: string | null;
  account_email?: string | null;
  actor_id?: string | null;
  actor_email?: string | null;
  address?: string | null;
}

/** An account that a thing is shared with. */
export interface Share {
  account_id: string;
  name: string;
  email: string;
}
