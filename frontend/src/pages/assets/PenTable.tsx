import { t } from '../../shell/words';
import { formatNumber } from '../../twin/format';
import { isAnalog, valueWord } from '../../twin/model';
import { indexBefore, summarise, type Series } from '../../twin/series';
import { formatStamp } from '../../twin/time';
import { unitLabel } from '../../twin/unit';
import { PenLine } from './PenPicker';
import type { Pen } from './pens';

interface Props {
  pens: readonly Pen[];
  series: ReadonlyMap<string, Series>;
  span: { from: number; to: number };
  cursor: number | null;
  zone: string;
}

/** What the pens say in numbers; the trend's twin for those who cannot see it. */
export function PenTable({ pens, series, span, cursor, zone }: Props) {
  return (
    <div className="pt">
      <table className="table">
        <thead>
          <tr>
            <th>{t('pens.pen')}</th>
            <th>{t('pens.title')}</th>
            <th className="num pt-cursor">
              {cursor === null ? t('pens.newest') : formatStamp(cursor, zone)}
            </th>
            <th>{t('pens.unit')}</th>
            <th className="num">{t('pens.min')}</th>
            <th className="num">{t('pens.mean')}</th>
            <th className="num">{t('pens.max')}</th>
            <th className="num">{t('pens.good')}</th>
            <th className="num">{t('pens.gaps')}</th>
            <th>{t('pens.resolution')}</th>
          </tr>
        </thead>
        <tbody>
          {pens.map((p) => (
            <Row key={p.tag.name} pen={p} series={series.get(p.tag.name)} span={span} cursor={cursor} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({
  pen,
  series,
  span,
  cursor,
}: {
  pen: Pen;
  series: Series | undefined;
  span: Props['span'];
  cursor: number | null;
}) {
  const { tag } = pen;
  const analog = isAnalog(tag);
  const sum = series === undefined ? undefined : summarise(series, span.from, span.to);
  const num = (v: number | null | undefined) => (v == null || !analog ? '–' : formatNumber(v, tag.decimals));
  return (
    <tr>
      <td>
        <span className="pt-pen">
          <PenLine color={pen.color} dash={pen.dash} /> <span className="mono">{tag.name}</span>
        </span>
      </td>
      <td className="muted">{tag.title}</td>
      <td className="num strong">{at(series, cursor, pen)}</td>
      <td className="muted">{unitLabel(tag.unit)}</td>
      <td className="num">{num(sum?.min)}</td>
      <td className="num">{num(sum?.mean)}</td>
      <td className="num">{num(sum?.max)}</td>
      <td className="num">{sum?.good == null ? '–' : formatNumber(sum.good * 100, 1)}</td>
      <td className={series !== undefined && series.gaps.length > 0 ? 'num strong' : 'num muted'}>
        {series?.gaps.length ?? '–'}
      </td>
      <td className="muted">{series?.resolution ?? '–'}</td>
    </tr>
  );
}

function at(series: Series | undefined, cursor: number | null, pen: Pen): string {
  if (series === undefined) return '–';
  const i = cursor === null ? series.ts.length - 1 : indexBefore(series.ts, cursor);
  const v = series.v[i];
  // Nothing is read off inside a gap.
  const inGap = cursor !== null && series.gaps.some((g) => cursor > g.from && cursor < g.to);
  if (v == null || inGap) return '–';
  return isAnalog(pen.tag)
    ? formatNumber(v, pen.tag.decimals)
    : valueWord(pen.tag.type === 'bool' ? v === 1 : v, pen.tag);
}
