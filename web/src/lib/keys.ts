// The keyboard of the player. Never while typing, never on a control that has its own use for the key.

import { player } from './player.svelte';

export interface KeyActions {
  /** Before any key that moves the sound: the page's own script becomes the one that plays. */
  ensure?: () => void;
  captions?: () => void;
  translation?: () => void;
}

/**
 * The key by its place on the keyboard when it writes no Latin letter: a Korean input method turns
 * K into ㅏ, and the player's keys stay where they are.
 */
export function latinKey(event: Pick<KeyboardEvent, 'key' | 'code'>): string {
  const letter = /^Key([A-Z])$/.exec(event.code)?.[1];
  const isLatin = /^[ -~]$/.test(event.key) || (event.key.length > 1 && event.key !== 'Process');
  return letter && !isLatin ? letter.toLowerCase() : event.key;
}

export function isTyping(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null;
  return !!element?.closest?.('input:not([type=range]), textarea, select, [contenteditable=true], dialog');
}

/** What a control does itself when it has the focus. */
function belongsToControl(event: KeyboardEvent): boolean {
  const element = event.target as HTMLElement | null;
  if (event.key === ' ' || event.key === 'Enter') return !!element?.closest?.('button, a, summary, input');
  return event.key.startsWith('Arrow') && !!element?.closest?.('input, [role=menu], .word');
}

export function handleKey(event: KeyboardEvent, actions: KeyActions) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (isTyping(event.target) || belongsToControl(event)) return;
  const act = action(latinKey(event), actions);
  if (!act) return;
  event.preventDefault();
  actions.ensure?.();
  act();
}

function action(key: string, actions: KeyActions): (() => void) | undefined {
  if (/^[0-9]$/.test(key)) return () => player.seek((player.durationMs * Number(key)) / 10);
  switch (key) {
    case ' ':
    case 'k':
    case 'K':
      return () => void player.toggle();
    case 'j':
    case 'J':
      return () => player.by(-10_000);
    case 'l':
    case 'L':
      return () => player.by(10_000);
    case 'ArrowLeft':
      return () => player.by(-5000);
    case 'ArrowRight':
      return () => player.by(5000);
    case 'ArrowUp':
      return () => player.toLine(-1);
    case 'ArrowDown':
      return () => player.toLine(1);
    case 'r':
    case 'R':
      return () => (player.loopLine = !player.loopLine);
    case 'a':
    case 'A':
      return () => player.markA();
    case 'b':
      return () => player.markB();
    case 'Escape':
      return () => {
        player.clearSpan();
        player.loopLine = false;
      };
    case '<':
      return () => player.faster(-1);
    case '>':
      return () => player.faster(1);
    case 'm':
    case 'M':
      return () => player.toggleMute();
    case 'c':
    case 'C':
      return actions.captions;
    case 't':
    case 'T':
      return actions.translation;
    default:
      return undefined;
  }
}
