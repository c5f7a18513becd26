// JavaScript that shell and player need, gzipped: printed, and refused above 45 kB.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const LIMIT = 45 * 1024;
const html = readFileSync('dist/index.html', 'utf8');
const entry = /src="\/(assets\/[^"]+\.js)"/.exec(html)?.[1];
if (!entry) throw new Error('dist/index.html names no script: build first');

const seen = new Map();
function walk(file) {
  if (seen.has(file)) return;
  const text = readFileSync(`dist/${file}`, 'utf8');
  seen.set(file, gzipSync(text, { level: 9 }).length);
  for (const [, name] of text.matchAll(/from\s*"\.\/([^"]+\.js)"|import\s*"\.\/([^"]+\.js)"/g)) if (name) walk(`assets/${name}`);
}
walk(entry);
const shell = readFileSync(`dist/${entry}`, 'utf8');
const player = /assets\/Listen-[^"']+\.js|\.\/Listen-[^"'`]+\.js/.exec(shell)?.[0];
if (!player) throw new Error('the player is not a chunk of its own');
walk(`assets/${player.split('/').pop()}`);

const total = [...seen.values()].reduce((sum, size) => sum + size, 0);
for (const [file, size] of seen) console.log(`${String(size).padStart(7)}  ${file}`);
console.log(`${String(total).padStart(7)}  shell and player, bytes gzipped (limit ${LIMIT})`);
process.exit(total > LIMIT ? 1 : 0);
