// The library in all its states.

import { accessible, base, check, context, forgive, json, page, shoot, story } from '../harness.mjs';

export default async function ({ demo, rendering }) {
  await story('the library shows the demo with its sound', async () => {
    await page.goto(base);
    await page.getByRole('heading', { name: 'Library' }).waitFor();
    await page.getByRole('link', { name: demo.title, exact: true }).waitFor();
    check('the library shows the demo with its sound', await page.getByRole('button', { name: `Play: ${demo.title}` }).isEnabled());
    check('the demo is a dialogue of four voices', rendering.lines.length >= 12 && new Set(rendering.lines.map((line) => line.voice)).size === 4);
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

  await story('an unreachable server is told', async () => {
    await page.route('**/v1/scripts?*', (route) => route.abort());
    await page.goto(base);
    await page.getByRole('alert').waitFor();
    await accessible('library-error');
    check('an unreachable server is told', true);
    await page.unroute('**/v1/scripts?*');
    forgive('net::ERR_FAILED');
  });

  await story('the language is switched by its button', async () => {
    await page.goto(base);
    await page.getByRole('button', { name: '한국어' }).click();
    await page.getByRole('heading', { name: '라이브러리' }).waitFor();
    check('the page says that it is Korean', (await page.evaluate(() => document.documentElement.lang)) === 'ko');
    await page.reload();
    await page.getByRole('button', { name: 'English' }).click();
    await page.getByRole('heading', { name: 'Library' }).waitFor();
    check('and English again', (await page.evaluate(() => document.documentElement.lang)) === 'en');
  });

  await story('the page may load nothing but its own', async () => {
    const policy = (await page.request.get(base)).headers()['content-security-policy'] ?? '';
    const of = (name) => new RegExp(`(?:^|; *)${name} ([^;]*)`).exec(policy)?.[1]?.trim() ?? '';
    const scripts = of('script-src') || of('default-src');
    check('scripts come from here alone', scripts.includes("'self'") && !/unsafe|\*|https?:/.test(scripts), policy);
    check('nobody frames the page', of('frame-ancestors') === "'none'" && of('object-src') === "'none'" && of('base-uri') !== '', policy);
  });
}
