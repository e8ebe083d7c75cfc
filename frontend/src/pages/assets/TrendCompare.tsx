import { Menu } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { IconArrowsDiff } from '@tabler/icons-react';
import { Button, FilterChip } from '../../parts/Controls';
import type { AssetSearch } from '../../shell/url';
import { t } from '../../shell/words';
import { versus, type Versus } from '../../twin/compare';

/** What the trend is compared with; kept in the address. */
export function TrendCompare({ vs }: { vs: Versus | undefined }) {
  const navigate = useNavigate();
  const set = (next: Versus | undefined) =>
    void navigate({ to: '.', search: (old: AssetSearch): AssetSearch => ({ ...old, vs: next }) });
  if (vs !== undefined)
    return (
      <FilterChip
        name={t('vs.title')}
        value={t(`vs.${vs}`)}
        drop={t('vs.drop')}
        onDrop={() => set(undefined)}
      />
    );
  return (
    <Menu position="bottom-end" offset={4}>
      <Menu.Target>
        <Button small>
          <IconArrowsDiff aria-hidden />
          {t('vs.button')}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {versus.map((v) => (
          <Menu.Item key={v} onClick={() => set(v)}>
            {t(`vs.${v}`)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
