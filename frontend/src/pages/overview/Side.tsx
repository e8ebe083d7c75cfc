import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { deadLettersQuery, devicesQuery, gapsQuery } from '../../api/queries';
import { Section } from '../../parts/Controls';
import { Async } from '../../parts/States';
import { causeWord } from '../../parts/trend/marksof';
import { useTopic } from '../../shell/live';
import { useClock } from '../../shell/stores';
import { t } from '../../shell/words';
import { formatAge, formatNumber } from '../../twin/format';

// Where data comes from and where it got stuck: the pipeline beside the plant.

export function GatewaysPane() {
  useTopic('devices');
  const query = useQuery(devicesQuery({ kind: 'gateway' }));
  const now = useClock((s) => s.now);
  return (
    <section className="sd">
      <Async query={query} what={t('gateways.what')} rows={3}>
        {({ items }) => (
          <>
            <Section
              title={t('gateways.title')}
              note={t('gateways.note', { n: items.filter((d) => d.online).length, of: items.length })}
            >
              <Link to="/fleet/devices" search={(old) => ({ ...old, kind: 'gateway' })} className="link">
                {t('nav.fleet')}
              </Link>
            </Section>
            <table className="table sd-table">
              <thead>
                <tr>
                  <th>{t('gateways.name')}</th>
                  <th className="num">{t('gateways.unsent')}</th>
                  <th className="num">{t('gateways.seen')}</th>
                </tr>
              </thead>
              <tbody>
                {items.slice(0, 6).map((d) => (
                  <tr key={d.device_id} className={d.online ? undefined : 'strong'}>
                    <td className="mono">{d.device_id}</td>
                    <td className={d.unsent != null && d.unsent > 0 ? 'num' : 'num muted'}>
                      {d.unsent == null ? '–' : formatNumber(d.unsent)}
                    </td>
                    <td className="num plain muted">
                      {d.online
                        ? t('device.online')
                        : d.last_seen === null
                          ? t('device.never')
                          : t('device.silent', { age: formatAge(now - Date.parse(d.last_seen)) })}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </>
        )}
      </Async>
    </section>
  );
}

export function GapsPane() {
  const query = useQuery(gapsQuery(true));
  const now = useClock((s) => s.now);
  return (
    <section className="sd">
      <Async query={query} what={t('gaps.what')} rows={2}>
        {({ items }) => (
          <>
            <Section title={t('gaps.title')} note={t('gaps.open', { count: items.length })}>
              <Link to="/sys/flow" className="link">
                {t('nav.system')}
              </Link>
            </Section>
            {items.length === 0 ? (
              <p className="sd-calm">{t('gaps.none')}</p>
            ) : (
              <ul className="sd-list">
                {items.slice(0, 4).map((g) => (
                  <li key={g.id}>
                    <span className="mono">{g.device_id}</span>
                    <span className="ink2 ellipsis">{causeWord(g.cause)}</span>
                    <span className="right">
                      {t('gap.messages', { count: g.count })}
                      <span className="muted"> · {formatAge(now - Date.parse(g.detected))}</span>
                    </span>
                  </li>
                ))}
              </ul>
            )}
          </>
        )}
      </Async>
    </section>
  );
}

export function DeadLettersPane() {
  const query = useQuery(deadLettersQuery());
  const now = useClock((s) => s.now);
  return (
    <section className="sd">
      <Async query={query} what={t('dead.what')} rows={2}>
        {({ groups }) => (
          <>
            <Section title={t('dead.title')} note={t('dead.note', { count: groups.length })} />
            {groups.length === 0 ? (
              <p className="sd-calm">{t('dead.none')}</p>
            ) : (
              <ul className="sd-list">
                {groups.slice(0, 5).map((g) => (
                  <li key={g.fingerprint}>
                    <span>{g.reason}</span>
                    <span className="muted ellipsis">{g.device_type}</span>
                    <span className="right">
                      {formatNumber(g.count)}
                      <span className="muted"> · {formatAge(now - Date.parse(g.last))}</span>
                    </span>
                  </li>
                ))}
              </ul>
            )}
          </>
        )}
      </Async>
    </section>
  );
}
