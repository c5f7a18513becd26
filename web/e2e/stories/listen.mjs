// A script is heard: marks, keys, repeats, downloads, the mini player.

import { accessible, base, check, json, page, send, shoot, story } from '../harness.mjs';

const TYPES = {
  mp3: /^audio\/mpeg/,
  wav: /^audio\/(x-)?wav/,
  flac: /^audio\/flac/,
  opus: /^audio\/ogg/,
  m4a: /^audio\/mp4/,
  vtt: /^text\/vtt/,
  srt: /^(application\/x-subrip|text\/plain)/,
  ass: /^text\/(x-ssa|plain)/,
  json: /^application\/json/,
  textgrid: /^text\/plain/,
};

const seconds = () => page.evaluate(() => performance.now() / 1000);
const clock = () => page.locator('.times span').first().textContent();
const play = () => page.getByRole('button', { name: 'Play', exact: true });

export default async function ({ demo, rendering }) {
  await story('the highlighted word is the one that is heard', async () => {
    await page.goto(base);
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
    await page.locator('body').press('ArrowUp');
    await page.waitForFunction((line) => Number(document.querySelector('li[aria-current]')?.dataset.line) === line, marked);
    check('up goes to the line before', true);
    await page.locator('body').press(' ');
    await page.waitForFunction(() => !globalThis.heard.paused);
    await page.locator('body').press(' ');
    check('Space plays and pauses', await page.evaluate(() => globalThis.heard.paused));
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
      const response = await page.request.get(`${base}${url}${url.includes('?') ? '&' : '?'}download=true`);
      const last = url.split('?')[0].split('/').pop();
      const name = response.headers()['content-disposition'] ?? '';
      const ending = last.replace('textgrid', 'TextGrid');
      const named = name.startsWith('attachment; ') && name.includes(`filename*=UTF-8''${encodeURIComponent(rendering.title)}.${ending}`);
      const type = response.headers()['content-type'] ?? '';
      check(`download ${url.split('?')[0].split('/').slice(-2).join(' ')}`, response.status() === 200 && named && TYPES[last]?.test(type) && (await response.body()).length > 100, `${type} ${name.slice(0, 60)}`);
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

  await story('the script is one stop of the Tab key, and arrows go through it', async () => {
    await page.goto(`${base}/listen/${demo.id}`);
    await page.locator('.word').first().waitFor();
    const stops = await page.locator('.script .word[tabindex="0"]').count();
    check('the script is one stop of the Tab key', stops === 1, `${stops} stops`);
    await page.locator('.script .word[tabindex="0"]').focus();
    const at = () => page.evaluate(() => [Number(document.activeElement.closest('[data-line]')?.dataset.line), [...document.activeElement.parentElement.children].indexOf(document.activeElement)].join(':'));
    const walk = [];
    for (const key of ['ArrowRight', 'ArrowRight', 'ArrowDown', 'ArrowRight', 'ArrowUp', 'End', 'Home']) {
      await page.keyboard.press(key);
      walk.push(await at());
    }
    const last = rendering.lines[0].words.length - 1;
    check('arrows go by word and by line', walk.join(' ') === `0:1 0:2 1:0 1:1 0:0 0:${last} 0:0`, walk.join(' '));
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    const due = Math.floor(rendering.lines[1].start_ms / 1000);
    check('Enter hears the word', (await clock()).endsWith(`:${String(due % 60).padStart(2, '0')}`), await clock());
  });

  await story('a phone shows one play button at a time', async () => {
    await page.setViewportSize({ width: 360, height: 800 });
    await page.goto(`${base}/listen/${demo.id}`);
    await play().waitFor();
    const shown = () => page.locator('button[aria-label="Play"]:visible').count();
    await page.waitForFunction(() => document.querySelectorAll('.mini').length === 0);
    check('the panel alone while it is seen', (await shown()) === 1);
    await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
    await page.locator('.mini').waitFor();
    check('the bar when the panel is scrolled away', (await page.locator('.mini').count()) === 1);
    await page.setViewportSize({ width: 1280, height: 800 });
  });

  await story('a translation is shown by T', async () => {
    const script = {
      title: 'Translated',
      cast: { MINA: { voice: 'hibari:heart' } },
      items: [{ type: 'line', speaker: 'MINA', text: 'This is in two languages.', translation: '두 언어로 되어 있어요.' }],
    };
    const { id } = await (await send('POST', '/v1/scripts', { script })).json();
    await send('POST', `/v1/scripts/${id}/render`, { formats: ['mp3'] });
    for (let tries = 0; tries < 120 && !(await json(`/v1/scripts/${id}`)).rendering_id; tries++) await page.waitForTimeout(250);
    await page.goto(`${base}/listen/${id}`);
    await page.locator('.word').first().waitFor();
    check('no translation at first', !(await page.getByText('두 언어로 되어 있어요.').isVisible()));
    await page.locator('body').press('t');
    check('T shows the translation', await page.getByText('두 언어로 되어 있어요.').isVisible());
    await page.locator('body').press('t');
    check('T hides it', !(await page.getByText('두 언어로 되어 있어요.').isVisible()));
    await send('DELETE', `/v1/scripts/${id}`);
  });
}
