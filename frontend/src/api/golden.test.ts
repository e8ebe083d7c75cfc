import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { splitLines } from '../twin/series';
import { buildTree, pathOf } from '../twin/tree';
import { toProblem } from './call';
import { readReported, readSeries } from './read';
import type { History, Overview, TreeAnswer, Twin } from './types';

// The backend's tests write these answers; the console must be able to read
// the very same files.

function golden(name: string): unknown {
  return JSON.parse(
    readFileSync(new URL(`../../../backend/api/testdata/${name}.json`, import.meta.url), 'utf8'),
  );
}

describe('answers of the backend', () => {
  it('history becomes lines with their gaps', () => {
    const h = golden('history') as History;
    expect(h.series.length).toBeGreaterThan(0);
    for (const s of h.series.map(readSeries)) {
      expect(s.ts).toHaveLength(s.v.length);
      expect(s.ts).toHaveLength(s.q.length);
      for (const g of s.gaps) expect(g.to).toBeGreaterThan(g.from);
      for (const b of s.backfilled) expect(b.arrived).not.toBeNaN();
      expect(splitLines(s).ts.length).toBeGreaterThanOrEqual(s.ts.length);
    }
  });

  it('the tree stands in depth-first order', () => {
    const tree = buildTree(golden('tree') as TreeAnswer);
    expect(tree.size).toBeGreaterThan(0);
    for (let i = 0; i < tree.size; i++) expect(pathOf(tree, i)).toHaveLength((tree.depth[i] ?? 0) + 1);
  });

  it('a twin has readings with instants', () => {
    const readings = readReported((golden('twin') as Twin).reported);
    expect(Object.keys(readings).length).toBeGreaterThan(0);
    for (const r of Object.values(readings)) expect(r.ts).not.toBeNaN();
  });

  it('the overview names the asset that holds its signals', () => {
    const o = golden('overview') as Overview;
    expect(o.enterprise.id).not.toBe('');
    expect(Object.keys(o.signals).sort()).toEqual(['connectivity', 'errors', 'freshness', 'throughput']);
  });

  it('a refusal names field and value', () => {
    const p = toProblem(422, golden('invalid'));
    expect(p.errors.length).toBeGreaterThan(0);
    expect(p.errors[0]?.field).not.toBe('');
    expect(p.request_id).not.toBe('');
    expect(toProblem(404, golden('not_found')).title).not.toBe('');
    expect(toProblem(502, null).title).toBe('HTTP 502');
  });
});
