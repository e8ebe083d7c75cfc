import { Link, useNavigate } from '@tanstack/react-router';
import type { WorstRow } from '../../api/types';
import { AnalogBar } from '../../parts/AnalogBar';
import { Section } from '../../parts/Controls';
import { Empty } from '../../parts/States';
import { cx } from '../../parts/cx';
import { useClock } from '../../shell/stores';
import { assetLink } from '../../shell/url';
import { t } from '../../shell/words';
import { formatDuration, formatNumber, formatShort } from '../../twin/format';
import { numeric } from '../../twin/model';
import { unitLabel } from '../../twin/unit';

/** The assets that went furthest towards, or beyond, a limit. */
export function Worst({ rows: all }: { rows: WorstRow[] }) {
  // What sites and the enterprise measure of themselves stands above already.
  const rows = all.filter((r) => r.level !== 'site' && r.level !== 'enterprise');
  const beyond = rows.filter((r) => r.limit_state !== '').length;
  return (
    <>
      <Section title={t('worst.title')} note={t('worst.note', { n: rows.length, beyond })}>
        <Link {...assetLink('')} className="link">
          {t('worst.all')}
        </Link>
      </Section>
      {rows.length === 0 ? (
        <Empty title={t('worst.empty')} text={t('worst.empty.text')} />
      ) : (
        <table className="table wt">
          <thead>
            <tr>
              <th>{t('worst.asset')}</th>
              <th>{t('worst.class')}</th>
              <th>{t('worst.path')}</th>
              <th>{t('worst.tag')}</th>
              <th>{t('worst.where')}</th>
              <th className="num">{t('worst.value')}</th>
              <th>{t('worst.against')}</th>
              <th className="num">{t('worst.since')}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((r) => (
              <Row key={`${r.id}:${r.tag}`} row={r} />
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

function against(r: WorstRow): string {
  const v = numeric(r.v);
  if (r.limit !== null && r.limit_state !== '')
    return `${r.limit_state.startsWith('h') ? '≥' : '≤'} ${r.limit_state.toUpperCase()} ${formatShort(r.limit)}`;
  if (v !== null && r.normal.high != null && v > r.normal.high) return `> ${formatShort(r.normal.high)}`;
  if (v !== null && r.normal.low != null && v < r.normal.low) return `< ${formatShort(r.normal.low)}`;
  return '';
}

function Row({ row: r }: { row: WorstRow }) {
  const navigate = useNavigate();
  const now = useClock((s) => s.now);
  const link = assetLink(r.path, { tab: 'trend', pens: r.tag });
  const v = numeric(r.v);
  const high = r.normal.high != null && v !== null && v > r.normal.high;
  const limits = r.limit === null ? {} : high ? { hihi: r.limit } : { lolo: r.limit };
  return (
    <tr className={cx('go', r.limit_state !== '' && 'strong')} onClick={() => void navigate(link)}>
      <td className="mono">
        <Link {...link} onClick={(e) => e.stopPropagation()}>
          {r.name}
        </Link>
      </td>
      <td className="plain">{r.class}</td>
      <td className="plain muted ellipsis wt-path">{r.path.split('/').slice(1, -1).join(' / ')}</td>
      <td className="mono">{r.tag}</td>
      <td>
        <AnalogBar tag={{ range: {}, normal: r.normal, limits }} value={r.v} condition="good" width={120} />
      </td>
      <td className="num">
        {v === null ? '–' : formatNumber(v, r.decimals)} <span className="vl-unit">{unitLabel(r.unit)}</span>
      </td>
      <td className="plain muted">{against(r)}</td>
      <td className="num plain muted">
        {r.since === null ? '–' : formatDuration(now - Date.parse(r.since))}
      </td>
    </tr>
  );
}
