import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { replayLetters } from '../../api/actions';
import { previewQuery } from '../../api/queries';
import { Button } from '../../parts/Controls';
import { Async } from '../../parts/States';
import { t } from '../../shell/words';

/** What would become of a dead letter now, and the way to let it in again. */
export function LetterPreview({ id }: { id: string }) {
  const query = useQuery(previewQuery(id));
  const client = useQueryClient();
  const [note, setNote] = useState('');
  const replay = async () => {
    setNote('');
    const r = await replayLetters({ ids: [id] });
    if (!r.ok) {
      setNote(t('preview.failed', { why: r.problem.detail || r.problem.title }));
      return;
    }
    await client.invalidateQueries({ queryKey: ['deadletters'] });
  };
  return (
    <Async query={query} what={t('preview.what')} rows={1}>
      {(p) => (
        <div className="fw-preview">
          <h3>{t('preview.title')}</h3>
          {p.refused !== undefined ? (
            <p>{t('preview.refused', { reason: p.refused.reason, detail: p.refused.detail })}</p>
          ) : (
            <p>
              {p.seen
                ? t('preview.seen', { count: p.readings.length })
                : t('preview.taken', { count: p.readings.length })}
            </p>
          )}
          <ul>
            {p.readings.slice(0, 20).map((r) => (
              <li key={`${r.path ?? ''}:${r.tag}:${r.ts}`} className="mono">
                {r.path ?? p.device_id ?? ''}:{r.tag} {String(r.v)}
              </li>
            ))}
            {p.wrong.map((w) => (
              <li key={w.tag + w.detail} className="strong">
                {t('preview.wrong', { tag: w.tag, detail: w.detail })}
              </li>
            ))}
          </ul>
          {p.refused === undefined && (
            <Button small onClick={() => void replay()}>
              {t('preview.replay')}
            </Button>
          )}
          {note !== '' && <span role="status">{note}</span>}
        </div>
      )}
    </Async>
  );
}
