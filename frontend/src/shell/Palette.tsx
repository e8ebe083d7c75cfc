import { Spotlight, createSpotlight } from '@mantine/spotlight';
import '@mantine/spotlight/styles.css';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { IconSearch } from '@tabler/icons-react';
import { useEffect, useMemo, useState } from 'react';
import { classesQuery, treeQuery } from '../api/queries';
import { LevelBadge } from '../parts/Controls';
import { find, type ClassTags } from '../twin/find';
import { pathOf } from '../twin/tree';
import { setTheme } from './stores';
import { assetLink } from './url';
import { t, type Word } from './words';
import './palette.css';

const [store, control] = createSpotlight();

/** Search for assets and tags, and what can be done by name. */
export function Palette({ onClose }: { onClose: () => void }) {
  const [words, setWords] = useState('');
  const tree = useQuery(treeQuery).data;
  const classes = useQuery(classesQuery).data;
  const navigate = useNavigate();
  useEffect(() => control.open(), []);
  const tags: ClassTags = useMemo(
    () => new Map((classes?.items ?? []).map((c) => [c.name, c.tags])),
    [classes],
  );
  const hits = useMemo(() => (tree === undefined ? [] : find(tree, tags, words, 12)), [tree, tags, words]);
  const commands = useMemo(() => {
    const all: { word: Word; run: () => void }[] = [
      { word: 'command.overview', run: () => void navigate({ to: '/' }) },
      { word: 'command.assets', run: () => void navigate({ to: '/a/$', params: { _splat: '' } }) },
      { word: 'command.devices', run: () => void navigate({ to: '/fleet/devices' }) },
      { word: 'command.flow', run: () => void navigate({ to: '/sys/flow' }) },
      { word: 'command.light', run: () => setTheme('light') },
      { word: 'command.dark', run: () => setTheme('dark') },
      { word: 'command.system', run: () => setTheme('system') },
    ];
    const needle = words.trim().toLowerCase();
    return needle === '' ? all : all.filter((c) => t(c.word).toLowerCase().includes(needle));
  }, [words, navigate]);
  return (
    <Spotlight.Root
      store={store}
      query={words}
      onQueryChange={setWords}
      onSpotlightClose={onClose}
      shortcut={null}
      maxHeight={420}
      scrollable
      size={560}
      transitionProps={{ duration: 0 }}
    >
      <Spotlight.Search
        placeholder={t('search.placeholder')}
        leftSection={<IconSearch size={16} />}
        aria-label={t('search')}
      />
      <Spotlight.ActionsList>
        {tree !== undefined &&
          hits.map((h) => {
            const path = pathOf(tree, h.row);
            const go =
              h.tag === null
                ? assetLink(path.join('/'))
                : assetLink(path.join('/'), { tab: 'trend', pens: h.tag });
            return (
              <Spotlight.Action key={`${h.row}:${h.tag ?? ''}`} onClick={() => void navigate(go)}>
                <span className="pl">
                  <LevelBadge level={h.tag === null ? (tree.columns.level[h.row] ?? '') : 'tag'} />
                  <span className="mono">{tree.columns.name[h.row]}</span>
                  {h.tag === null ? (
                    <span>{tree.columns.title[h.row]}</span>
                  ) : (
                    <span className="mono ink2">{h.tag}</span>
                  )}
                  <span className="pl-path ellipsis">{path.slice(1, -1).join(' / ')}</span>
                </span>
              </Spotlight.Action>
            );
          })}
        {commands.map((c) => (
          <Spotlight.Action key={c.word} onClick={c.run}>
            <span className="pl">
              <span>{t(c.word)}</span>
            </span>
          </Spotlight.Action>
        ))}
        {hits.length === 0 && commands.length === 0 && (
          <Spotlight.Empty>{t('search.none', { words })}</Spotlight.Empty>
        )}
      </Spotlight.ActionsList>
    </Spotlight.Root>
  );
}
