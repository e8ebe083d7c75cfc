// Goes from sign-in by way of overview, tree and asset to a trend, as a reliability engineer does. Exits 1 when
// something is not as it must be, after saying what.
//   URL=http://127.0.0.1:8080 LOGIN=admin@acme PASSWORD=… OUT=/tmp/tour node dev/tour.mjs
import { mkdirSync } from 'node:fs';
import { launch } from './chromium.mjs';

const {
  URL: url,
  LOGIN: user,
  PASSWORD: password,
  OUT: out,
  CHROMIUM: path = '/usr/bin/chromium',
} = process.env;
mkdirSync(out, { recursive: true });
const faults = [];
const browser = await launch();

/** A page that notes console errors and requests that leave the origin. */
async function open(theme) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 720 },
    colorScheme: theme,
    locale: 'en-US',
  });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.on('console', (m) => {
    const asked = m.location().url.endsWith('/api/v1/login'); // the wrong password of the tour itself
    if (m.type() === 'error' && !asked) faults.push(`${theme}: console: ${m.text()}`);
  });
  page.on('pageerror', (e) => faults.push(`${theme}: ${e.message}`));
  page.on('request', (r) => {
    if (!r.url().startsWith(url) && !/^(blob|data):/.test(r.url()))
      faults.push(`${theme}: left the origin: ${r.url()}`);
  });
  return { context, page };
}

async function shot(page, name, theme) {
  await page.screenshot({ path: `${out}/${name}-${theme}.png` });
}

async function changes(page, what, read) {
  const first = await read();
  await page
    .waitForFunction((args) => document.querySelector(args.selector)?.textContent !== args.first, {
      selector: what,
      first,
    })
    .catch(() => faults.push(`${what} stands still at ${first}`));
}

async function walk(theme) {
  const { context, page } = await open(theme);
  await page.goto(url);
  await page.fill('input[name=username]', user);
  await page.fill('input[name=password]', 'wrong-on-purpose');
  await page.click('button[type=submit]');
  await page.getByRole('alert').first().waitFor();
  await page.fill('input[name=password]', password);
  await page.click('button[type=submit]');
  await page.getByText('Plant overview').waitFor();
  await page.locator('table').getByText('detroit').first().waitFor();
  await page.locator('table').getByText('rotterdam').first().waitFor();
  await page.waitForTimeout(1500);
  await shot(page, 'overview', theme);

  await page.getByRole('link', { name: 'Assets' }).first().click();
  const tree = page.getByRole('treegrid');
  await tree.waitFor();
  await page.locator('[data-filter]').fill('P-007');
  await tree.getByText('P-007', { exact: true }).click();
  await page.getByRole('heading', { name: 'P-007' }).waitFor();
  await page.locator('.np-row').first().waitFor();
  const value = '.np-row:has(a[aria-label*="flow_m3h"]) .np-value';
  await changes(page, value, () => page.locator(value).textContent());
  await shot(page, 'asset', theme);

  await page
    .getByRole('link', { name: /^Plot .*vibration_rms|vibration_rms/ })
    .first()
    .click();
  await page.waitForURL(/tab=trend/);
  await page.locator('.tr-plot canvas').first().waitFor();
  const drawn = await page.waitForFunction(() => {
    const c = document.querySelector('.tr-plot canvas');
    const d = c?.getContext('2d')?.getImageData(0, 0, c.width, c.height).data;
    return d !== undefined && d.some((v) => v !== 0);
  });
  if (!(await drawn.jsonValue())) faults.push('the trend drew nothing');
  await page.waitForTimeout(800);
  await shot(page, 'trend', theme);
  const link = page.url();
  await page.reload();
  await page.locator('.tr-plot canvas').first().waitFor();
  if (page.url() !== link) faults.push(`a reload led from ${link} to ${page.url()}`);

  await context.close();
}

for (const theme of ['light', 'dark'])
  await walk(theme).catch((e) => faults.push(`${theme}: ${e.message.split('\n').slice(0, 12).join(' ')}`));
await browser.close();
for (const f of faults) console.log(f);
console.log(faults.length === 0 ? 'tour passed' : `tour failed: ${faults.length} faults`);
process.exitCode = faults.length === 0 ? 0 : 1;
