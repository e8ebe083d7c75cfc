import type { HistoryRead } from '../../api/queries';
import type { Series } from '../../twin/series';

// The tags in which the backend keeps what it knows of its own work; an
// enterprise and every site has them.

export const signalTags = {
  connectivity: 'connectivity_pct',
  throughput: 'throughput_msg_s',
  errors: 'errors_pct',
  freshness: 'freshness_pct',
  buffered: 'buffered_msg',
} as const;

export type SignalName = keyof typeof signalTags;

export function allSignalTags(assets: readonly string[]): string[] {
  return assets.flatMap((id) => Object.values(signalTags).map((tag) => `${id}:${tag}`));
}

export function seriesOf(
  history: HistoryRead | undefined,
  asset: string,
  signal: SignalName,
): Series | undefined {
  return history?.series.find((s) => s.asset === asset && s.tag === signalTags[signal]);
}
