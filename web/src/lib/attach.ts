// How a track comes to the element that plays it: in pieces of the quality that is wanted (HLS), or
// as the one file that it is when that is short, asked for, or all that works.

import type { Track } from './player.svelte';
import { deviceId } from './device';

/** A kind of quality: it means something for every content, and is remembered for all of them. */
export type Wish = '' | 'low' | 'high' | 'file';
export const WISHES: Wish[] = ['', 'low', 'high', 'file'];

export interface Quality {
  bitrate: number;
  height: number | null;
}

export interface Attached {
  /** False when it has to be attached anew for that. */
  choose(wish: Wish): boolean;
  end(): void;
}

export interface Tell {
  /** What there is, and which of it is played (-1 when that is not known). */
  qualities(list: Quality[], current: number): void;
  failed(): void;
}

/** Sound that is shorter is there as a file before a playlist would be. */
const PIECES_FROM_MS = 120_000;
const PLAYLIST = 'application/vnd.apple.mpegurl';

export const streamPath = (contentId: string) => `/api/stream/${contentId}?device_id=${deviceId()}`;
const playlistPath = (contentId: string) => `/api/stream/${contentId}/hls/master.m3u8?device_id=${deviceId()}`;

export function wantsPieces(track: Pick<Track, 'kind' | 'durationMs'>, wish: Wish): boolean {
  if (wish === '') return track.kind === 'video' || track.durationMs > PIECES_FROM_MS;
  return wish !== 'file';
}

/** Which of so many qualities, the lowest first, a wish means; -1 is what suits the line. */
export function levelOf(wish: Wish, count: number): number {
  return wish === 'low' ? 0 : wish === 'high' ? count - 1 : -1;
}

export function attach(track: Track, media: HTMLMediaElement, wish: Wish, tell: Tell): Attached {
  if (!wantsPieces(track, wish)) return direct(track, media);
  if ('MediaSource' in globalThis) return byHlsJs(track, media, wish, tell);
  return media.canPlayType(PLAYLIST) && wish === '' ? native(track, media) : direct(track, media);
}

function direct(track: Track, media: HTMLMediaElement): Attached {
  const files = track.rendering?.audio ?? [];
  const file = files.find((one) => media.canPlayType(one.content_type) !== '') ?? files[0];
  media.src = file?.url ?? streamPath(track.contentId);
  return { choose: () => false, end: () => undefined };
}

function native(track: Track, media: HTMLMediaElement): Attached {
  media.src = playlistPath(track.contentId);
  return { choose: () => false, end: () => undefined };
}

function byHlsJs(track: Track, media: HTMLMediaElement, first: Wish, tell: Tell): Attached {
  let wish = first;
  let ended = false;
  let hls: import('hls.js').default | null = null;
  let startMs = 0;
  let wantsPlay = false;
  // Between now and the library's arrival somebody may seek or press play.
  const onPlay = () => (wantsPlay = true);
  media.addEventListener('play', onPlay);

  function fall() {
    if (ended) return;
    const at = media.currentTime || startMs / 1000;
    const played = !media.paused || wantsPlay;
    hls?.destroy();
    hls = null;
    direct(track, media);
    media.currentTime = at;
    if (played) media.play().catch(() => undefined);
  }

  async function begin() {
    const { default: Hls } = await import('hls.js/light');
    if (ended) return;
    if (!Hls.isSupported()) return fall();
    startMs = media.currentTime * 1000;
    // The page's policy allows no worker made of a text.
    hls = new Hls({ enableWorker: false, startPosition: media.currentTime || -1 });
    const player = hls;
    const list = () => player.levels.map((level) => ({ bitrate: level.bitrate, height: level.height || null }));
    hls.on(Hls.Events.MANIFEST_PARSED, () => {
      player.nextLevel = levelOf(wish, player.levels.length);
      tell.qualities(list(), -1);
    });
    hls.on(Hls.Events.LEVEL_SWITCHED, (_, { level }) => tell.qualities(list(), level));
    hls.on(Hls.Events.ERROR, (_, error) => {
      if (!error.fatal || ended) return;
      // Too many streams: the file would be refused as well.
      if (error.response?.code === 429) tell.failed();
      else fall();
    });
    hls.loadSource(playlistPath(track.contentId));
    hls.attachMedia(media);
    if (wantsPlay) media.play().catch(() => undefined);
  }

  begin().catch(fall);
  return {
    choose(next) {
      wish = next;
      if (next === 'file' || !hls?.levels.length) return false;
      hls.nextLevel = levelOf(next, hls.levels.length);
      return true;
    },
    end() {
      ended = true;
      media.removeEventListener('play', onPlay);
      hls?.destroy();
    },
  };
}
