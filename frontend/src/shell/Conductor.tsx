import { Menu } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { IconCheck, IconChevronDown } from '@tabler/icons-react';
import { useLayoutEffect, useRef, useState } from 'react';
import { gapsQuery } from '../api/queries';
import { Button } from '../parts/Controls';
import { formatDuration } from '../twin/format';
import { presetLabel, presetOf, presets, timeTicks } from '../twin/range';
import { formatDate, formatMinute, formatTime, zoneLabel, zoneOffset } from '../twin/time';
import { useClock, useLink } from './stores';
import { useRange, useSpan } from './url';
import { t } from './words';

/** The range every page looks at, on one line, with the holes in the data; the clock beside it. */
export function Conductor({ zone }: { zone: string }) {
  const { range, set, start } = useRange();
  const s = useSpan();
  const now = useClock((c) => c.now);
  const stream = useLink((l) => l.stream.kind);
  const preset = presetOf(range);
  return (
    <footer className="cd" aria-label={t('conductor')}>
      <div className="cd-mode">
        {s.live ? (
          <span className="cd-live">{stream === 'lost' ? t('conductor.waiting') : t('conductor.live')}</span>
        ) : (
          <Button onClick={() => set({ from: start, to: 'now' })}>{t('conductor.back')}</Button>
        )}
      </div>
      <Track zone={zone} from={s.from} to={s.to} live={s.live} />
      <div className="cd-right">
        <div className="cd-clock">
          <b>
            {formatTime(now, zone)} {zoneLabel(now, zone).split(' ')[0]}
          </b>
          <small>{formatDate(now, zone)}</small>
        </div>
        <Menu position="top-end" offset={4}>
          <Menu.Target>
            <Button aria-label={t('range.title')}>
              {preset === null ? formatDuration(s.to - s.from) : presetLabel(preset)}
              <IconChevronDown aria-hidden />
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Label>{t('range.title')}</Menu.Label>
            {presets.map((p) => (
              <Menu.Item
                key={p}
                onClick={() => set({ from: `now-${p}`, to: 'now' })}
                rightSection={p === preset ? <IconCheck size={14} /> : null}
              >
                {t('range.last', { range: presetLabel(p) })}
              </Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      </div>
    </footer>
  );
}

function Track({ zone, from, to, live }: { zone: string; from: number; to: number; live: boolean }) {
  const host = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(900);
  useLayoutEffect(() => {
    const el = host.current;
    if (el === null) return undefined;
    const seen = new ResizeObserver(() => setWidth(el.clientWidth));
    seen.observe(el);
    setWidth(el.clientWidth);
    return () => seen.disconnect();
  }, []);
  const gaps = useQuery(gapsQuery(undefined)).data?.items ?? [];
  const inner = width - 12;
  const x = (ms: number) => ((ms - from) / (to - from)) * inner;
  const ticks = timeTicks(from, to, Math.max(2, Math.floor(width / 90)), zoneOffset(from, zone));
  const days = to - from > 2 * 86_400_000;
  return (
    <div className="cd-track" ref={host}>
      <svg width={width} height="44" role="img" aria-label={t('conductor.track', { count: gaps.length })}>
        <line className="cd-base" x1="0" x2={inner} y1="27.5" y2="27.5" />
        {gaps.map((g) => {
          const start = Date.parse(g.from ?? g.detected);
          const end = Date.parse(g.to ?? g.detected);
          if (end < from || start > to) return null;
          const a = Math.max(0, x(start));
          return (
            <line
              key={g.id}
              className="cd-gap"
              x1={a}
              x2={Math.max(a + 2, Math.min(inner, x(end)))}
              y1="22.5"
              y2="22.5"
            />
          );
        })}
        {ticks.map((at) => (
          <g key={at}>
            <line className="cd-tick" x1={x(at)} x2={x(at)} y1="27.5" y2="32" />
            {x(at) < inner - 50 && (
              <text className="cd-label" x={x(at) + 4} y="40">
                {days ? formatDate(at, zone).split(' ').slice(1, 3).join(' ') : formatMinute(at, zone)}
              </text>
            )}
          </g>
        ))}
        {live && (
          <>
            <line className="cd-head" x1={inner} x2={inner} y1="0" y2="32" />
            <path className="cd-pointer" d={`M${inner - 5} 0h10v5l-5 4l-5 -4z`} />
          </>
        )}
      </svg>
    </div>
  );
}
