import { Menu } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useState } from 'react';
import { historyFile, type FileType } from '../../api/actions';
import type { Asset } from '../../api/types';
import { Button } from '../../parts/Controls';
import { saveFile, savesBinary } from '../../shell/platform';
import { t } from '../../shell/words';

const names: Record<FileType, string> = { csv: 'CSV', xlsx: 'Excel (XLSX)', parquet: 'Parquet' };

/** Every reading of the drawn tags as a file, with UTC instants, units and quality. */
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
  const run = async (type: FileType) => {
    setNote(t('export.busy'));
    const iso = (ms: number) => new Date(ms).toISOString();
    const r = await historyFile(
      tags.map((x) => `${asset.id}:${x}`),
      iso(span.from),
      iso(span.to),
      type,
    );
    if (!r.ok) {
      setNote(t('export.failed', { why: r.problem.detail || r.problem.title }));
      return;
    }
    const saved = await saveFile(
      `${asset.name}-${iso(span.from).slice(0, 16).replace(/[:T]/g, '')}.${type}`,
      r.data,
    );
    setNote(saved ? '' : t('export.cancelled'));
  };
  return (
    <>
      <Menu position="bottom-end" offset={4}>
        <Menu.Target>
          <Button small disabled={tags.length === 0}>
            <IconDownload aria-hidden /> {t('export.title')}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {(savesBinary() ? (['csv', 'xlsx', 'parquet'] as const) : (['csv'] as const)).map((type) => (
            <Menu.Item key={type} onClick={() => void run(type)}>
              {names[type]}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      <span role="status" className="muted">
        {note}
      </span>
    </>
  );
}
