import i18next from 'i18next';
import en from './en.json';

// The console's sentences. Keys are flat, so that a search finds both ends.

type Plural<K> = K extends `${infer Base}_one` | `${infer Base}_other` ? Base : K;
export type Word = Plural<keyof typeof en>;

const catalogue = i18next.createInstance();
void catalogue.init({
  lng: 'en',
  fallbackLng: 'en',
  initAsync: false,
  keySeparator: false,
  nsSeparator: false,
  interpolation: { escapeValue: false, prefix: '{', suffix: '}' }, // React escapes
  resources: { en: { translation: en } },
});

/** The sentence behind a key, with its blanks filled in. */
export function t(key: Word, blanks: Record<string, string | number> = {}): string {
  return catalogue.t(key, blanks);
}
