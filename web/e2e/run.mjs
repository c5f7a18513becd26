// Drives a running server with a real browser: `node e2e/run.mjs --base-url URL [--shots DIR]`.
// The server has the demo show rendered. Prints one line a check; exits with 1 when one fails.

import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const options = Object.fromEntries(process.argv.slice(2).join(' ').split('--').filter(Boolean).map((pair) => pair.trim().split(' ')));
const base = options['base-url'];
const shots = options.shots;
if (!base) throw new Error('--base-url is missing');
if (shots) mkdirSync(shots, { recursive: true });
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let [passed, failed] = [0, 0];
function check(name, ok, detail = '') {
  console.log(`${ok ? 'ok' : 'not ok'} - ${name}${detail ? `: ${detail}` : ''}`);
  ok ? passed++ : failed++;
}
async function story(name, tell) {
  try {
    await tell();
  } catch (error) {
    check(name, false, String(error).split('\n').slice(0, 3).join(' '));
    await page.screenshot({ path: shots ? join(shots, `failed-${name.replace(/\W+/g, '-')}.png`) : undefined }).catch(() => undefined);
  }
}

const profile = mkdtempSync(join(tmpdir(), 'sori-e2e-'));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  headless: true,
  args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-quic', '--no-first-run'],
  locale: 'en-US',
  viewport: { width: 1280, height: 800 },
});
context.setDefaultTimeout(20_000);
const page = context.pages()[0] ?? (await context.newPage());

const complaints = [];
// The browser counts every refused request as an error; a draft that cannot be read yet is none.
const isRefusedDraft = (message) => message.location().url.endsWith('/v1/scripts/parse') && message.text().includes('400');
page.on('console', (message) => message.type() === 'error' && !isRefusedDraft(message) && complaints.push(message.text()));
page.on('pageerror', (error) => complaints.push(String(error)));
const foreign = [];
context.on('request', (request) => {
  const url = request.url();
  if (!url.startsWith(base) && !url.startsWith('data:') && !url.startsWith('blob:')) foreign.push(url);
});

const json = async (path) => (await page.request.get(base + path)).json();
const shoot = async (name) => shots && page.screenshot({ path: join(shots, `${name}.png`) });
const seconds = () => page.evaluate(() => performance.now() / 1000);
const clock = () => page.locator('.times span').first().textContent();
const play = () => page.getByRole('button', { name: 'Play', exact: true });

const demo = (await json('/v1/scripts')).items.find((script) => script.rendering_id);
const rendering = demo && (await json(`/v1/renderings/${demo.rendering_id}`));

await story('the library shows the demo with its sound', async () => {
  await page.goto(base);
  await page.getByRole('heading', { name: 'Library' }).waitFor();
  await page.getByRole('link', { name: demo.title, exact: true }).waitFor();
  check('the library shows the demo with its sound', await page.getByRole('button', { name: `Play: ${demo.title}` }).isEnabled());
  check('the demo is a dialogue of four voices', rendering.lines.length >= 12 && new Set(rendering.lines.map((line) => line.voice)).size === 4);
});

await story('the highlighted word is the one that is heard', async () => {
  await page.getByRole('button', { name: `Play: ${demo.title}` }).click();
  await page.locator('.word.now').first().waitFor();
  const samples = await page.evaluate(async () => {
    // The player's own clock and mark, side by side on every frame.
    const seen = [];
    const until = performance.now() + 12_000;
    const slider = document.querySelector('.position input');
    while (performance.now() < until) {
      await new Promise(requestAnimationFrame);
      const marked = document.querySelector('.word.now');
      seen.push({ ms: Number(slider.value), start: marked ? Number(marked.dataset.start) : null, at: performance.now() });
    }
    return seen;
  });
  const words = rendering.lines.flatMap((line) => line.words).sort((a, b) => a.start_ms - b.start_ms);
  const lags = [];
  for (const [index, word] of words.entries()) {
    const due = samples.findIndex((sample) => sample.ms >= word.start_ms && sample.ms < (words[index + 1]?.start_ms ?? Infinity));
    if (due < 1 || samples[due - 1].ms > word.start_ms + 50) continue;
    const shown = samples.findIndex((sample, n) => n >= due && sample.start === word.start_ms);
    lags.push(shown < 0 ? 9999 : samples[shown].at - samples[due].at);
  }
  lags.sort((a, b) => a - b);
  const p95 = lags[Math.floor(lags.length * 0.95)] ?? 9999;
  const moved = samples.at(-1).ms - samples[0].ms;
  check('the sound moves', moved > 6000, `${Math.round(moved)} ms in 12 s`);
  check('the highlighted word is the one that is heard', lags.length >= 12 && p95 <= 100, `p95 of ${lags.length} words: ${Math.round(p95)} ms`);
  await shoot('listen-light-1280');
});

