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

// The element that is heard, to compare what is marked with what really plays.
await context.addInitScript(() => {
  const play = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = function () {
    globalThis.heard = this;
    return play.call(this);
  };
});

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
    // The clock of what is heard and the mark, side by side on every frame.
    const seen = [];
    const until = performance.now() + 12_000;
    while (performance.now() < until) {
      await new Promise(requestAnimationFrame);
      const marked = document.querySelector('.word.now');
      seen.push({ ms: globalThis.heard.currentTime * 1000, start: marked ? Number(marked.dataset.start) : null, at: performance.now() });
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
  // A marked word is never another one than what is heard, give or take a frame and a half.
  const wrong = samples.filter(({ ms, start }) => start !== null && !words.some((word) => word.start_ms === start && ms > start - 60 && ms < word.end_ms + 400));
  check('no other word is marked', wrong.length === 0, `${wrong.length} of ${samples.length} frames`);
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
  check('< is slower', (await page.locator('.panel select').first().inputValue()) === '1.0');
  await page.locator('body').press('3');
  await page.locator('body').press('a');
  await page.locator('body').press('4');
  await page.locator('body').press('b');
  check('A and B mark a span', (await page.locator('.extra').innerText()).includes('Repeating'));
  const [a, b] = [0.3, 0.4].map((part) => part * rendering.duration_ms);
  await page.evaluate((ms) => (globalThis.heard.currentTime = ms / 1000), b - 700);
  await play().click();
  await page.waitForFunction(([from, to]) => globalThis.heard.currentTime * 1000 < (from + to) / 2, [a, b]);
  const returned = await page.evaluate(() => globalThis.heard.currentTime * 1000);
  check('the span repeats', returned >= a - 50, `back at ${Math.round(returned)} of ${Math.round(a)} ms`);
  await page.locator('body').press('k');
  await page.locator('body').press('Escape');
  check('Esc ends the repeat', !(await page.locator('.extra').innerText()).includes('Repeating'));
  await page.locator('body').press('m');
  check('M mutes', await page.evaluate(() => globalThis.heard.muted));
  await page.locator('body').press('m');
  await page.locator('body').press('5');
  await page.evaluate(() => document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'ㅓ', code: 'KeyJ', bubbles: true, cancelable: true })));
  const back = Math.floor((rendering.duration_ms / 2 - 10_000) / 1000);
  check('a Korean keyboard has the same keys', (await clock()).endsWith(`:${String(back % 60).padStart(2, '0')}`), await clock());
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
  await page.getByLabel('Title').fill('k');
  await page.getByLabel('Title').press('k');
  check('keys are letters while typing', await page.evaluate(() => globalThis.heard.paused));
  await page.getByRole('button', { name: 'Discard draft' }).click();
  await page.locator('main').focus();
  await page.keyboard.press('k');
  await page.waitForFunction(() => !globalThis.heard.paused);
  check('keys of the player count on every page', true);
  await page.locator('.mini a').click();
  await page.locator('.word.now').first().waitFor();
  check('the sound goes on where it is', await page.evaluate(() => !globalThis.heard.paused));
  await page.locator('body').press('k');
});

await story('every state of the library is told', async () => {
  const at = (answer) => page.route('**/v1/scripts?*', answer);
  const later = () => page.unroute('**/v1/scripts?*');
  let release = () => undefined;
  const held = new Promise((resolve) => (release = resolve));
  await at(async (route) => {
    await held;
    await route.fulfill({ json: { items: [] } });
  });
  await page.goto(base);
  await page.locator('.cards[aria-busy=true]').waitFor();
  await accessible('library-loading');
  await shoot('library-loading');
  release();
  await page.getByText('There are no scripts yet.').waitFor();
  await accessible('library-empty');
  await shoot('library-empty');
  await later();
  const refusal = { error: { code: 'UNAVAILABLE', message: 'The disk is full.', trace_id: 'trace-of-the-test' } };
  await at((route) => route.fulfill({ status: 503, json: refusal }));
  await page.reload();
  await page.getByRole('alert').getByText('The disk is full.').waitFor();
  check('a refusal is told with its trace', await page.getByText('trace-of-the-test').isVisible());
  await shoot('library-refused');
  await later();
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByRole('link', { name: demo.title, exact: true }).waitFor();
  check('trying again helps', true);
  await context.setOffline(true);
  await page.getByText('You are offline.').waitFor();
  await accessible('library-offline');
  await shoot('library-offline');
  await context.setOffline(false);
  await page.getByText('You are offline.').waitFor({ state: 'detached' });
  check('every state of the library is told', true);
  forgive('503');
});

await story('a script that is not there is told', async () => {
  await page.goto(`${base}/listen/01a1fcc7-0000-7000-8000-000000000000`);
  await page.getByRole('alert').waitFor();
  await accessible('listen-missing');
  await shoot('listen-missing');
  await page.goto(`${base}/write/01a1fcc7-0000-7000-8000-000000000000`);
  await page.getByRole('alert').waitFor();
  check('a script that is not there is told', (await page.locator('textarea').count()) === 0);
  forgive('404');
});

