import { t } from '../../shell/words';
import { between, measure, readingAt, type Cursors } from '../../twin/cursor';
import { formatDelta, formatNumber } from '../../twin/format';
import { isAnalog, valueWord } from '../../twin/model';
import type { Series } from '../../twin/series';
import { formatStamp, formatTime } from '../../twin/time';
import { unitLabel } from '../../twin/unit';
import { PenLine } from './PenPicker';
import type { Pen } from './pens';
import type { Ghosts } from './useGhosts';

interface Props {
  pens: readonly Pen[];
  series: ReadonlyMap<string, Series>;
  span: { from: number; to: number };
  /** Where the pointer is. */
  cursor: number | null;
  cursors: Cursors;
  ghosts: Ghosts | null;
  zone: string;
}

/** What the pens say in numbers; the trend's twin for those who cannot see it. */
export function PenTable({ pens, series, span, cursor, cursors, ghosts, zone }: Props) {
  const { a, b } = cursors;
  const over = between(cursors) === null ? undefined : t('pens.over');
  return (
    <div className="pt">
      <table className="table">
        <thead>
          <tr>
            <th>{t('pens.pen')}</th>
            {a === null && b === null && <th>{t('pens.title')}</th>}
            <th>{t('pens.unit')}</th>
            <th className="num pt-cursor">
              {cursor === null ? t('pens.newest') : formatStamp(cursor, zone)}
            </th>
            {a !== null && <th className="num">{t('pens.at', { name: 'A', time: formatTime(a, zone) })}</th>}
            {b !== null && <th className="num">{t('pens.at', { name: 'B', time: formatTime(b, zone) })}</th>}
            {a !== null && b !== null && (
              <>
                <th className="num">{t('pens.delta')}</th>
                <th className="num">{t('pens.slope')}</th>
              </>
            )}
            <th className="num" title={over}>
              {t('pens.min')}
            </th>
            <th className="num" title={over}>
              {t('pens.mean')}
            </th>
            {ghosts !== null && (
              <th className="num" title={ghosts.label}>
                {t('pens.versus', { when: t(`vs.short.${ghosts.vs}`) })}
              </th>
            )}
            <th className="num" title={over}>
              {t('pens.max')}
            </th>
            <th className="num" title={over}>
              {t('pens.good')}
            </th>
            <th className="num">{t('pens.gaps')}</th>
            <th>{t('pens.resolution')}</th>
          </tr>
        </thead>
        <tbody>
          {pens.map((p) => (
            <Row
              key={p.tag.name}
              pen={p}
              series={series.get(p.tag.name)}
              span={span}
              cursor={cursor}
              cursors={cursors}
              ghosts={ghosts}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface RowProps {
  pen: Pen;
  series: Series | undefined;
  span: Props['span'];
  cursor: number | null;
  cursors: Cursors;
  ghosts: Ghosts | null;
}

function Row({ pen, series, span, cursor, cursors, ghosts }: RowProps) {
  const { tag } = pen;
  const { a, b } = cursors;
  const analog = isAnalog(tag);
  const m = series === undefined ? undefined : measure(series, cursors, span);
  const before = ghosts?.series.get(tag.name);
  const mean = before === undefined ? null : measure(before, cursors, span).mean;
  const num = (v: number | null | undefined) => (v == null || !analog ? '–' : formatNumber(v, tag.decimals));
  const change = (v: number | null | undefined) =>
    v == null || !analog ? '–' : formatDelta(v, tag.decimals);
  // Of thinned readings the extremes are exact, what counts them is not.
  const near = series === undefined || series.resolution === 'raw' ? '' : '≈ ';
  const thinned = near === '' ? undefined : t('pens.thinned');
  const newest = series?.ts.at(-1);
  const at = cursor ?? newest;
  return (
    <tr>
      <td title={tag.title}>
        <span className="pt-pen">
          <PenLine color={pen.color} dash={pen.dash} /> <span className="mono">{tag.name}</span>
        </span>
      </td>
      {a === null && b === null && <td className="muted">{tag.title}</td>}
      <td className="muted">{unitLabel(tag.unit)}</td>
      <td className="num strong">
        {word(series === undefined || at === undefined ? null : readingAt(series, at), pen)}
      </td>
      {a !== null && <td className="num">{word(m?.a, pen)}</td>}
      {b !== null && <td className="num">{word(m?.b, pen)}</td>}
      {a !== null && b !== null && (
        <>
          <td className="num strong">{change(m?.delta)}</td>
          <td className="num">{change(m?.slope)}</td>
        </>
      )}
      <td className="num">{num(m?.min)}</td>
      <td className="num" title={thinned}>
        {m?.mean == null || !analog ? '–' : near + num(m.mean)}
      </td>
      {ghosts !== null && (
        <td className="num">{change(mean === null || m?.mean == null ? null : m.mean - mean)}</td>
      )}
      <td className="num">{num(m?.max)}</td>
      <td className="num" title={thinned}>
        {m?.good == null ? '–' : near + formatNumber(m.good * 100, 1)}
      </td>
      <td className={series !== undefined && series.gaps.length > 0 ? 'num strong' : 'num muted'}>
        {series?.gaps.length ?? '–'}
      </td>
      <td className="muted">{series?.resolution ?? '–'}</td>
    </tr>
  );
}

function word(v: number | null | undefined, { tag }: Pen): string {
  if (v == null) return '–';
  return isAnalog(tag) ? formatNumber(v, tag.decimals) : valueWord(tag.type === 'bool' ? v === 1 : v, tag);
}
