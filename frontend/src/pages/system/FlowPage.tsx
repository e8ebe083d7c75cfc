import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { deadLettersQuery, gapsQuery } from '../../api/queries';
import type { DeadLetter, GapRow } from '../../api/types';
import { Section, Segmented } from '../../parts/Controls';
import { Async, Empty } from '../../parts/States';
import { cx } from '../../parts/cx';
import { causeWord } from '../../parts/trend/marksof';
import { useZone } from '../../shell/url';
import { t } from '../../shell/words';
import { formatBytes, formatNumber } from '../../twin/format';
import { payloadText } from '../../twin/payload';
import { formatStamp } from '../../twin/time';
import { FlowSites } from './FlowSites';
import { LetterPreview } from './LetterPreview';
import './flow.css';

/** How messages move, and where those went that did not arrive: the ledger's holes and the dead letters. */
export function FlowPage() {
  return (
    <main className="fw">
      <FlowSites />
      <Gaps />
      <DeadLetters />
    </main>
  );
}

type Which = 'all' | 'open';

function Gaps() {
  const [which, setWhich] = useState<Which>('all');
  const query = useQuery(gapsQuery(which === 'open' ? true : undefined, 500));
  const { zone } = useZone();
  return (
    <section className="fw-part">
      <Section
        title={t('gaps.title')}
        note={query.data === undefined ? '' : t('gaps.note', { count: query.data.items.length })}
      >
        <Segmented<Which>
          label={t('gaps.title')}
          value={which}
          options={[
            { value: 'all', label: t('gaps.all') },
            { value: 'open', label: t('gaps.onlyopen') },
          ]}
          onChange={setWhich}
        />
      </Section>
      <div className="fw-rows" tabIndex={0} role="region" aria-label={t('gaps.title')}>
        <Async query={query} what={t('gaps.what')}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title={t('gaps.none')} text={t('gaps.none.text')} />
            ) : (
              <table className="table sticky">
                <thead>
                  <tr>
                    <th>{t('devices.id')}</th>
                    <th>{t('flow.channel')}</th>
                    <th>{t('flow.cause')}</th>
                    <th className="num">{t('flow.from')}</th>
                    <th className="num">{t('flow.to')}</th>
                    <th className="num">{t('flow.messages')}</th>
                    <th className="num">{t('flow.missing')}</th>
                    <th className="num">{t('flow.detected')}</th>
                    <th>{t('flow.healed')}</th>
                  </tr>
                </thead>
                <tbody>
                  {items.map((g) => (
                    <GapLine key={g.id} gap={g} zone={zone} />
                  ))}
                </tbody>
              </table>
            )
          }
        </Async>
      </div>
    </section>
  );
}

function GapLine({ gap: g, zone }: { gap: GapRow; zone: string }) {
  const open = g.healed_at == null;
  return (
    <tr className={cx(open && 'strong')}>
      <td className="mono">{g.device_id}</td>
      <td className="mono plain muted">{g.channel}</td>
      <td>{causeWord(g.cause)}</td>
      <td className="num mono plain">{g.from_seq}</td>
      <td className="num mono plain">{g.to_seq}</td>
      <td className="num">{formatNumber(g.count)}</td>
      <td className="num">{formatNumber(g.missing)}</td>
      <td className="num plain muted">{formatStamp(Date.parse(g.detected), zone)}</td>
      <td className="plain muted">{healState(g, zone)}</td>
    </tr>
  );
}

/** Open, asked for, gone for good; or since when it is filled, and how. */
function healState(g: GapRow, zone: string): string {
  if (g.healed_at != null) {
    const how = g.healed_how === undefined ? '' : t(`flow.healed.${g.healed_how}`);
    return `${formatStamp(Date.parse(g.healed_at), zone)} ${how}`;
  }
  if (g.gone > 0 && g.gone === g.missing) return t('flow.gone');
  return g.asked_at == null ? t('flow.open') : t('flow.asked');
}

function DeadLetters() {
  const query = useQuery(deadLettersQuery(500));
  const { zone } = useZone();
  const [chosen, setChosen] = useState<string | null>(null);
  return (
    <section className="fw-part">
      <Section
        title={t('dead.title')}
        note={query.data === undefined ? '' : t('dead.shown', { count: query.data.items.length })}
      />
      <div className="fw-rows" tabIndex={0} role="region" aria-label={t('dead.title')}>
        <Async query={query} what={t('dead.what')}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title={t('dead.none')} text={t('dead.none.text')} />
            ) : (
              <table className="table sticky">
                <thead>
                  <tr>
                    <th>{t('flow.received')}</th>
                    <th>{t('flow.reason')}</th>
                    <th>{t('flow.detail')}</th>
                    <th>{t('devices.id')}</th>
                    <th>{t('flow.topic')}</th>
                    <th className="num">{t('flow.size')}</th>
                    <th className="num">{t('flow.times')}</th>
                  </tr>
                </thead>
                <tbody>
                  {items.map((d) => (
                    <Letter
                      key={d.id}
                      letter={d}
                      zone={zone}
                      open={d.id === chosen}
                      onToggle={() => setChosen(d.id === chosen ? null : d.id)}
                    />
                  ))}
                </tbody>
              </table>
            )
          }
        </Async>
      </div>
    </section>
  );
}

interface LetterProps {
  letter: DeadLetter;
  zone: string;
  open: boolean;
  onToggle: () => void;
}

function Letter({ letter: d, zone, open, onToggle }: LetterProps) {
  return (
    <>
      <tr className="go" aria-selected={open} onClick={onToggle}>
        <td className="muted">
          <button type="button" aria-expanded={open} onClick={(e) => (e.stopPropagation(), onToggle())}>
            {formatStamp(Date.parse(d.received), zone)}
          </button>
        </td>
        <td className="strong">{d.reason}</td>
        <td className="ellipsis fw-detail" title={d.detail}>
          {d.detail}
        </td>
        <td className="mono">{d.device_id ?? '–'}</td>
        <td className="mono muted ellipsis fw-topic" title={d.topic}>
          {d.topic}
        </td>
        <td className="num muted">{formatBytes(d.size)}</td>
        <td className="num">{formatNumber(d.count ?? 1)}</td>
      </tr>
      {open && (
        <tr>
          <td colSpan={7} className="fw-payload">
            <p className="fw-full">{d.detail}</p>
            <LetterPreview id={d.id} />
            <pre className="mono">{payloadText(d.payload_base64, 4000)}</pre>
          </td>
        </tr>
      )}
    </>
  );
}
