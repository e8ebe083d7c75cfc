import { Menu } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { IconCheck, IconPlus, IconX } from '@tabler/icons-react';
import type { Asset } from '../../api/types';
import { Button } from '../../parts/Controls';
import type { AssetSearch } from '../../shell/url';
import { t } from '../../shell/words';
import { unitLabel } from '../../twin/unit';
import type { Pen } from './pens';

/** Which tags are drawn. */
export function PenPicker({ asset, pens, max }: { asset: Asset; pens: readonly Pen[]; max: number }) {
  const navigate = useNavigate();
  const names = pens.map((p) => p.tag.name);
  const set = (next: readonly string[]) =>
    void navigate({
      to: '.',
      search: (old: AssetSearch): AssetSearch => ({ ...old, pens: next.join(',') || undefined }),
      replace: true,
    });
  return (
    <div className="pp">
      {pens.map((p) => (
        <button
          key={p.tag.name}
          type="button"
          className="chip"
          title={t('trend.drop', { tag: p.tag.name })}
          aria-label={t('trend.drop', { tag: p.tag.name })}
          onClick={() => set(names.filter((n) => n !== p.tag.name))}
        >
          <PenLine color={p.color} dash={p.dash} />
          <b className="mono">{p.tag.name}</b>
          <IconX aria-hidden />
        </button>
      ))}
      <Menu position="bottom-start" offset={4} closeOnItemClick={false}>
        <Menu.Target>
          <Button small>
            <IconPlus aria-hidden />
            {t('trend.add')}
          </Button>
        </Menu.Target>
        <Menu.Dropdown className="pp-menu">
          {asset.tags.map((tag) => {
            const on = names.includes(tag.name);
            return (
              <Menu.Item
                key={tag.name}
                disabled={!on && names.length >= max}
                onClick={() => set(on ? names.filter((n) => n !== tag.name) : [...names, tag.name])}
                rightSection={on ? <IconCheck size={14} /> : null}
              >
                <span className="mono">{tag.name}</span> <span className="muted">{unitLabel(tag.unit)}</span>
              </Menu.Item>
            );
          })}
        </Menu.Dropdown>
      </Menu>
    </div>
  );
}

export function PenLine({ color, dash }: { color: number; dash: boolean }) {
  return (
    <svg width="12" height="4" aria-hidden style={{ width: 12, height: 4 }}>
      <line
        x1="0"
        x2="12"
        y1="2"
        y2="2"
        stroke={`var(--pen-${color + 1})`}
        strokeWidth="2"
        strokeDasharray={dash ? '4 2' : undefined}
      />
    </svg>
  );
}
