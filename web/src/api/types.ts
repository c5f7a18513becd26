// The shapes of the API, by the names the pages use.

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export interface ScriptSummary {
  id: string;
  title: string;
  show: { id: string; title: string } | null;
  lang: string;
  speakers: string[];
  line_count: number;
  duration_ms: number | null;
  rendering_id: string | null;
  updated_at_ms: number;
}

export interface Line {
  type: 'line';
  id?: string | null;
  speaker: string;
  text: string;
  translation?: string | null;
}

export interface CastMember {
  voice?: string | null;
  speed?: number | null;
  name?: string | null;
}

export interface Script {
  title: string;
  lang: string;
  cast: Record<string, CastMember>;
  items: (Line | { type: 'pause'; pause_ms: number } | { type: 'chapter'; title: string })[];
  gap_ms: number;
}

export interface ScriptView {
  id: string;
  revision: number;
  script: Script;
  source_text: string | null;
  source_format: string | null;
  rendering_id: string | null;
}

export interface Problem {
  severity: 'warning' | 'error';
  code: string;
  message: string;
  line: number;
  column: number;
}

export interface Voice {
  id: string;
  name: string;
  gender: 'female' | 'male' | 'none';
  lang: string;
  engine: string;
  available: boolean;
}

export interface RenderingWord {
  text: string;
  start_ms: number;
  end_ms: number;
}

export interface RenderingLine {
  line_id: string | null;
  index: number;
  speaker: string;
  text: string;
  translation: string | null;
  start_ms: number;
  end_ms: number;
  words: RenderingWord[];
}

export interface Rendering {
  id: string;
  script_id: string | null;
  title: string;
  lang: string;
  duration_ms: number;
  audio: { format: string; content_type: string; size_bytes: number; url: string }[];
  captions: { vtt: string; srt: string; ass: string; json: string; textgrid: string };
  chapters: { title: string; start_ms: number; end_ms: number }[];
  lines: RenderingLine[];
}

export interface Job {
  id: string;
  status: 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled';
  progress: { percent: number; stage: string; lines_done: number; lines_total: number; lines_cached: number };
  result: { rendering_id: string; lines_cached: number; lines_total: number } | null;
  error: { code: string; message: string } | null;
}
