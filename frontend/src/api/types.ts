import type { components } from './schema.gen';

// The answers of the API under short names. Their shapes are generated from
// the server's own description: `npm run generate`.

type Schemas = components['schemas'];

export type Login = Schemas['Login'];
export type Me = Schemas['Me'];
export type Overview = Schemas['Overview'];
export type SiteRow = Schemas['Site'];
export type WorstRow = Schemas['Worst'];
export type Asset = Schemas['Asset'];
export type TreeAnswer = Schemas['AssetTree'];
export type Reported = Schemas['Reported'];
export type LiveTick = Schemas['LiveTick'];
export type Twin = Schemas['TwinDocument'];
export type TwinDevice = Schemas['TwinDevice'];
export type Relation = Schemas['Relation'];
export type RelationList = Schemas['RelationList'];
export type Class = Schemas['Class'];
export type ClassList = Schemas['ClassList'];
export type HistorySeries = Schemas['Series'];
export type History = Schemas['History'];
export type Device = Schemas['Device'];
export type DevicePage = Schemas['DevicePage'];
export type GapRow = Schemas['LedgerGap'];
export type GapPage = Schemas['LedgerGapPage'];
export type DeadLetter = Schemas['DeadLetter'];
export type Flow = Schemas['Flow'];
export type LetterPreview = Schemas['LetterPreview'];
export type ReplayOrder = Schemas['ReplayOrder'];
export type ReplayResult = Schemas['ReplayResult'];
export type DeadLetterPage = Schemas['DeadLetterPage'];

/** An instant of the API, RFC 3339 or Unix ms, as Unix ms; NaN when it is neither. */
export function toMs(at: string | number): number {
  return typeof at === 'number' ? at : Date.parse(at);
}
