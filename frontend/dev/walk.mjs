// Walks the console as a person with a keyboard would, and lets axe look at
// every page in both themes. Needs a running backend, as dev/shots.mjs does.
import { AxeBuilder } from '@axe-core/playwright';
import { launch } from './chromium.mjs';

const url = process.env.URL ?? 'http://127.0.0.1:8787';
const user = process.env.LOGIN ?? 'maria.kern@acme';
const password = process.env.PASSWORD ?? 'demo';
const asset = process.env.ASSET ?? 'acme/detroit/body-shop/line-3/cooling-2/P-007';
const name = asset.split('/').at(-1);

let failed = 0;
const check = (what, ok, more = '') => {
  if (!ok) failed++;
  console.log(`${ok ? 'ok  ' : 'FAIL'} ${what} ${ok ? '' : more}`);
};

const browser = await launch();
const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
const page = await context.newPage();
const said = [];
page.on('console', (m) => (m.type() === 'error' || m.type() === 'warning') && said.push(m.text()));
page.on('pageerror', (e) => said.push(e.message));

await page.goto(`${url}/a/${asset}?tab=trend`);
await page.waitForSelector('input[name=username]');
await page.fill('input[name=username]', user);
await page.fill('input[name=password]', 'wrong');
await page.click('button[type=submit]');
await page.waitForFunction(() => document.querySelector('.lg-note')?.textContent !== '');
check('a wrong password is said so', (await page.textContent('.lg-note')).includes('wrong'));
said.length = 0; // the browser reports the 401 itself
await page.fill('input[name=password]', password);
await page.click('button[type=submit]');
await page.waitForSelector('.tr-plot canvas');
check('signing in leads to where one wanted to go', page.url().includes('tab=trend'));

const box = await page.locator('.tr-plot .u-over').first().boundingBox();
await page.mouse.move(box.x + box.width * 0.5, box.y + 30);
await page.mouse.down();
await page.mouse.move(box.x + box.width * 0.8, box.y + 30, { steps: 6 });
await page.mouse.up();
await page.waitForFunction(() => location.search.includes('to='));
check('dragging zooms, and the address says so', /from=2\d{3}-/.test(page.url()));
await page.goBack();
await page.waitForFunction(() => !location.search.includes('to='));
check('back is zoom out', page.url().includes('tab=trend'));

await page.keyboard.press('u');
await page.waitForFunction(() => location.search.includes('tz='));
check('u changes the zone', page.url().includes('tz=me'));

await page.keyboard.press('Control+k');
await page.waitForSelector('.mantine-Spotlight-search');
await page.keyboard.type(`${name} flow`);
await page.waitForFunction(
  (n) => document.querySelector('.mantine-Spotlight-action')?.textContent?.includes(n),
  name,
);
await page.keyboard.press('ArrowDown');
await page.keyboard.press('Enter');
await page.waitForFunction(() => /pens=flow/.test(location.search));
check('the palette plots a tag', page.url().includes('tab=trend'));

await page.keyboard.press('/');
await page.keyboard.type(name);
await page.waitForFunction(() => document.querySelector('.at-foot')?.textContent?.includes('match'));
check('the filter keeps ancestors', (await page.locator('.at-row').count()) > 1);
await page.keyboard.press('Escape');
await page.waitForFunction(() => !document.querySelector('.at-foot')?.textContent?.includes('match'));
await page.keyboard.press('ArrowDown');
await page.keyboard.press('End');
const last = await page
  .waitForFunction(
    () => {
      const grid = document.querySelector('[role=treegrid]');
      const row = document.getElementById(grid.getAttribute('aria-activedescendant'));
      return Number(row?.getAttribute('aria-rowindex')) === Number(grid.getAttribute('aria-rowcount'));
    },
    null,
    { timeout: 5000 },
  )
  .then(() => true)
  .catch(() => false);
check('End goes to the last row of the tree', last);
await page.keyboard.press('Home');
await page.keyboard.press('Enter');
await page.waitForFunction(() => location.pathname.split('/').length === 3);
check('Enter opens the row', true);

for (const theme of ['light', 'dark']) {
  await page.evaluate((x) => localStorage.setItem('lineshaft.theme', x), theme);
  for (const path of [
    '/',
    `/a/${asset}`,
    `/a/${asset}?tab=trend`,
    `/a/${asset}?tab=relations`,
    `/a/${asset}?tab=nameplate`,
    `/a/${asset.split('/').slice(0, -1).join('/')}`,
    '/fleet/devices',
    '/sys/flow',
  ]) {
    await page.goto(url + path);
    await page.waitForTimeout(1500);
    const { violations } = await new AxeBuilder({ page })
      .withTags(['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'])
      .analyze();
    const text = violations
      .map(
        (v) =>
          `\n     ${v.id} (${v.impact}) ×${v.nodes.length}: ${v.nodes
            .slice(0, 3)
            .map((n) => n.target.join(' ') + ' ' + (n.any[0]?.message ?? ''))
            .join(' | ')}`,
      )
      .join('');
    check(`axe ${theme} ${path}`, violations.length === 0, text);
  }
}
check('the console is quiet', said.length === 0, said.join('\n'));

await page.goto(`${url}/`);
await page.waitForSelector('.sg-number');
await context.setOffline(true);
await page.waitForSelector('.bn', { timeout: 60_000 });
check(
  'without the backend the last view stays, with a banner',
  (await page.locator('.sg-number').count()) === 4,
);
await context.setOffline(false);
await page.click('.bn button');
await page.waitForSelector('.bn', { state: 'detached', timeout: 60_000 });
check('it recovers without a reload', true);
await browser.close();
process.exitCode = failed > 0 ? 1 : 0;
