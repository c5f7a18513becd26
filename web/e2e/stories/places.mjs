// Every place, looked at by a machine and photographed for people.

import { accessible, base, check, page, send, shoot, somebodyElse, story } from '../harness.mjs';

/** One place in both schemes and widths; what moves stands still. */
async function look(tab, language, places) {
  const wide = [];
  for (const scheme of ['light', 'dark']) {
    await tab.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    for (const width of [360, 1280]) {
      await tab.setViewportSize({ width, height: 800 });
      for (const [place, path] of Object.entries(places)) {
        await tab.goto(base + path);
        await tab.locator('h1').waitFor();
        await tab.locator('.skeleton').first().waitFor({ state: 'detached' });
        if (place === 'edit') await tab.locator('.castlist').waitFor();
        const name = `${place}-${language}-${scheme}-${width}`;
        await accessible(name, tab);
        await shoot(name, tab);
        const over = await tab.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        if (over > 0) wide.push(`${name} by ${over} px`);
      }
    }
  }
  check(`nothing is wider than the screen (${language}: ${Object.keys(places).join(', ')})`, wide.length === 0, wide.join(', '));
  const lang = await tab.evaluate(() => document.documentElement.lang);
  check(`the page says that it is in ${language}`, lang === language && (await tab.title()).length > 0, lang);
}

export default async function ({ demo }) {
  const own = {
    library: '/',
    listen: `/listen/${demo.id}`,
    write: '/write',
    edit: `/write/${demo.id}`,
    account: '/account',
    devices: '/account/devices',
    keys: '/account/keys',
    admin: '/admin',
    audit: '/admin/audit',
    alerts: '/admin/alerts',
    files: '/files',
  };
  const visitors = { visit: '/', invited: '/write', 'sign-in': '/sign-in', 'sign-up': '/sign-up', setup: '/setup', reset: '/reset' };

  await story('every place is accessible in both languages, light and dark, wide and narrow', async () => {
    const visitor = await somebodyElse();
    await visitor.goto(base);
    for (const language of ['ko', 'en']) {
      await send('PATCH', '/api/me', { language });
      await look(page, language, own);
      await visitor.evaluate((chosen) => localStorage.setItem('sori.language', chosen), language);
      await look(visitor, language, visitors);
    }
    await visitor.context().close();
  });
}
