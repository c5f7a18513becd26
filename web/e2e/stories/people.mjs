// People come in, keep things to themselves, share them, and are shown out.

import { accessible, base, check, forgive, json, page, send, shoot, somebodyElse, story } from '../harness.mjs';
import { signIn } from './arrive.mjs';

const MINA = { name: 'Mina', email: 'mina@example.org', password: 'a river runs past the old mill' };
const JUN = { name: 'Jun', email: 'jun@example.org', password: 'seven lanterns over the harbour' };

async function signUp(tab, person) {
  await tab.goto(`${base}/sign-up`);
  await tab.getByLabel('Name').fill(person.name);
  await tab.getByLabel('E-mail').fill(person.email);
  await tab.getByLabel('Password', { exact: true }).fill(person.password);
  await tab.getByRole('button', { name: 'Create account' }).click();
}

async function approve(person) {
  await page.goto(`${base}/admin`);
  const card = page.locator('.person', { hasText: person.email });
  await card.getByRole('button', { name: 'Approve' }).click();
  await card.getByText('Active', { exact: true }).waitFor();
}

export default async function () {
  const mina = await somebodyElse();
  const jun = await somebodyElse();
  let script;

  await story('somebody signs up, waits, and is let in', async () => {
    await signUp(mina, MINA);
    await mina.getByRole('heading', { name: 'Waiting for approval' }).waitFor();
    await accessible('waiting', mina);
    await shoot('waiting', mina);
    await mina.goto(`${base}/sign-in`);
    await mina.getByLabel('E-mail').fill(MINA.email);
    await mina.getByLabel('Password', { exact: true }).fill(MINA.password);
    await mina.getByRole('button', { name: 'Sign in', exact: true }).click();
    await mina.getByText('Waiting for approval').waitFor();
    check('until then signing in says so', true);
    forgive('403');
    await signUp(jun, JUN);
    await jun.getByRole('heading', { name: 'Waiting for approval' }).waitFor();
    await page.goto(`${base}/admin`);
    await page.locator('.person', { hasText: MINA.email }).waitFor();
    await accessible('admin with waiting accounts');
    await shoot('admin-waiting');
    await approve(MINA);
    await approve(JUN);
    await signIn(mina, MINA);
    await signIn(jun, JUN);
    check('an approved account signs in', true);
    await mina.goto(`${base}/admin`);
    await mina.getByText('This account may not do that.').waitFor();
    check('a learner is not shown the administration', (await mina.locator('.person').count()) === 0);
    const asked = await mina.request.get(`${base}/api/admin/accounts`);
    check('nor told by the server', asked.status() === 403, String(asked.status()));
  });

  await story('what is private is seen by nobody else', async () => {
    await mina.goto(`${base}/write`);
    await mina.getByLabel('Title', { exact: true }).fill('Diary of Mina');
    await mina.getByLabel('Script', { exact: true }).fill('MINA: Nobody reads this.');
    await mina.getByLabel('Voice of MINA', { exact: true }).selectOption('hibari:heart');
    await mina.getByRole('button', { name: 'Make the sound' }).click();
    await mina.locator('.render[data-status="succeeded"]').waitFor({ timeout: 90_000 });
    script = (await json('/v1/scripts?limit=100', mina)).items.find((one) => one.title === 'Diary of Mina');
    await mina.goto(base);
    await mina.getByRole('button', { name: 'Mine', exact: true }).click();
    await mina.getByRole('link', { name: 'Diary of Mina', exact: true }).waitFor();
    check('it is among her own', true);
    await jun.goto(base);
    await jun.locator('.card').first().waitFor();
    check('it is not in the library of another', (await jun.getByText('Diary of Mina').count()) === 0);
    await jun.goto(`${base}/listen/${script.id}`);
    await jun.getByRole('alert').waitFor();
    const urls = [`/v1/scripts/${script.id}`, `/v1/renderings/${script.rendering_id}`];
    // Without its signature, which stands for her whoever holds it.
    const [audio] = (await json(urls[1], mina)).audio[0].url.split('?');
    const answers = await Promise.all([...urls, audio].map((url) => jun.request.get(base + url)));
    check('nor at its address, nor its sound', answers.every((answer) => answer.status() === 404), answers.map((answer) => answer.status()).join(' '));
    forgive('404');
  });

  await story('what is shared is seen by those it is shared with', async () => {
    await mina.goto(base);
    await mina.getByRole('button', { name: 'Share: Diary of Mina' }).click();
    await mina.getByRole('dialog').waitFor();
    await accessible('sharing', mina);
    await mina.getByLabel('People I invite').check();
    await mina.getByLabel('E-mail of the person to invite').fill(JUN.email);
    await mina.getByRole('button', { name: 'Invite' }).click();
    await mina.getByRole('dialog').getByText(JUN.email).waitFor();
    await shoot('sharing', mina);
    check('only editors make things public', await mina.getByLabel('Everybody on this server').isDisabled());
    await mina.getByRole('button', { name: 'Close' }).click();
    await jun.goto(base);
    await jun.getByRole('button', { name: 'Shared with me' }).click();
    await jun.getByRole('link', { name: 'Diary of Mina', exact: true }).waitFor();
    check('it is among what is shared with him', (await jun.getByRole('button', { name: 'Delete: Diary of Mina' }).count()) === 0);
    await jun.goto(`${base}/listen/${script.id}`);
    await jun.locator('.word').first().waitFor();
    check('he listens to it', true);
    await mina.goto(`${base}/listen/${script.id}`);
    await mina.getByRole('button', { name: 'Share', exact: true }).click();
    await mina.getByRole('button', { name: /^Stop sharing with/ }).click();
    await mina.getByText('Nobody is invited yet.').waitFor();
    check('and no more when she takes it back', (await jun.request.get(`${base}/v1/scripts/${script.id}`)).status() === 404);
  });

  await story('a key works until it is revoked', async () => {
    await mina.goto(`${base}/account/keys`);
    await mina.getByLabel('Name of the key').fill('lesson builder');
    await mina.getByRole('button', { name: 'Create key' }).click();
    const secret = await mina.getByLabel('New key', { exact: true }).inputValue();
    await accessible('a new key', mina);
    const asked = () => fetch(`${base}/v1/scripts/${script.id}`, { headers: { authorization: `Bearer ${secret}` } });
    check('a key opens what its owner may see', /^sori_/.test(secret) && (await asked()).status === 200, secret.slice(0, 8));
    await mina.getByRole('button', { name: 'I have it. Close' }).click();
    await mina.reload();
    await mina.getByRole('button', { name: 'Revoke lesson builder' }).waitFor();
    check('it is shown once', !(await mina.content()).includes(secret));
    await mina.getByRole('button', { name: 'Revoke lesson builder' }).click();
    await mina.getByText('Revoked: lesson builder').waitFor();
    check('a revoked key opens nothing', (await asked()).status === 401);
  });

  await story('a password is changed and reset', async () => {
    await mina.goto(`${base}/account`);
    await mina.getByLabel('Current password').fill(MINA.password);
    MINA.password = 'the old mill runs no more';
    await mina.getByLabel('New password').fill(MINA.password);
    await mina.getByRole('button', { name: 'Change password' }).click();
    await mina.getByText('The password is changed.').waitFor();
    check('a password is changed', true);
    await page.goto(`${base}/admin`);
    await page.getByRole('button', { name: 'Reset link for Jun' }).click();
    const link = await page.getByLabel('Reset link', { exact: true }).inputValue();
    await jun.goto('about:blank');
    await jun.goto(link);
    JUN.password = 'eight lanterns over the harbour';
    await jun.getByLabel('New password').fill(JUN.password);
    await accessible('reset', jun);
    await jun.getByRole('button', { name: 'Change password' }).click();
    await jun.getByText('Sign in with the new one.').waitFor();
    check('a password is reset by a link', !jun.url().includes(link.split('=').pop()));
    await signIn(jun, JUN);
  });

  await story('what was typed outlives being signed out', async () => {
    const phone = await somebodyElse();
    await signIn(phone, MINA, '/write');
    await phone.getByLabel('Script', { exact: true }).fill('MINA: Not yet saved.');
    await mina.goto(`${base}/account/devices`);
    await mina.locator('.card').nth(1).waitFor();
    await accessible('devices', mina);
    await mina.getByRole('button', { name: 'Sign out everywhere' }).click();
    await mina.getByRole('link', { name: 'Sign in' }).first().waitFor();
    check('signed out here', true);
    await phone.getByLabel('Script', { exact: true }).fill('MINA: Not yet saved, and more.');
    await phone.getByRole('heading', { name: 'Sign in' }).waitFor();
    check('and on the other device, at its next step', phone.url().endsWith('return=%2Fwrite'), phone.url());
    await phone.getByLabel('E-mail').fill(JUN.email);
    await phone.getByLabel('Password', { exact: true }).fill(JUN.password);
    await phone.getByRole('button', { name: 'Sign in', exact: true }).click();
    await phone.getByLabel('Script', { exact: true }).waitFor();
    check('another person finds nothing of it', (await phone.getByLabel('Script', { exact: true }).inputValue()) === '');
    await phone.getByRole('button', { name: 'Menu of Jun' }).click();
    await phone.getByRole('button', { name: 'Sign out' }).click();
    await phone.getByRole('link', { name: 'Sign in' }).first().waitFor();
    await signIn(phone, MINA, '/write');
    await phone.getByLabel('Script', { exact: true }).waitFor();
    check('what was typed is still there', (await phone.getByLabel('Script', { exact: true }).inputValue()) === 'MINA: Not yet saved, and more.');
    await phone.context().close();
    forgive('401');
  });

  await story('too many tries are told to wait', async () => {
    await mina.route('**/api/auth/sign-in', (route) => route.fulfill({ status: 429, headers: { 'retry-after': '42' }, json: { error: { code: 'RATE_LIMITED', message: 'Too many tries.', trace_id: 'trace-of-the-test' } } }));
    await mina.goto(`${base}/sign-in`);
    await mina.getByLabel('E-mail').fill(MINA.email);
    await mina.getByLabel('Password', { exact: true }).fill('something else entirely');
    await mina.getByRole('button', { name: 'Sign in', exact: true }).click();
    await mina.getByText(/Please try again in 4[0-2] seconds/).waitFor();
    check('too many tries are told to wait', true);
    await accessible('wait', mina);
    await mina.unroute('**/api/auth/sign-in');
    forgive('429');
  });

  await story('an account takes its data along and goes', async () => {
    await signIn(mina, MINA, '/account');
    const data = await json('/api/me/export', mina);
    check('the export holds the person and the script', JSON.stringify(data).includes(MINA.email) && JSON.stringify(data).includes('Nobody reads this.'));
    await mina.getByRole('button', { name: 'Delete the account' }).click();
    const last = mina.getByRole('button', { name: 'Delete for ever' });
    check('a deletion has to be typed', await last.isDisabled());
    await accessible('deletion', mina);
    await shoot('deletion', mina);
    await mina.getByLabel(/^To confirm/).fill(MINA.email);
    await last.click();
    await mina.getByRole('link', { name: 'Sign in' }).first().waitFor();
    const left = await send('GET', `/v1/scripts/${script.id}`);
    check('and takes the scripts with it', left.status() === 404, String(left.status()));
    await page.goto(`${base}/admin/audit`);
    await page.locator('tbody tr').nth(5).waitFor();
    check('all of this is in the audit log', (await page.locator('tbody').innerText()).includes(JUN.email));
    await page.goto(`${base}/admin`);
    await page.locator('.person', { hasText: JUN.email }).getByRole('button', { name: 'Suspend' }).click();
    await page.locator('.person', { hasText: JUN.email }).getByText('Suspended').waitFor();
    check('a suspended account is shut out at once', (await jun.request.get(`${base}/api/me`)).status() !== 200);
  });

  await mina.context().close();
  await jun.context().close();
}
