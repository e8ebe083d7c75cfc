import { useSearch } from '@tanstack/react-router';
import { lazy, Suspense, useMemo, useRef, useState } from 'react';
import type { Asset } from '../../api/types';
import { Segmented } from '../../parts/Controls';
import { Empty, Problem, Skeleton } from '../../parts/States';
import { CursorBand } from '../../parts/trend/CursorBand';
import { useSpan, useRange, type AssetSearch } from '../../shell/url';
import { t } from '../../shell/words';
import type { Readings } from '../../twin/live';
import { isAnalog } from '../../twin/model';
import { fixedRange, presetLabel, presetOf, presets } from '../../twin/range';
import { ExportButton } from './ExportButton';
import { PenPicker } from './PenPicker';
import { PenTable } from './PenTable';
import { groupPens, type Fit, type Pen } from './pens';
import { TrendCompare } from './TrendCompare';
import { useElementHeight } from './useElementHeight';
import { useCursors } from './useCursors';
import { useGhosts } from './useGhosts';
import { useHistory } from './useHistory';

const TrendStack = lazy(() =>
  import('../../parts/trend/TrendStack').then((m) => ({ default: m.TrendStack })),
);

const MAX_PENS = 12;
const AXIS = 52; // px

/** Chosen tags over a chosen range; the address holds both. */
export function TrendTab({ asset, readings, zone }: { asset: Asset; readings: Readings; zone: string }) {
  const search: AssetSearch = useSearch({ strict: false });
  const { range, set } = useRange();
  const span = useSpan();
  const [fit, setFit] = useState<Fit>('limits');
  const [cursor, setCursor] = useState<number | null>(null);
  const { cursors, place, clear, onKey } = useCursors(span, cursor);
  const pens = useMemo(() => choose(asset, search.pens), [asset, search.pens]);
  const { series, pending, error, refetch, fetching } = useHistory(
    asset.id,
    pens.map((p) => p.tag.name),
    readings,
    1200,
  );
  const ghosts = useGhosts(
    asset.id,
    pens.map((p) => p.tag.name),
    search.vs,
    span,
    zone,
  );
  const host = useRef<HTMLDivElement>(null);
  const height = useElementHeight(host, 420);
  const plots = useMemo(
    () => groupPens({ asset: asset.id, pens, series, span, zone, fit, readings, cursors, ghosts }),
    [asset.id, pens, series, span, zone, fit, readings, cursors, ghosts],
  );
  const lanes = plots.filter((p) => p.height !== undefined);
  const fixed = lanes.reduce((sum, p) => sum + (p.height ?? 0) + 6, 0);
  const each = Math.max(
    100,
    Math.floor((height - 44 - fixed - plots.length * 6) / Math.max(1, plots.length - lanes.length)),
  );
  const preset = presetOf(range);
  if (asset.tags.length === 0) return <Empty title={t('now.notags')} text={t('now.notags.text')} />;
  return (
    <div className="tt">
      <div className="tt-bar">
        <PenPicker asset={asset} pens={pens} max={MAX_PENS} />
        <span className="tt-space" />
        <Segmented
          label={t('range.title')}
          value={preset}
          options={presets.map((p) => ({ value: p, label: presetLabel(p) }))}
          onChange={(p) => set({ from: `now-${p}`, to: 'now' })}
        />
        <Segmented<Fit>
          label={t('trend.fit')}
          value={fit}
          options={[
            { value: 'limits', label: t('trend.fit.limits') },
            { value: 'data', label: t('trend.fit.data') },
          ]}
          onChange={setFit}
        />
        <TrendCompare vs={search.vs} />
        <ExportButton asset={asset} tags={pens.map((p) => p.tag.name)} span={span} />
      </div>
      <div
        className="tt-plots"
        ref={host}
        aria-busy={fetching}
        role="group"
        aria-label={t('cursor.keys')}
        tabIndex={0}
        onKeyDown={onKey}
      >
        {error !== null && series.size === 0 ? (
          <Problem error={error} what={t('trend.what')} onRetry={() => void refetch()} />
        ) : pens.length === 0 ? (
          <Empty title={t('trend.nopens')} text={t('trend.nopens.text')} />
        ) : pending ? (
          <Skeleton rows={8} />
        ) : (
          <Suspense fallback={<Skeleton rows={8} />}>
            <CursorBand cursors={cursors} view={span} axisWidth={AXIS} onClear={clear} />
            <TrendStack
              plots={plots}
              height={each}
              syncKey={`tab ${asset.id}`}
              axisWidth={AXIS}
              unit
              onZoom={(a, b) => set(fixedRange(a, b))}
              onCursor={setCursor}
              onPick={(at, other) => place(other ? 'b' : 'a', at)}
            />
          </Suspense>
        )}
      </div>
      <PenTable
        pens={pens}
        series={series}
        span={span}
        cursor={cursor}
        cursors={cursors}
        ghosts={ghosts}
        zone={zone}
      />
    </div>
  );
}

/** The pens of the address; without any, the first two tags that have limits. */
function choose(asset: Asset, wanted: string | undefined): Pen[] {
  const names = wanted?.split(',').filter((n) => n !== '');
  const analog = asset.tags.filter(isAnalog);
  const watched = analog.filter((x) =>
    Object.values(x.limits as Record<string, unknown>).some((l) => l != null),
  );
  const tags =
    names === undefined
      ? (watched.length > 0 ? watched : analog.length > 0 ? analog : asset.tags).slice(0, 2)
      : names.flatMap((n) => asset.tags.find((x) => x.name === n) ?? []);
  return tags.slice(0, MAX_PENS).map((tag, i) => ({ tag, color: i % 6, dash: i >= 6 }));
}