await story('a click on a word and the keys move the sound', async () => {
  const line = rendering.lines[5];
  await page.keyboard.press('k');
  await page.locator('[data-line="5"] .word').nth(1).click();
  const expected = Math.floor(line.words[1].start_ms / 1000);
  check('a click on a word seeks to it', (await clock()).endsWith(`:${String(expected % 60).padStart(2, '0')}`), await clock());
  await page.locator('body').press('0');
  check('0 goes to the beginning', (await clock()) === '0:00');
  await page.locator('body').press('l');
  check('L goes ten seconds on', (await clock()) === '0:10', await clock());
  await page.locator('body').press('ArrowLeft');
  check('left goes five seconds back', (await clock()) === '0:05', await clock());
  await page.locator('body').press('ArrowDown');
  const marked = Number(await page.locator('li[aria-current]').first().getAttribute('data-line'));
  await page.locator('body').press('ArrowDown');
  await page.waitForFunction((before) => Number(document.querySelector('li[aria-current]')?.dataset.line) === before + 1, marked);
  check('down goes to the next line', true);
  await page.locator('body').press('>');
  check('> is faster', (await page.locator('.panel select').first().inputValue()) === '1.1');
  await page.locator('body').press('<');
  await page.locator('body').press('?');
  await page.getByRole('dialog').waitFor();
  await accessible('keys');
  await page.keyboard.press('Escape');
  await page.locator('body').press('c');
  check('C hides the script', (await page.locator('.script').count()) === 0);
  await page.locator('body').press('c');
  await page.locator('.script').waitFor();
});

await story('a line repeats', async () => {
  await page.locator('[data-line="7"] .word').first().click();
  await page.locator('body').press('r');
  const line = rendering.lines[7];
  await play().click();
  const from = await seconds();
  const seen = [];
  while ((await seconds()) - from < (2 * (line.end_ms - line.start_ms)) / 1000 + 2) {
    seen.push(Number(await page.locator('.position input').inputValue()));
    await page.waitForTimeout(50);
  }
  const returns = seen.filter((ms, n) => n > 0 && ms < seen[n - 1] - 200).length;
  check('a line repeats', returns >= 1 && Math.max(...seen) < line.end_ms + 600, `${returns} returns, ${Math.max(...seen)} of ${line.end_ms} ms`);
  await page.locator('body').press('r');
  await page.locator('body').press('k');
});

await story('audio and captions can be kept', async () => {
  const urls = [...rendering.audio.map((audio) => audio.url), ...Object.values(rendering.captions)];
  for (const url of urls) {
    const response = await page.request.get(`${base}${url}?download=true`);
    const name = response.headers()['content-disposition'] ?? '';
    check(`download ${url.split('/').slice(-2).join(' ')}`, response.status() === 200 && name.includes('attachment') && (await response.body()).length > 100, name.slice(0, 60));
  }
});

await story('the mini player goes along', async () => {
  await page.getByRole('link', { name: 'Library', exact: true }).click();
  await page.locator('.mini').waitFor();
  await page.getByRole('link', { name: 'Write', exact: true }).click();
  check('the mini player goes along', await page.locator('.mini').isVisible());
});

