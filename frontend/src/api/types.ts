import type { Tag, Value } from '../twin/model';
import type { TreeColumns } from '../twin/tree';

// The answers of the API as the console reads them.

export interface Me {
  user: string;
  tenant: string;
  roles: string[];
  expires_at: string;
  server_time: string;
  version: string;
}

export interface Signal {
  v: number | null;
  unit: string;
  of?: number;
  n?: number;
  target?: number;
  limit?: number;
}

export interface SiteRow {
  id: string;
  path: string;
  name: string;
  title: string;
  time_zone: string;
  devices: number;
  connectivity: number | null;
  throughput: number | null;
  errors: number | null;
  freshness: number | null;
  buffered: number | null;
}

export interface WorstRow {
  id: string;
  path: string;
  name: string;
  title: string;
  class: string;
  level: string;
  tag: string;
  unit: string;
  decimals: number;
  v: Value;
  q: number;
  ts: string;
  severity: number;
  limit_state: string;
  limit: number | null;
  normal: { low?: number | null; high?: number | null };
  since: string | null;
}

export interface Overview {
  server_time: string;
  tags_checked: number;
  newest: string | null;
  signals: { connectivity: Signal; throughput: Signal; errors: Signal; freshness: Signal };
  sites: SiteRow[];
  worst: WorstRow[];
  enterprise: { id: string; path: string };
}

export interface Asset {
  id: string;
  path: string;
  name: string;
  parent_id?: string;
  level: string;
  class: string;
  title: string;
  time_zone?: string;
  nameplate: Record<string, unknown>;
  tags: Tag[];
  version: number;
}

export interface TreeAnswer extends TreeColumns {
  rev: number | string;
  as_of: string;
}

export interface Reported {
  v: Value;
  q: number;
  quality?: string;
  ts: string;
  received?: string;
  unit?: string;
  limit_state?: string;
  stale?: boolean;
}

export interface Twin {
  id: string;
  path: string;
  level: string;
  class: string;
  title: string;
  nameplate: Record<string, unknown>;
  reported: Record<string, Reported>;
  device: TwinDevice | null;
  server_time: string;
}

export interface TwinDevice {
  device_id: string;
  kind: string;
  gateway?: string;
  online: boolean;
  last_seen: string | null;
  firmware?: string;
}

export interface RelatedAsset {
  id: string;
  path: string;
  name: string;
  level: string;
  class: string;
  title: string;
}

export interface Relation {
  type: string;
  direction: 'in' | 'out';
  attributes: Record<string, unknown>;
  asset: RelatedAsset;
}

export interface Class {
  name: string;
  title: string;
  extends?: string;
  symbol?: string;
  tags: Tag[];
  nameplate: { name: string; title?: string; unit?: string }[];
}

export interface HistorySeries {
  asset_id: string;
  path: string;
  tag: string;
  name?: string;
  unit: string;
  decimals: number;
  type: string;
  resolution: string;
  ts: number[];
  v: (number | boolean | string | null)[];
  q: number[];
  gaps?: {
    from: string;
    to: string;
    cause: string;
    count: number | null;
    open: boolean;
    healed_at?: string | null;
    detail?: string;
  }[];
  backfilled?: { from: string; to: string; arrived: string }[];
}

export interface History {
  from: string;
  to: string;
  server_time: string;
  series: HistorySeries[];
}

export interface Device {
  device_id: string;
  kind: string;
  device_type: string;
  gateway?: string;
  site?: string;
  area?: string;
  line?: string;
  asset_id?: string;
  asset_path?: string;
  online: boolean;
  last_seen: string | null;
  firmware?: string;
  unsent?: number | null;
  topic?: string;
}

export interface Page<T> {
  items: T[];
  next_cursor?: string;
  total?: number;
}

export interface GapRow {
  id: string;
  device_id: string;
  epoch: string | number;
  channel: string;
  from_seq: number;
  to_seq: number;
  count: number;
  detected: string;
  cause: string;
  from?: string | null;
  to?: string | null;
  healed_at?: string | null;
  healed_how?: string;
}

export interface DeadLetter {
  id: string;
  received: string;
  topic: string;
  device_id?: string;
  reason: string;
  detail: string;
  size: number;
  payload_base64?: string;
  count?: number;
}

export interface DeadLetterGroup {
  fingerprint: string;
  device_type: string;
  reason: string;
  version?: string;
  count: number;
  last: string;
}

export interface DeadLetterPage extends Page<DeadLetter> {
  groups?: DeadLetterGroup[];
}

/** An instant of the API, RFC 3339 or Unix ms, as Unix ms; NaN when it is neither. */
export function toMs(at: string | number): number {
  return typeof at === 'number' ? at : Date.parse(at);
}
