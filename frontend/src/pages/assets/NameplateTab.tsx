import { useQuery } from '@tanstack/react-query';
import { classesQuery } from '../../api/queries';
import type { Asset, Twin } from '../../api/types';
import { Section } from '../../parts/Controls';
import { t } from '../../shell/words';
import { formatShort } from '../../twin/format';
import { unitLabel } from '../../twin/unit';

/** What the asset is by its plate, and which tags it has. */
export function NameplateTab({ asset, twin }: { asset: Asset; twin: Twin | undefined }) {
  const cls = useQuery(classesQuery).data?.items.find((c) => c.name === asset.class);
  const plate = twin?.nameplate ?? asset.nameplate;
  const fields = cls?.nameplate ?? [];
  const known = fields.map((f) => ({ name: f.title ?? f.name, unit: f.unit ?? '', v: plate[f.name] }));
  const extra = Object.entries(plate)
    .filter(([k]) => !fields.some((f) => f.name === k))
    .map(([k, v]) => ({ name: k, unit: '', v }));
  return (
    <div className="nt">
      <section>
        <Section title={t('plate.title')} note={cls?.title ?? asset.class} />
        <dl className="nt-plate">
          <Fact name={t('plate.path')} value={asset.path} />
          <Fact name={t('plate.id')} value={asset.id} />
          {[...known, ...extra].map((f) => (
            <Fact
              key={f.name}
              name={f.name}
              value={f.v == null ? '–' : `${String(f.v as string | number)} ${unitLabel(f.unit)}`}
            />
          ))}
        </dl>
      </section>
      <section>
        <Section title={t('plate.tags')} note={String(asset.tags.length)} />
        <table className="table">
          <thead>
            <tr>
              <th>{t('worst.tag')}</th>
              <th>{t('relations.title')}</th>
              <th>{t('plate.type')}</th>
              <th>{t('pens.unit')}</th>
              <th className="num">{t('plate.range')}</th>
              <th className="num">{t('plate.normal')}</th>
              <th className="num">LOLO</th>
              <th className="num">LO</th>
              <th className="num">HI</th>
              <th className="num">HIHI</th>
              <th className="num">{t('plate.interval')}</th>
            </tr>
          </thead>
          <tbody>
            {asset.tags.map((tag) => (
              <tr key={tag.name}>
                <td className="mono">{tag.name}</td>
                <td>{tag.title}</td>
                <td className="muted">{tag.states.length > 0 ? tag.states.join(', ') : tag.type}</td>
                <td className="muted">{unitLabel(tag.unit)}</td>
                <td className="num">{band(tag.range)}</td>
                <td className="num">{band(tag.normal)}</td>
                <td className="num">{limit(tag.limits.lolo)}</td>
                <td className="num">{limit(tag.limits.lo)}</td>
                <td className="num">{limit(tag.limits.hi)}</td>
                <td className="num">{limit(tag.limits.hihi)}</td>
                <td className="num muted">
                  {tag.interval_ms > 0 ? `${formatShort(tag.interval_ms / 1000)} s` : t('plate.onchange')}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </div>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className="mono">{value}</dd>
    </div>
  );
}

const limit = (v: number | null | undefined) => (v == null ? '–' : formatShort(v));

function band(b: { low?: number | null | undefined; high?: number | null | undefined }): string {
  if (b.low == null && b.high == null) return '–';
  return `${limit(b.low)} … ${limit(b.high)}`;
}
