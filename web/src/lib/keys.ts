// The keyboard of the player. Never while typing, never on a control that has its own use for the key.

import { player } from './player.svelte';

export interface KeyActions {
  help: () => void;
  captions: () => void;
  translation: () => void;
}

function isTyping(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null;
  return !!element?.closest?.('input:not([type=range]), textarea, select, [contenteditable=true], dialog');
}

/** What a control does itself when it has the focus. */
function belongsToControl(event: KeyboardEvent): boolean {
  const element = event.target as HTMLElement | null;
  if (event.key === ' ' || event.key === 'Enter') return !!element?.closest?.('button, a, summary, input');
  return event.key.startsWith('Arrow') && !!element?.closest?.('input, [role=menu]');
}

export function handleKey(event: KeyboardEvent, actions: KeyActions) {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || belongsToControl(event)) return;
  const act = action(event.key, actions);
  if (!act) return;
  event.preventDefault();
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
    case '?':
      return actions.help;
    default:
      return undefined;
  }
}
