import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { Asset } from '../../api/types';
import { AnalogBar } from '../../parts/AnalogBar';
import { Section } from '../../parts/Controls';
import { Empty, Problem, Skeleton } from '../../parts/States';
import { UnitText, ValueNote, ValueText } from '../../parts/Value';
import { useClock } from '../../shell/stores';
import type { AssetSearch } from '../../shell/url';
import { t } from '../../shell/words';
import type { Readings } from '../../twin/live';
import { runState, stateTag } from '../../twin/runstate';
import { condition, isAnalog, type Reading, type Tag } from '../../twin/model';

const SHOWN = 10;

interface Props {
  asset: Asset;
  readings: Readings;
  error: Error | null;
  pending: boolean;
}

/** Every tag's newest value on its own scale. */
export function NowPane({ asset, readings, error, pending }: Props) {
  const [all, setAll] = useState(false);
  const now = useClock((s) => s.now);
  const { tags } = asset;
  const setpoints = new Set(
    tags.flatMap((x) => (x.setpoint === undefined || x.setpoint === '' ? [] : [x.setpoint])),
  );
  // A setpoint stands as a caret on the bar it belongs to.
  const rows = tags.filter((x) => !setpoints.has(x.name));
  const shown = all ? rows : rows.slice(0, SHOWN);
  const told = stateTag(tags);
  const idle = runState(told, told === undefined ? undefined : readings[told.name]).drive === 'stopped';
  const none = Object.keys(readings).length === 0;
  return (
    <section className="np" aria-label={t('now.title')}>
      <Section title={t('now.title')} note={t('now.note', { n: shown.length, of: rows.length })}>
        {rows.length > SHOWN && (
          <button type="button" className="link" onClick={() => setAll(!all)}>
            {all ? t('now.fewer') : t('now.all', { n: rows.length })}
          </button>
        )}
      </Section>
      {tags.length === 0 && <Empty title={t('now.notags')} text={t('now.notags.text')} />}
      {none && pending && <Skeleton rows={6} height={46} />}
      {none && error !== null && <Problem error={error} what={t('now.what')} />}
      {tags.length > 0 && !(none && (pending || error !== null)) && (
        <ul>
          {shown.map((tag) => (
            <Row
              key={tag.name}
              tag={tag}
              reading={readings[tag.name]}
              setpoint={tag.setpoint === undefined ? undefined : readings[tag.setpoint]}
              now={now}
              idle={idle}
            />
          ))}
        </ul>
      )}
    </section>
  );
}

function Row({
  tag,
  reading,
  setpoint,
  now,
  idle,
}: {
  tag: Tag;
  reading: Reading | undefined;
  setpoint: Reading | undefined;
  now: number;
  idle: boolean;
}) {
  const state = condition(reading, tag.interval_ms, now);
  const analog = isAnalog(tag);
  return (
    <li className="np-row" title={tag.title}>
      <Link
        to="."
        search={(old: AssetSearch): AssetSearch => ({ ...old, tab: 'trend', pens: tag.name })}
        className="np-name mono ellipsis"
        aria-label={t('now.plot', { tag: tag.name })}
      >
        {tag.name}
      </Link>
      {analog ? (
        <AnalogBar tag={tag} value={reading?.v} setpoint={setpoint?.v} condition={state} />
      ) : (
        <span className="np-nobar" />
      )}
      <span className="np-value">
        <ValueText tag={tag} reading={reading} condition={state} big idle={idle} />
      </span>
      <span className="np-end">
        <UnitText unit={tag.unit} />
        <span className="np-note">
          {reading !== undefined && reading.limit !== '' && state !== 'bad' && (
            <span className="tag">{reading.limit.toUpperCase()}</span>
          )}
          <ValueNote reading={reading} condition={state} now={now} />
        </span>
      </span>
    </li>
  );
}
