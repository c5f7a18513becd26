import { expect, it } from 'vitest';
import { fill } from './fill';

it.each([
  ['{n} {n|line|lines}', { n: 1 }, '1 line'],
  ['{n} {n|line|lines}', { n: 0 }, '0 lines'],
  ['{n} {n|line was|lines were} kept', { n: 2 }, '2 lines were kept'],
  ['Delete {title}', { title: '{n}' }, 'Delete {n}'],
  ['{missing}', {}, '{missing}'],
])('%s is filled in', (text, values, filled) => expect(fill(text, values)).toBe(filled));
