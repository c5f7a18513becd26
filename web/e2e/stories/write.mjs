// A script is written, imported, quarrelled over, voiced.

import { accessible, base, check, forgive, json, page, send, shoot, story } from '../harness.mjs';
const play = () => page.getByRole('button', { name: 'Play', exact: true });

export default async function ({ demo, rendering }) {
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
      await send('DELETE', `/v1/scripts/${id}`);
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
    const made = await (await send('POST', '/v1/scripts', { script, source_text: 'MINA: Ours.', source_format: 'text' })).json();
    await page.goto(`${base}/write/${made.id}`);
    const editor = page.getByLabel('Script', { exact: true });
    await editor.fill('MINA: Mine.');
    const theirs = { ...script, items: [{ ...script.items[0], text: 'Theirs.' }] };
    await send('PUT', `/v1/scripts/${made.id}`, { revision: made.revision, script: theirs, source_text: 'MINA: Theirs.', source_format: 'text' });
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
    await send('DELETE', `/v1/scripts/${made.id}`);
    forgive('409');
  });

  await story('a script is written, voiced and heard', async () => {
    await page.goto(`${base}/write`);
    await page.getByLabel('Title', { exact: true }).fill('Browser test');
    await page.getByLabel('Script', { exact: true }).fill('MINA: Good morning.\nJUN: Hello there.\nMINA: It rained all night long.\nJUN: And I have slept like a stone.');
    await page.getByLabel('Voice of MINA', { exact: true }).waitFor();
    await page.reload();
    check('a draft survives a reload', (await page.getByLabel('Script', { exact: true }).inputValue()).includes('Hello there'));
    await page.getByLabel('Voice of MINA', { exact: true }).selectOption('hibari:heart');
    await page.getByLabel('Voice of JUN', { exact: true }).selectOption('bm_george');
    await shoot('write-light-1280');
    // What the bar shows, from the first to the last.
    await page.evaluate(() => {
      globalThis.progress = [];
      new MutationObserver(() => {
        const bar = document.querySelector('.render progress');
        const shown = `${bar?.value ?? '-'} ${document.querySelector('.render .note')?.textContent ?? ''}`;
        if (globalThis.progress.at(-1) !== shown) globalThis.progress.push(shown);
      }).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
    });
    const make = page.getByRole('button', { name: 'Make the sound' });
    check('making the sound is in reach', await make.evaluate((button) => button.getBoundingClientRect().bottom <= innerHeight));
    await make.click();
    await page.locator('.render[data-status="succeeded"]').waitFor({ timeout: 90_000 });
    const values = (await page.evaluate(() => globalThis.progress)).map((shown) => Number(shown.split(' ')[0])).filter((value) => !Number.isNaN(value));
    check('the progress is seen moving', new Set(values).size >= 3 && values.every((value, n) => n === 0 || value >= values[n - 1]), values.join(' '));
    const first = await json(`/v1/scripts/${page.url().split('/').pop()}`);
    const spoken = (await json(`/v1/renderings/${first.rendering_id}`)).lines.map((line) => line.voice);
    check('two speakers have two voices', spoken[0] === 'hibari:heart' && spoken[1] === 'bm_george', spoken.join(' '));
    // Not what an earlier run on the same server left in the cache of lines.
    const other = `Something else, number ${Date.now() % 100_000}.`;
    await page.getByLabel('Script', { exact: true }).fill(`MINA: Good morning.\nJUN: ${other}`);
    await shoot('write-rendered');
    // At once, without waiting for the text to be read, and with a stream that is refused at first.
    await page.route('**/v1/jobs/*/events', (route) => route.fulfill({ status: 503, body: '' }), { times: 1 });
    await page.getByRole('button', { name: 'Make the sound' }).click();
    await page.getByText('1 line was kept').waitFor({ timeout: 90_000 });
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
}