await story('files of other programs are read', async () => {
  const files = {
    'scene.fountain': 'Title: Fountain of the test\n\nINT. ROOM - DAY\n\nMINA\nGood morning.\n\nJUN\nHello there.\n',
    'film.srt': '1\n00:00:01,000 --> 00:00:02,000\nMINA: First words.\n\n2\n00:00:03,000 --> 00:00:04,500\nJUN: Second words.\n',
  };
  for (const [name, text] of Object.entries(files)) {
    await page.goto(`${base}/write`);
    await page.locator('input[type=file]').setInputFiles({ name, mimeType: 'text/plain', buffer: Buffer.from(text) });
    await page.waitForURL('**/write/*-*');
    await page.getByLabel('Voice of JUN', { exact: true }).waitFor();
    const id = page.url().split('/').pop();
    check(`${name} is read`, (await json(`/v1/scripts/${id}`)).script.items.filter((item) => item.type === 'line').length === 2);
    await page.request.delete(`${base}/v1/scripts/${id}`);
  }
  await page.goto(`${base}/write`);
  await page.locator('input[type=file]').setInputFiles({ name: 'scene.fountain', mimeType: 'text/plain', buffer: Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13]) });
  await page.getByRole('alert').waitFor();
  check('a picture that says it is a script is refused', true);
  forgive('400');
  forgive('415');
  forgive('422');
});

await story('two people at one script lose nothing', async () => {
  const script = { title: 'Shared', cast: { MINA: {} }, items: [{ type: 'line', speaker: 'MINA', text: 'Ours.' }] };
  const made = await (await page.request.post(`${base}/v1/scripts`, { data: { script, source_text: 'MINA: Ours.', source_format: 'text' } })).json();
  await page.goto(`${base}/write/${made.id}`);
  const editor = page.getByLabel('Script', { exact: true });
  await editor.fill('MINA: Mine.');
  const theirs = { ...script, items: [{ ...script.items[0], text: 'Theirs.' }] };
  await page.request.put(`${base}/v1/scripts/${made.id}`, { data: { revision: made.revision, script: theirs, source_text: 'MINA: Theirs.', source_format: 'text' } });
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('changed elsewhere').waitFor();
  await accessible('write-conflict');
  await shoot('write-conflict');
  check('a conflict keeps what was typed', (await editor.inputValue()) === 'MINA: Mine.');
  await page.getByRole('button', { name: 'Load what is stored' }).click();
  await page.waitForFunction(() => document.querySelector('textarea')?.value === 'MINA: Theirs.');
  await page.getByRole('button', { name: 'Undo' }).click();
  check('what was discarded comes back', (await editor.inputValue()) === 'MINA: Mine.');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByRole('button', { name: 'Save what I wrote' }).click();
  await page.getByText('Saved', { exact: true }).waitFor();
  const stored = await json(`/v1/scripts/${made.id}`);
  check('what was typed can win', stored.script.items[0].text === 'Mine.', stored.script.items[0].text);
  await page.request.delete(`${base}/v1/scripts/${made.id}`);
  forgive('409');
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
  // Not what an earlier run on the same server left in the cache of lines.
  const other = `Something else, number ${Date.now() % 100_000}.`;
  await page.getByLabel('Script', { exact: true }).fill(`MINA: Good morning.\nJUN: ${other}`);
  await shoot('write-rendered');
  // At once, without waiting for the text to be read, and with a stream that is refused at first.
  await page.route('**/v1/jobs/*/events', (route) => route.fulfill({ status: 503, body: '' }), { times: 1 });
  await page.getByRole('button', { name: 'Make the sound' }).click();
  await page.getByText('1 lines were kept').waitFor({ timeout: 90_000 });
  forgive('503');
  check('only the changed line is spoken again', true);
  check('what is saved is what was typed last', JSON.stringify(await json(`/v1/scripts/${page.url().split('/').pop()}`)).includes(other));
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
  await page.getByRole('button', { name: 'Delete: Browser test' }).click();
  await page.getByRole('link', { name: 'Write', exact: true }).click();
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByRole('link', { name: 'Library', exact: true }).click();
  await page.getByRole('link', { name: 'Browser test', exact: true }).waitFor();
  check('and from another page', true);
  await page.getByRole('button', { name: 'Delete: Browser test' }).click();
  await page.waitForResponse((answer) => answer.request().method() === 'DELETE');
  check('and is carried out when the time is over', !(await json('/v1/scripts')).items.some((script) => script.title === 'Browser test'));
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
  forgive('net::ERR_FAILED');
});

/** The browser counts every refused request as an error of the page: those that were asked for are none. */
function forgive(what) {
  complaints.splice(0, complaints.length, ...complaints.filter((text) => !(text.startsWith('Failed to load resource') && text.includes(what))));
}

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
