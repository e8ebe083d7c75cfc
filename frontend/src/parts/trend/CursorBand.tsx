import { IconX } from '@tabler/icons-react';
import { t } from '../../shell/words';
import { between, type Cursors } from '../../twin/cursor';
import { formatDuration } from '../../twin/format';
import type { Span } from '../../twin/series';
import { PAD_RIGHT } from './plot';

interface Props {
  cursors: Cursors;
  view: Span;
  axisWidth: number;
  onClear: () => void;
}

/** The band above the plots: the tags of the cursors, and how far they are apart. */
export function CursorBand({ cursors, view, axisWidth, onClear }: Props) {
  const part = (at: number) => (at - view.from) / (view.to - view.from);
  const span = between(cursors);
  const from = span === null ? 0 : Math.max(0, part(span.from));
  const to = span === null ? 0 : Math.min(1, part(span.to));
  const middle = Math.min(0.93, Math.max(0.07, (from + to) / 2));
  const none = cursors.a === null && cursors.b === null;
  return (
    <div className="tr-band">
      <div className="tr-track" style={{ left: axisWidth, right: PAD_RIGHT }}>
        {none && <span className="tr-hint">{t('cursor.hint')}</span>}
        {span !== null && to > from && (
          <i className="tr-between" style={{ left: `${from * 100}%`, width: `${(to - from) * 100}%` }} />
        )}
        {(['a', 'b'] as const).map((name) => {
          const at = cursors[name];
          if (at === null || at < view.from || at > view.to) return null;
          return (
            <b key={name} className="tr-tag" style={{ left: `${part(at) * 100}%` }}>
              {name.toUpperCase()}
            </b>
          );
        })}
        {!none && (
          <span className="tr-delta" style={{ left: `${(span === null ? 0.5 : middle) * 100}%` }}>
            {span !== null && <span role="status">Δt {formatDuration(span.to - span.from)}</span>}
            {span === null && <span className="muted">{t('cursor.other')}</span>}
            <button type="button" onClick={onClear} aria-label={t('cursor.clear')} title={t('cursor.clear')}>
              <IconX aria-hidden />
            </button>
          </span>
        )}
      </div>
    </div>
  );
}
