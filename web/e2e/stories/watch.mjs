// A video is uploaded, watched, refused when there are too many, and deleted.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accessible, base, check, json, page, shoot, story, forgive } from '../harness.mjs';

const play = () => page.getByRole('button', { name: 'Play', exact: true });

export default async function () {
  const folder = mkdtempSync(join(tmpdir(), 'sori-watch-'));
  const file = join(folder, 'Test card.mp4');
  const source = ['-f', 'lavfi', '-i', 'testsrc=size=320x180:rate=25:duration=20', '-f', 'lavfi', '-i', 'sine=frequency=300:duration=20'];
  execFileSync('ffmpeg', ['-v', 'error', ...source, '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-c:a', 'aac', file]);

  await story('a video is uploaded and watched', async () => {
    await page.goto(`${base}/files`);
    await accessible('uploads');
    await page.locator('input[type=file]').setInputFiles(file);
    await page.getByRole('link', { name: 'Test card', exact: true }).click();
    await page.locator('.screen video').waitFor();
    await play().click();
    await page.waitForFunction(() => globalThis.heard?.currentTime > 1 && !globalThis.heard.paused, undefined, { timeout: 60_000 });
    check('the video plays', await page.evaluate(() => globalThis.heard.videoWidth === 320));
    await accessible('watch');
    await shoot('watch');
    await page.locator('body').press('5');
    await page.waitForFunction(() => globalThis.heard.currentTime > 10);
    check('the keys are those of the player', true);
    await page.getByRole('link', { name: 'Library', exact: true }).click();
    await page.locator('.mini').waitFor();
    check('the mini player leads back', (await page.locator('.mini a').getAttribute('href')).startsWith('/watch/'));
    await page.getByRole('heading', { name: 'Go on where I stopped' }).waitFor();
    check('home goes on with it', await page.locator('.resumes a', { hasText: 'Test card' }).isVisible());
    await accessible('home with something begun');
    await page.getByRole('button', { name: 'Stop listening' }).click();
  });

  await story('too many at once is said', async () => {
    const limit = { code: 'STREAM_RATE_LIMITED', message: 'You have more than 3 streams at the same time.', trace_id: 'x' };
    const refuse = (route) => route.fulfill({ status: 429, headers: { 'retry-after': '5' }, contentType: 'application/json', body: JSON.stringify({ error: limit }) });
    const { id } = (await json('/v1/contents?library=mine')).items[0];
    const bytes = new RegExp(`/api/stream/${id}(\\?|/hls)`);
    await page.route(bytes, refuse);
    await page.goto(`${base}/watch/${id}`);
    await play().click();
    await page.getByText('Too many streams at the same time').waitFor();
    check('the reason is the server\'s', await page.getByText(limit.message).isVisible());
    // The list of what plays elsewhere may reach below the player at the bottom, which covers it until it is scrolled.
    await page.getByRole('alert').filter({ hasText: limit.message }).evaluate((alert) => alert.scrollIntoView({ block: 'center' }));
    await accessible('too many streams');
    await shoot('watch-limit');
    await page.unroute(bytes);
    forgive('429');
    await page.locator('.panel').getByRole('button', { name: 'Try again' }).click();
    await page.waitForFunction(() => !globalThis.heard.paused && globalThis.heard.currentTime > 0);
    check('it plays when there is room', true);
    await page.locator('body').press('k');
    await page.goto(`${base}/files`);
    await page.getByRole('button', { name: 'Delete: Test card' }).click();
    const gone = page.waitForResponse((response) => response.request().method() === 'DELETE' && response.url().endsWith(id));
    await page.getByRole('link', { name: 'Library', exact: true }).click();
    check('a deleted upload is gone', (await gone).ok());
  });

  rmSync(folder, { recursive: true });
}
