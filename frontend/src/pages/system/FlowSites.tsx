import { useQuery } from '@tanstack/react-query';
import { flowQuery } from '../../api/queries';
import { Section } from '../../parts/Controls';
import { Async } from '../../parts/States';
import { cx } from '../../parts/cx';
import { t, type Word } from '../../shell/words';
import { formatNumber } from '../../twin/format';

const sinkWords: Record<string, Word> = { live: 'flow.sink.live', historian: 'flow.sink.historian' };

/** What comes from each site, and how far behind each sink is. */
export function FlowSites() {
  const query = useQuery(flowQuery);
  return (
    <section className="fw-part fw-top">
      <Section title={t('flow.title')} />
      <div className="fw-rows" tabIndex={0} role="region" aria-label={t('flow.title')}>
        <Async query={query} what={t('flow.what')} rows={3}>
          {(flow) => (
            <>
              <dl className="fw-sinks">
                {flow.sinks.map((s) => {
                  const word = sinkWords[s.name];
                  return (
                    <div key={s.name}>
                      <dt>{word === undefined ? s.name : t(word)}</dt>
                      <dd className={cx(s.messages > 0 && 'strong')}>
                        {s.messages === 0 && s.records === 0
                          ? t('flow.caughtup')
                          : t('flow.behind', { messages: formatNumber(s.messages) })}
                      </dd>
                    </div>
                  );
                })}
                <div>
                  <dt>{t('flow.refused')}</dt>
                  <dd>{formatNumber(flow.refused)}</dd>
                </div>
                <div>
                  <dt>{t('flow.dropped')}</dt>
                  <dd className={cx(flow.dropped > 0 && 'strong')}>{formatNumber(flow.dropped)}</dd>
                </div>
              </dl>
              <table className="table sticky">
                <thead>
                  <tr>
                    <th>{t('flow.site')}</th>
                    <th className="num">{t('flow.rate')}</th>
                    <th className="num">{t('flow.messages')}</th>
                    <th className="num">{t('flow.readings')}</th>
                    <th className="num">{t('flow.duplicates')}</th>
                    <th className="num">{t('flow.letters')}</th>
                    <th className="num">{t('flow.opengaps')}</th>
                    <th className="num">{t('flow.missing')}</th>
                    <th className="num">{t('flow.buffered')}</th>
                  </tr>
                </thead>
                <tbody>
                  {flow.sites.map((s) => (
                    <tr key={s.site}>
                      <td className="strong">{s.site === '' ? t('flow.nosite') : s.site}</td>
                      <td className="num">{formatNumber(s.per_second, 1)}</td>
                      <td className="num">{formatNumber(s.messages)}</td>
                      <td className="num">{formatNumber(s.readings)}</td>
                      <td className="num muted">{formatNumber(s.duplicates)}</td>
                      <td className={cx('num', s.letters > 0 && 'strong')}>{formatNumber(s.letters)}</td>
                      <td className={cx('num', s.open_gaps > 0 && 'strong')}>{formatNumber(s.open_gaps)}</td>
                      <td className={cx('num', s.missing > 0 && 'strong')}>{formatNumber(s.missing)}</td>
                      <td className="num">{formatNumber(s.buffered)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </>
          )}
        </Async>
      </div>
    </section>
  );
}
