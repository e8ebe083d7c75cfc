import { useQuery } from '@tanstack/react-query';
import { historyQuery, overviewQuery } from '../../api/queries';
import type { Overview } from '../../api/types';
import { Async } from '../../parts/States';
import { useClock, useLink } from '../../shell/stores';
import { useRange } from '../../shell/url';
import { t } from '../../shell/words';
import { formatAge, formatNumber } from '../../twin/format';
import { DeadLettersPane, GapsPane, GatewaysPane } from './Side';
import { Signals } from './Signals';
import { Sites } from './Sites';
import { Worst } from './Worst';
import { allSignalTags } from './signaltags';
import './overview.css';

/** The whole plant at a glance: is data coming, from where, and who is worst off. */
export function OverviewPage() {
  const query = useQuery(overviewQuery);
  return (
    <main className="ov">
      <Async query={query} what={t('overview.what')} rows={14}>
        {(o) => <Loaded overview={o} />}
      </Async>
    </main>
  );
}

function Loaded({ overview }: { overview: Overview }) {
  const { range } = useRange();
  const ids = [overview.enterprise.id, ...overview.sites.map((s) => s.id)];
  const tags = allSignalTags(ids);
  const history = useQuery(historyQuery({ tags, ...range, points: 166 }, 30_000)).data;
  return (
    <>
      <header className="ov-title">
        <h1>{t('overview.title')}</h1>
        <Checked overview={overview} />
      </header>
      <Signals overview={overview} history={history} />
      <section className="ov-sites">
        <Sites sites={overview.sites} history={history} />
      </section>
      <section className="ov-worst">
        <Worst rows={overview.worst} />
      </section>
      <section className="ov-side">
        <GatewaysPane />
        <GapsPane />
        <DeadLettersPane />
      </section>
    </>
  );
}

function Checked({ overview }: { overview: Overview }) {
  const now = useClock((s) => s.now);
  const lost = useLink((s) => s.stream.kind === 'lost' || s.downSince !== null);
  const { newest, tags_checked: count } = overview;
  const age = newest === null ? null : formatAge(now - Date.parse(newest));
  return (
    <small className={lost ? 'ov-stale' : undefined}>
      {age === null
        ? t('overview.none', { count: formatNumber(count) })
        : t('overview.checked', { count: formatNumber(count), age })}
    </small>
  );
}
