import { valueWord, type Reading, type Tag } from './model';

// Whether a machine runs, read from the tag that says so.

export type Drive = 'running' | 'stopped' | 'unknown';

const names = ['state', 'run_state', 'status', 'running', 'run', 'mode'];
const stopped = /^(stopped|off|idle|standby|halted|tripped|faulted|fault|closed|down|false|0)$/i;

/** The tag that tells an asset's state: a known name among its words and bits. */
export function stateTag<T extends Pick<Tag, 'name' | 'type' | 'states'>>(tags: readonly T[]): T | undefined {
  const discrete = tags.filter((t) => t.type === 'bool' || t.type === 'enum' || t.states.length > 0);
  for (const name of names) {
    const hit = discrete.find((t) => t.name === name);
    if (hit !== undefined) return hit;
  }
  return discrete.find((t) => /state|running/.test(t.name));
}

/** The state in a word and what it means for the drawing of the symbol. */
export function runState(
  tag: Pick<Tag, 'name' | 'type' | 'states'> | undefined,
  reading: Reading | undefined,
): { word: string; drive: Drive } {
  if (tag === undefined || reading === undefined || reading.v === null) return { word: '', drive: 'unknown' };
  const word = valueWord(reading.v, tag);
  return { word: word.toUpperCase(), drive: stopped.test(word) ? 'stopped' : 'running' };
}
