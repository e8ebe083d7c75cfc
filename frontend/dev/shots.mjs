// Takes screenshots of every page in both themes. Needs a running backend (or
// dev/mock.mjs) and Debian's chromium.
//   URL=http://127.0.0.1:8787 USER=admin@acme PASSWORD=demo OUT=/tmp/shots node dev/shots.mjs [name ...]
import { mkdirSync } from 'node:fs';
import { launch } from './chromium.mjs';

const url = process.env.URL ?? 'http://127.0.0.1:8787';
const out = process.env.OUT ?? '/tmp/lineshaft-shots';
const user = process.env.LOGIN ?? 'maria.kern@acme';
const password = process.env.PASSWORD ?? 'demo';
const asset = process.env.ASSET ?? 'acme/detroit/body-shop/line-3/cooling-2/P-007';
const only = process.argv.slice(2);
const sizes = (process.env.SIZES ?? '1440x900,1280x720').split(',').map((s) => s.split('x').map(Number));
const themes = (process.env.THEMES ?? 'light,dark').split(',');

const pages = {
  overview: '/',
  asset: `/a/${asset}`,
  trend: `/a/${asset}?tab=trend&pens=vibration_rms,temp_bearing_de_c,temp_inlet_c,motor_current_a,running`,
  relations: `/a/${asset}?tab=relations`,
  nameplate: `/a/${asset}?tab=nameplate`,
  children: `/a/${asset.split('/').slice(0, -1).join('/')}`,
  site: `/a/${asset.split('/').slice(0, 2).join('/')}`,
  devices: '/fleet/devices',
  flow: '/sys/flow',
  components: '/components',
};

mkdirSync(out, { recursive: true });
const browser = await launch();
let bad = 0;
for (const [width, height] of sizes) {
  for (const theme of themes) {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme });
    const page = await context.newPage();
    page.on('console', (m) => {
      if (m.type() === 'error' || m.type() === 'warning')
        (bad++, console.log(`${theme} console: ${m.text()}`));
    });
    page.on('pageerror', (e) => (bad++, console.log(`${theme} error: ${e.message}`)));
    page.on('request', (r) => {
      if (!r.url().startsWith(url) && !r.url().startsWith('blob:') && !r.url().startsWith('data:'))
        (bad++, console.log(`left the origin: ${r.url()}`));
    });
    await page.goto(`${url}/login`);
    await page.waitForSelector('input');
    await page.waitForTimeout(300);
    if (only.length === 0 || only.includes('login'))
      await page.screenshot({ path: `${out}/login-${theme}-${width}.png` });
    await page.fill('input[name=username]', user);
    await page.fill('input[name=password]', password);
    await page.click('button[type=submit]');
    await page.waitForSelector('.tb');
    for (const [name, path] of Object.entries(pages)) {
      if (only.length > 0 && !only.includes(name)) continue;
      if (name === 'components') await page.setViewportSize({ width, height: Math.max(height, 1152) });
      await page.goto(url + path);
      await page.waitForTimeout(name === 'components' ? 1200 : 2600);
      await page.screenshot({ path: `${out}/${name}-${theme}-${width}.png` });
    }
    await context.close();
  }
}
await browser.close();
if (bad > 0) process.exitCode = 1;
