import { IconDownload } from '@tabler/icons-react';
import { useState } from 'react';
import { historyCsv } from '../../api/actions';
import type { Asset } from '../../api/types';
import { Button } from '../../parts/Controls';
import { saveText } from '../../shell/platform';
import { t } from '../../shell/words';

/** The drawn tags as CSV with UTC instants, units and quality. */
export function ExportButton({
  asset,
  tags,
  span,
}: {
  asset: Asset;
  tags: readonly string[];
  span: { from: number; to: number };
}) {
  const [note, setNote] = useState('');
  const run = async () => {
    setNote(t('export.busy'));
    const iso = (ms: number) => new Date(ms).toISOString();
    const r = await historyCsv(
      tags.map((x) => `${asset.id}:${x}`),
      iso(span.from),
      iso(span.to),
    );
    if (!r.ok) {
      setNote(t('export.failed', { why: r.problem.detail || r.problem.title }));
      return;
    }
    const saved = await saveText(
      `${asset.name}-${iso(span.from).slice(0, 16).replace(/[:T]/g, '')}.csv`,
      r.data,
    );
    setNote(saved ? '' : t('export.cancelled'));
  };
  return (
    <>
      <Button small onClick={() => void run()} disabled={tags.length === 0}>
        <IconDownload aria-hidden /> CSV
      </Button>
      <span role="status" className="muted">
        {note}
      </span>
    </>
  );
}
