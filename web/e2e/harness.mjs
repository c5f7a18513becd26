// What every story uses: a browser, one line a check, and what must never happen on the way.

import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const options = Object.fromEntries(process.argv.slice(2).join(' ').split('--').filter(Boolean).map((pair) => pair.trim().split(' ')));
export const base = options['base-url'];
/** The one-time link that the server printed, while it has no administrator. */
export const setupLink = options['setup-link'];
/** Only these stories, while one of them is being worked on: `--stories arrive,people`. */
export const wanted = options.stories?.split(',');
const shots = options.shots;
if (!base) throw new Error('--base-url is missing');
if (shots) mkdirSync(shots, { recursive: true });
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let [passed, failed] = [0, 0];
export function check(name, ok, detail = '') {
  console.log(`${ok ? 'ok' : 'not ok'} - ${name}${detail ? `: ${detail}` : ''}`);
  ok ? passed++ : failed++;
}

/** One story; when it breaks off, the others are told all the same. */
export async function story(name, tell) {
  try {
    await tell();
  } catch (error) {
    check(name, false, String(error).split('\n').slice(0, 3).join(' '));
    await page.screenshot({ path: shots ? join(shots, `failed-${name.replace(/\W+/g, '-')}.png`) : undefined }).catch(() => undefined);
  }
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  headless: true,
  args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-quic', '--no-first-run'],
});
const person = { locale: 'en-US', viewport: { width: 1280, height: 800 } };
export const context = await browser.newContext(person);
context.setDefaultTimeout(20_000);
export const page = await context.newPage();

// The element that is heard, to compare what is marked with what really plays.
const hear = (of) =>
  of.addInitScript(() => {
    const play = HTMLMediaElement.prototype.play;
    HTMLMediaElement.prototype.play = function () {
      globalThis.heard = this;
      return play.call(this);
    };
  });
await hear(context);

const complaints = [];
const foreign = [];
// The browser counts every refused request as an error; a draft that cannot be read yet is none.
const isRefusedDraft = (message) => message.location().url.endsWith('/v1/scripts/parse') && message.text().includes('400');

function listen(to, on) {
  on.on('console', (message) => message.type() === 'error' && !isRefusedDraft(message) && complaints.push(message.text()));
  on.on('pageerror', (error) => complaints.push(String(error)));
  to.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(base) && !url.startsWith('data:') && !url.startsWith('blob:')) foreign.push(url);
  });
}
listen(context, page);

/** Another person at another machine: a browser of their own, watched like the first. */
export async function somebodyElse() {
  const theirs = await browser.newContext(person);
  theirs.setDefaultTimeout(20_000);
  await hear(theirs);
  const tab = await theirs.newPage();
  listen(theirs, tab);
  return tab;
}

/** The browser counts every refused request as an error of the page: those that were asked for are none. */
export function forgive(what) {
  complaints.splice(0, complaints.length, ...complaints.filter((text) => !(text.startsWith('Failed to load resource') && text.includes(what))));
}

export const json = async (path, of = page) => (await of.request.get(base + path)).json();

/** What the page itself would send: with the CSRF token of its cookie. */
export async function send(method, path, data, of = page) {
  const cookies = await of.context().cookies(base);
  const token = cookies.find((cookie) => cookie.name === 'sori_csrf')?.value;
  const headers = { origin: base, ...(token && { 'x-csrf-token': token }) };
  return of.request.fetch(base + path, { method, data, headers });
}

export const shoot = async (name, of = page) => shots && of.screenshot({ path: join(shots, `${name}.png`) });

export async function accessible(name, of = page) {
  await of.evaluate(axe);
  const result = await of.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
  const found = result.violations.map((one) => `${one.id} (${one.nodes[0]?.target})`);
  check(`axe: ${name}`, found.length === 0, found.join(', '));
}

export async function end() {
  check('no error in the console', complaints.length === 0, complaints.slice(0, 3).join(' | '));
  check('no request to another host', foreign.length === 0, foreign.slice(0, 3).join(' '));
  await browser.close();
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed > 0 ? 1 : 0);
}
