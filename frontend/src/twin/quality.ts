// The classic OPC quality byte in words (OPC 10000-8 A.3.2.3).

const words: Record<number, string> = {
  0: 'bad',
  4: 'configuration error',
  8: 'not connected',
  12: 'device failure',
  16: 'sensor failure',
  20: 'last known value',
  24: 'communication failure',
  28: 'out of service',
  32: 'waiting for initial data',
  64: 'uncertain',
  68: 'last usable value',
  80: 'sensor not accurate',
  84: 'engineering units exceeded',
  88: 'sub-normal',
  192: 'good',
  216: 'good, local override',
};

const short: Record<number, string> = {
  4: 'config',
  8: 'no link',
  12: 'device',
  16: 'sensor',
  20: 'last known',
  24: 'comm',
  28: 'out of service',
  32: 'waiting',
};

export type Status = 'good' | 'uncertain' | 'bad';

/** What the two top bits of the byte say. The reserved pattern 10 counts as bad. */
export function qualityStatus(q: number): Status {
  switch (q & 0xc0) {
    case 0xc0:
      return 'good';
    case 0x40:
      return 'uncertain';
    default:
      return 'bad';
  }
}

/** The standard's word; a substatus without one gets its status's word. */
export function qualityWord(q: number): string {
  return words[q] ?? qualityStatus(q);
}

/** One word that fits beside a value: "comm" for a communication failure. */
export function qualityShort(q: number): string {
  return short[q] ?? qualityWord(q);
}

/** A value set by hand on the spot. */
export function isOverride(q: number): boolean {
  return q === 216;
}