await story('a script is written, voiced and heard', async () => {
  await page.goto(`${base}/write`);
  await page.getByLabel('Title', { exact: true }).fill('Browser test');
  await page.getByLabel('Script', { exact: true }).fill('MINA: Good morning.\nJUN: Hello there.');
  await page.getByLabel('Voice of MINA', { exact: true }).waitFor();
  await page.reload();
  check('a draft survives a reload', (await page.getByLabel('Script', { exact: true }).inputValue()).includes('Hello there'));
  await page.getByLabel('Voice of MINA', { exact: true }).selectOption('hibari:heart');
  await page.getByLabel('Voice of JUN', { exact: true }).selectOption('hibari:heart');
  await shoot('write-light-1280');
  await page.getByRole('button', { name: 'Make the sound' }).click();
  await page.locator('.render[data-status="succeeded"]').waitFor({ timeout: 90_000 });
  check('a script is rendered with live progress', true);
  await page.getByLabel('Script', { exact: true }).fill('MINA: Good morning.\nJUN: Something else.');
  await page.waitForTimeout(800);
  await page.getByRole('button', { name: 'Make the sound' }).click();
  await page.getByText('1 lines were kept').waitFor({ timeout: 90_000 });
  check('only the changed line is spoken again', true);
  await page.getByRole('link', { name: 'Listen', exact: true }).click();
  await play().click();
  await page.locator('.word.now').first().waitFor();
  check('it is heard', true);
  await page.locator('body').press('k');
});

await story('a script that cannot be spoken says where', async () => {
  await page.goto(`${base}/write`);
  await page.getByLabel('Script', { exact: true }).fill('MINA: Fine.\n\nMINA: [pause] {speed 9}\nMINA {speed 9}: too fast');
  await page.locator('.problems li').first().waitFor();
  check('a script that cannot be spoken says where', /line \d+, column \d+/.test(await page.locator('.problems').innerText()));
  await accessible('write-problems');
});

await story('a deletion can be undone', async () => {
  await page.goto(base);
  await page.getByRole('button', { name: 'Delete: Browser test' }).click();
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByRole('link', { name: 'Browser test', exact: true }).waitFor();
  check('a deletion can be undone', true);
  await page.locator('body').press('/');
  await page.keyboard.type('parrot');
  await page.waitForFunction(() => document.querySelectorAll('.card').length === 1);
  check('the search looks into the lines', await page.getByRole('link', { name: demo.title, exact: true }).isVisible());
});

await story('an unreachable server is told', async () => {
  await page.route('**/v1/scripts?*', (route) => route.abort());
  await page.goto(base);
  await page.getByRole('alert').waitFor();
  await accessible('library-error');
  check('an unreachable server is told', true);
  await page.unroute('**/v1/scripts?*');
  complaints.splice(0, complaints.length, ...complaints.filter((text) => !text.includes('net::ERR_FAILED')));
});

async function accessible(name) {
  await page.evaluate(axe);
  const result = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
  const found = result.violations.map((one) => `${one.id} (${one.nodes[0]?.target})`);
  check(`axe: ${name}`, found.length === 0, found.join(', '));
}

await story('every place is accessible in both languages, light and dark, wide and narrow', async () => {
  const places = { library: '/', listen: `/listen/${demo.id}`, write: '/write', edit: `/write/${demo.id}` };
  for (const language of ['ko', 'en']) {
    await page.evaluate((chosen) => localStorage.setItem('sori.language', chosen), language);
    for (const scheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      for (const width of [360, 1280]) {
        await page.setViewportSize({ width, height: 800 });
        for (const [place, path] of Object.entries(places)) {
          await page.goto(base + path);
          await page.locator('h1').waitFor();
          await page.locator('.skeleton').first().waitFor({ state: 'detached' });
          if (place === 'edit') await page.locator('.castlist').waitFor();
          const name = `${place}-${language}-${scheme}-${width}`;
          await accessible(name);
          await shoot(name);
        }
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        check(`nothing is wider than ${width} px (${language}, ${scheme})`, overflow <= 0, `${overflow} px over`);
      }
    }
    const lang = await page.evaluate(() => document.documentElement.lang);
    check(`the page says that it is in ${language}`, lang === language && (await page.title()).length > 0);
  }
});

check('no error in the console', complaints.length === 0, complaints.slice(0, 3).join(' | '));
check('no request to another host', foreign.length === 0, foreign.slice(0, 3).join(' '));
await context.close();
rmSync(profile, { recursive: true, force: true });
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
