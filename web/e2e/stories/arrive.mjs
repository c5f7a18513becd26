// A new server: visitors look around, and whoever has the one-time link sets it up.

import { accessible, base, check, context, forgive, page, setupLink, shoot, somebodyElse, story } from '../harness.mjs';

export const ADMIN = { name: 'Hana', email: 'hana@example.org', password: 'a lantern on the northern pier' };

export async function signIn(tab, person, back = '/') {
  await tab.goto(`${base}/sign-in?return=${encodeURIComponent(back)}`);
  await tab.getByLabel('E-mail').fill(person.email);
  await tab.getByLabel('Password', { exact: true }).fill(person.password);
  await tab.getByRole('button', { name: 'Sign in', exact: true }).click();
  await tab.getByRole('button', { name: `Menu of ${person.name}` }).waitFor();
}

export default async function ({ demo }) {
  await story('a visitor listens to what is public, and is invited where they may not write', async () => {
    await page.goto(base);
    await page.getByRole('link', { name: demo.title, exact: true }).waitFor();
    check('a visitor sees the public library', true);
    check('a new server says what it waits for', await page.getByText('This server is not set up yet.').isVisible());
    check('a visitor is offered no pen', (await page.getByRole('link', { name: /^Edit/ }).count()) === 0 && (await page.getByRole('button', { name: /^Delete/ }).count()) === 0);
    await accessible('library of a visitor');
    await shoot('visitor-library');
    await page.goto(`${base}/write`);
    await page.getByText('Sign in to write scripts of your own.').waitFor();
    check('a visitor is invited to sign in', (await page.locator('textarea').count()) === 0);
    await accessible('write of a visitor');
    await shoot('visitor-write');
    await page.goto(`${base}/account`);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    check('an own page is asked for after signing in', new URL(page.url()).search === '?return=%2Faccount');
    await page.goto(`${base}/sign-in?return=//elsewhere.example`);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await accessible('sign-in');
    await shoot('sign-in');
  });

  await story('other services are a button away, and say what went wrong', async () => {
    await page.route('**/api/auth/options', async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, json: { ...(await answer.json()), providers: [{ id: 'google', name: 'Google' }] } });
    });
    await page.goto(`${base}/sign-in?return=/write`);
    const to = await page.getByRole('link', { name: 'Continue with Google' }).getAttribute('href');
    check('the button leads to the provider by way of the server', to === '/api/auth/providers/google/start?return_to=%2Fwrite', to);
    await accessible('sign-in with a provider');
    await page.goto(`${base}/sign-in?error=AUTH_LINK_REQUIRED`);
    check('a refusal says what to do', /connect the service/.test(await page.getByRole('alert').innerText()));
    await page.unroute('**/api/auth/options');
  });

  await story('the one-time link makes the first account', async () => {
    await page.goto(`${base}/setup`);
    await page.getByText('Open the one-time link').waitFor();
    check('without the link nothing is set up', (await page.locator('input').count()) === 0);
    const fill = async () => {
      await page.getByLabel('Name').fill(ADMIN.name);
      await page.getByLabel('E-mail').fill(ADMIN.email);
      await page.getByLabel('Password', { exact: true }).fill(ADMIN.password);
      await page.getByRole('button', { name: 'Create the administrator' }).click();
    };
    await page.goto(`${base}/#/setup?token=not-the-one`);
    await page.reload();
    await page.getByLabel('Name').waitFor();
    check('the token does not stay in the address', !page.url().includes('not-the-one'), page.url());
    await accessible('setup');
    await shoot('setup');
    await fill();
    await page.getByRole('alert').waitFor();
    check('a wrong link is refused', /link/.test(await page.getByRole('alert').innerText()));
    forgive('40');
    await page.goto('about:blank');
    await page.goto(setupLink);
    await fill();
    await page.getByRole('button', { name: `Menu of ${ADMIN.name}` }).waitFor();
    check('the one-time link makes the first account', true);
    const cookies = await context.cookies();
    const hidden = ['sori_access', 'sori_refresh'].map((name) => cookies.find((cookie) => cookie.name === name));
    check('no script can read the credential', hidden.every((cookie) => cookie?.httpOnly && cookie.sameSite !== 'None'), cookies.map((cookie) => cookie.name).join(' '));
    check('nothing of it is kept in the storage', await page.evaluate(() => ![...Object.values(localStorage), ...Object.values(sessionStorage)].some((value) => value.length > 60 && /^[\w-]+\.[\w-]+\.|^[\w-]{40,}$/.test(value))));
    const other = await somebodyElse();
    await other.goto(setupLink);
    await other.getByText('This server is set up already.').waitFor();
    check('the link works once', true);
    await other.context().close();
  });

  await story('signing out and in', async () => {
    await page.getByRole('button', { name: `Menu of ${ADMIN.name}` }).click();
    await accessible('menu');
    await shoot('menu');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('link', { name: 'Sign in' }).first().waitFor();
    check('signed out', (await context.cookies(base)).every((cookie) => !cookie.name.startsWith('sori_') || cookie.value === ''));
    await page.goto(`${base}/sign-in`);
    await page.getByLabel('E-mail').fill(ADMIN.email);
    await page.getByLabel('Password', { exact: true }).fill('not the password at all');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByRole('alert').waitFor();
    check('a wrong password is told', (await page.getByLabel('Password', { exact: true }).inputValue()) === '');
    await accessible('sign-in refused');
    await shoot('sign-in-refused');
    forgive('401');
    await signIn(page, ADMIN, '/account');
    await page.waitForURL('**/account');
    check('after signing in it goes on where it was', true);
  });

  await story('a credential that has ended is renewed unseen', async () => {
    const arrives = async () => {
      await page.goto(`${base}/account/devices`);
      await page.getByText('This device').waitFor();
      return (await context.cookies(base)).some((cookie) => cookie.name === 'sori_access' && cookie.value !== '');
    };
    await context.clearCookies({ name: 'sori_access' });
    await page.evaluate(() => localStorage.setItem('sori.session.until', '0'));
    check('before it is asked for', await arrives());
    await context.clearCookies({ name: 'sori_access' });
    check('and after it was refused', await arrives());
    forgive('401');
    check('without a word', (await page.getByRole('alert').count()) === 0);
  });
}
