// The language of the interface: chosen once, kept on this device, Korean first.

import { en, ko, type Key } from './dictionary';
import { fill } from './fill';

export type Language = 'ko' | 'en';

const STORED = 'sori.language';

function initial(): Language {
  const stored = localStorage.getItem(STORED);
  if (stored === 'ko' || stored === 'en') return stored;
  const first = navigator.languages.find((tag) => /^(ko|en)\b/.test(tag));
  return first?.startsWith('en') ? 'en' : 'ko';
}

class I18n {
  language = $state<Language>(initial());

  choose(language: Language) {
    this.language = language;
    localStorage.setItem(STORED, language);
    document.documentElement.lang = language;
  }
}

export const i18n = new I18n();
document.documentElement.lang = i18n.language;

/** A text with its values: `{n}` is a value, `{n|line|lines}` the word for one or for several. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  return fill((i18n.language === 'ko' ? ko : en)[key], values);
}
