// Says how much the first page costs, gzipped, and fails above the budget.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const dist = new URL('../dist/', import.meta.url);
const read = (path) => readFileSync(new URL(`.${path}`, dist));
const html = read('/index.html').toString();
const files = [...html.matchAll(/(?:src|href)="(\/[^"]+\.(?:js|css))"/g)].map((m) => m[1]);
const sum = (ext) =>
  files.filter((f) => f.endsWith(ext)).reduce((n, f) => n + gzipSync(read(f), { level: 9 }).length, 0) / 1000;
const [js, css] = [sum('.js'), sum('.css')];
console.log(`initial JS ${js.toFixed(1)} kB gz (budget 250), CSS ${css.toFixed(1)} kB gz (budget 45)`);
if (js > 250 || css > 45) process.exitCode = 1;
