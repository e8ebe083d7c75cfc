import type { Asset, Twin } from '../../api/types';
import { LevelBadge, StateTag } from '../../parts/Controls';
import { EquipmentSymbol } from '../../parts/Symbol';
import { cx } from '../../parts/cx';
import { useClock } from '../../shell/stores';
import { t } from '../../shell/words';
import { formatAge, formatNumber } from '../../twin/format';
import { isMachine } from '../../twin/level';
import type { Readings } from '../../twin/live';
import { numeric } from '../../twin/model';
import { runState, stateTag } from '../../twin/runstate';

interface Props {
  asset: Asset;
  twin: Twin | undefined;
  readings: Readings;
  symbol: string;
}

/** What it is and whether we can believe what is below. */
export function AssetHeader({ asset, twin, readings, symbol }: Props) {
  const now = useClock((s) => s.now);
  const tag = stateTag(asset.tags);
  const { word, drive } = runState(tag, tag === undefined ? undefined : readings[tag.name]);
  const newest = Object.values(readings).reduce((m, r) => Math.max(m, r.ts), 0);
  const hours = asset.tags.find((x) => x.name.startsWith('run_hours'));
  const ran = hours === undefined ? null : numeric(readings[hours.name]?.v ?? null);
  const device = twin?.device ?? null;
  return (
    <header className="ah">
      <div className="ah-name">
        <EquipmentSymbol name={symbol} drive={drive} size={24} />
        <h1 className={cx(isMachine(asset.level) && 'ah-id')}>{asset.name}</h1>
        <span className="ah-title ellipsis">{asset.title}</span>
        <LevelBadge level={asset.level} />
        <span className="ah-class">{asset.class}</span>
      </div>
      <dl className="ah-facts">
        {word !== '' && (
          <div>
            <dt>{t('asset.state')}</dt>
            <dd>
              <StateTag word={word} drive={drive} />
            </dd>
          </div>
        )}
        {asset.tags.length > 0 && (
          <div>
            <dt>{t('asset.last')}</dt>
            <dd>
              <b>{newest === 0 ? t('asset.never') : formatAge(now - newest)}</b>
              {device?.gateway !== undefined && device.gateway !== '' && (
                <span className="muted">
                  {t('asset.via')} <span className="mono">{device.gateway}</span>
                </span>
              )}
            </dd>
          </div>
        )}
        {device !== null && (
          <div>
            <dt>{t('asset.device')}</dt>
            <dd>
              <span className="mono">{device.device_id}</span>
              {device.online ? (
                <span className="muted">{t('device.online')}</span>
              ) : (
                <b>
                  {device.last_seen === null
                    ? t('device.never')
                    : t('device.silent', { age: formatAge(now - Date.parse(device.last_seen)) })}
                </b>
              )}
            </dd>
          </div>
        )}
        {device?.firmware !== undefined && device.firmware !== '' && (
          <div>
            <dt>{t('asset.firmware')}</dt>
            <dd>
              <span className="mono">{device.firmware}</span>
            </dd>
          </div>
        )}
        {ran !== null && (
          <div>
            <dt>{t('asset.hours')}</dt>
            <dd>
              <b>{formatNumber(ran)} h</b>
            </dd>
          </div>
        )}
      </dl>
    </header>
  );
}
