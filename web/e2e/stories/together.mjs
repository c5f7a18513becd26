// Two devices of one person: where they stopped, who plays, who goes on; bookmarks, clips, quality.

import { accessible, base, check, forgive, json, page, send, shoot, somebodyElse, story } from '../harness.mjs';
import { ADMIN, signIn } from './arrive.mjs';

const heardMs = (tab) => tab.evaluate(() => globalThis.heard.currentTime * 1000);
const fold = async (tab, name) => tab.locator('summary', { hasText: name }).click();
const saved = (path, method) => page.waitForResponse((response) => response.url().includes(path) && response.request().method() === method);

export default async function ({ demo }) {
  const path = `/listen/${demo.id}`;
  const other = await somebodyElse();
  await signIn(other, ADMIN);
  const play = (tab) => tab.getByRole('button', { name: 'Play', exact: true });

  await story('another device goes on where this one stopped', async () => {
    await page.goto(base + path);
    await play(page).click();
    await page.waitForFunction(() => globalThis.heard?.currentTime > 0.3);
    await page.locator('body').press('3');
    await page.waitForTimeout(500);
    const told = saved('/api/progress/', 'PUT');
    await page.locator('body').press('k');
    await told;
    const here = await heardMs(page);
    const standing = await json(`/api/progress/${demo.id}`);
    check('the place is kept', Math.abs(standing.position * 1000 - here) < 1500, `${standing.position} s, ${Math.round(here)} ms`);
    await other.goto(base + path);
    await other.waitForFunction((ms) => Math.abs(Number(document.querySelector('.position input')?.value) - ms) < 1500, here);
    check('another device begins there', true);
  });

  await story('who plays is seen, and stopped from afar', async () => {
    await other.locator('body').press('5');
    await play(other).click();
    await page.getByText(/^Playing on /).waitFor();
    await accessible('playing elsewhere');
    await shoot('listen-elsewhere');
    await page.getByRole('button', { name: /^Pause / }).last().click();
    await other.waitForFunction(() => globalThis.heard.paused);
    check('a pause from afar', true);
    await page.getByText(/^Playing on /).waitFor({ state: 'detached' });
    const there = await heardMs(other);
    await page.waitForFunction((ms) => Math.abs(Number(document.querySelector('.position input')?.value) - ms) < 1500, there);
    check('a paused player goes along', true);
    await play(other).click();
    await page.getByRole('button', { name: 'Continue here' }).click();
    await other.waitForFunction(() => globalThis.heard.paused);
    await page.waitForFunction(() => !globalThis.heard.paused);
    check('continue here', true);
    await page.locator('body').press('k');
  });

  await story('a place that is older than what stands is asked about', async () => {
    // What this page says comes from before what it has heard of.
    await page.route('**/api/progress/**', (route) => route.continue({ postData: JSON.stringify({ ...route.request().postDataJSON(), base_version: 1 }) }));
    // Both pages may still be saving where they were paused: the phone asks again until it has the last word.
    let phone;
    for (let tries = 0; tries < 20 && !phone?.ok(); tries += 1) {
      const { version } = await json(`/api/progress/${demo.id}`);
      phone = await send('PUT', `/api/progress/${demo.id}`, { position: 20, device_id: 'phone-1', base_version: version, seek: true });
    }
    check('a phone is further', phone.ok(), String(phone.status()));
    await play(page).click();
    const notice = page.getByText(/^You were at /);
    await notice.waitFor();
    check('the person is asked', true, await notice.textContent());
    await page.unroute('**/api/progress/**');
    await page.locator('body').press('k');
    await accessible('conflict');
    await shoot('listen-conflict');
    await page.getByRole('button', { name: 'Stay here' }).click();
    await notice.waitFor({ state: 'detached' });
    forgive('409');
  });

  await story('a span is a bookmark and a clip', async () => {
    await page.locator('body').press('3');
    await page.locator('body').press('a');
    await page.locator('body').press('ArrowRight');
    await page.locator('body').press('b');
    await fold(page, 'Bookmarks');
    await page.getByLabel('Note').fill('the good part');
    await page.getByRole('button', { name: 'Bookmark the span' }).click();
    await page.getByText('the good part').waitFor();
    await page.getByRole('button', { name: /^Delete the bookmark/ }).click();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByText('the good part').waitFor();
    check('a bookmark with a note comes back', (await json(`/api/mypage/bookmarks/?content_id=${demo.id}`)).some((one) => one.note === 'the good part' && one.end_ms > one.start_ms));
    await page.locator('body').press('Escape');
    await page.getByRole('button', { name: /^Go to .*the good part/ }).click();
    check('a bookmark of a span repeats it', await page.getByText(/^Repeating /).isVisible());
    await fold(page, 'Clips');
    await page.getByRole('button', { name: 'Make a clip' }).click();
    await page.getByRole('button', { name: /^Play the clip/ }).waitFor({ timeout: 60_000 });
    await accessible('bookmarks and clips');
    await shoot('listen-bookmarks');
    const link = await page.locator('.marks a').first().getAttribute('href');
    const file = await page.request.get(base + link);
    check('a clip can be kept', file.ok() && (await file.body()).length > 1000, file.headers()['content-disposition']);
    await page.getByRole('button', { name: /^Delete the clip/ }).click();
    await page.locator('body').press('Escape');
  });

  await story('sound in pieces, of the quality that is wanted', async () => {
    await page.locator('select', { has: page.locator('option[value=low]') }).selectOption('low');
    if (!(await page.evaluate(() => globalThis.heard.paused))) await page.locator('body').press('k');
    await page.locator('body').press('0');
    await play(page).click();
    await page.getByText(/^Now \d+ kbit/).waitFor({ timeout: 60_000 });
    await page.waitForFunction(() => globalThis.heard.currentTime > 1 && !globalThis.heard.paused);
    check('it plays in pieces', (await page.evaluate(() => globalThis.heard.src)).startsWith('blob:'));
    await page.locator('select', { has: page.locator('option[value=low]') }).selectOption('file');
    await page.waitForFunction(() => !globalThis.heard.src.startsWith('blob:') && globalThis.heard.currentTime > 1 && !globalThis.heard.paused);
    check('the file goes on where the pieces were', true);
    await page.locator('select', { has: page.locator('option[value=low]') }).selectOption('');
    await page.locator('body').press('k');
  });

  await other.context().close();
}
