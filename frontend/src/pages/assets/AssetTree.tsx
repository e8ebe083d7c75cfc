import { useVirtualizer } from '@tanstack/react-virtual';
import { IconChevronDown, IconChevronRight, IconFilter2 } from '@tabler/icons-react';
import {
  memo,
  useCallback,
  useDeferredValue,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type KeyboardEvent,
} from 'react';
import { Button, Kbd, LevelBadge } from '../../parts/Controls';
import { cx } from '../../parts/cx';
import { t } from '../../shell/words';
import { formatNumber } from '../../twin/format';
import { isMachine } from '../../twin/level';
import { descendants, filterTree, flatten, indexOfRow, reveal, type Tree } from '../../twin/tree';
import { treeKey, typeAhead } from '../../twin/treekeys';
import './tree.css';

interface Props {
  tree: Tree;
  selected: number;
  filter: string;
  onFilter: (q: string) => void;
  onSelect: (row: number) => void;
}

const ROW = 28;

/** Which rows are open: two levels at first, and always the way to the selected one. */
function useOpen(tree: Tree, selected: number) {
  const [open, setOpen] = useState(() => {
    const start = new Uint8Array(tree.size);
    for (let i = 0; i < tree.size; i++) if ((tree.depth[i] ?? 0) < 2) start[i] = 1;
    return start;
  });
  useEffect(() => {
    if (selected < 0) return;
    setOpen((old) => {
      const next = old.length === tree.size ? old.slice() : new Uint8Array(tree.size);
      reveal(tree, next, selected);
      return next;
    });
  }, [tree, selected]);
  const set = useCallback(
    (row: number, value: 0 | 1) =>
      setOpen((old) => {
        const next = old.slice();
        next[row] = value;
        return next;
      }),
    [],
  );
  return { open, set };
}

export function AssetTree({ tree, selected, filter, onFilter, onSelect }: Props) {
  const { open, set } = useOpen(tree, selected);
  const [typed, setTyped] = useState(filter);
  const words = useDeferredValue(typed.trim());
  const filtered = useMemo(() => (words === '' ? null : filterTree(tree, words)), [tree, words]);
  const rows = useMemo(() => filtered?.rows ?? flatten(tree, open), [filtered, tree, open]);
  const [cursor, setCursor] = useState(selected);
  const host = useRef<HTMLDivElement>(null);
  const ahead = useRef({ text: '', at: 0 });

  useEffect(() => {
    if (words === filter) return undefined;
    const timer = setTimeout(() => onFilter(words), 250);
    return () => clearTimeout(timer);
  }, [words, filter, onFilter]);

  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => host.current,
    estimateSize: () => ROW,
    overscan: 8,
  });
  const focusIndex = Math.max(0, indexOfRow(rows, cursor));

  const scrollTo = useCallback(
    (i: number, align: 'auto' | 'center' = 'auto') => virtual.scrollToIndex(i, { align }),
    [virtual],
  );
  useLayoutEffect(() => setCursor(selected), [selected]);
  const shown = useRef(-1);
  useEffect(() => {
    const i = indexOfRow(rows, selected);
    if (i < 0 || shown.current === selected) return;
    shown.current = selected;
    scrollTo(i);
  }, [rows, selected, scrollTo]);

  const onKey = (e: KeyboardEvent) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const page = Math.max(1, Math.floor((host.current?.clientHeight ?? ROW) / ROW) - 1);
    const move = treeKey({ tree, rows, open, page, filtered: filtered !== null }, focusIndex, e.key);
    if (move === null) return;
    e.preventDefault();
    switch (move.kind) {
      case 'focus':
        setCursor(rows[move.index] ?? cursor);
        scrollTo(move.index);
        break;
      case 'open':
        set(move.row, 1);
        break;
      case 'close':
        set(move.row, 0);
        break;
      case 'select':
        onSelect(move.row);
        break;
      case 'type': {
        const a = ahead.current;
        a.text = e.timeStamp - a.at < 700 ? a.text + move.char : move.char;
        a.at = e.timeStamp;
        const i = typeAhead({ tree, rows }, focusIndex, a.text);
        if (i >= 0) {
          setCursor(rows[i] ?? cursor);
          scrollTo(i);
        }
      }
    }
  };

  const items = virtual.getVirtualItems();
  const active = rows[focusIndex];
  const inView = Math.min(rows.length, Math.floor((host.current?.clientHeight ?? 0) / ROW));
  return (
    <section className="at" aria-label={t('tree.title')}>
      <div className="at-filter">
        <label className="field field-soft">
          <IconFilter2 aria-hidden />
          <input
            data-filter
            type="text"
            aria-label={t('tree.filter')}
            placeholder={t('tree.filter')}
            value={typed}
            onChange={(e) => setTyped(e.target.value)}
            onKeyDown={(e) => {
              if (e.key === 'Escape') setTyped('');
              if (e.key === 'ArrowDown' || e.key === 'Enter') {
                e.preventDefault();
                host.current?.focus();
              }
            }}
          />
          <Kbd>/</Kbd>
        </label>
      </div>
      <div
        ref={host}
        className="at-rows"
        role="treegrid"
        aria-label={t('tree.title')}
        aria-rowcount={rows.length}
        aria-activedescendant={active === undefined ? undefined : `at-${active}`}
        tabIndex={0}
        onKeyDown={onKey}
      >
        <div style={{ height: virtual.getTotalSize(), position: 'relative' }} role="presentation">
          {items.map((item) => {
            const row = rows[item.index];
            if (row === undefined) return null;
            return (
              <TreeRow
                key={row}
                tree={tree}
                row={row}
                index={item.index}
                top={item.start}
                open={filtered !== null || open[row] === 1}
                selected={row === selected}
                focused={item.index === focusIndex}
                faded={filtered !== null && filtered.hit[row] === 0}
                onToggle={filtered === null ? set : undefined}
                onSelect={onSelect}
              />
            );
          })}
        </div>
        {rows.length === 0 && (
          <div className="at-none">
            <p className="strong">{t('tree.none', { size: formatNumber(tree.size) })}</p>
            <p className="mono">{words}</p>
            <Button small onClick={() => setTyped('')}>
              {t('tree.clear')}
            </Button>
          </div>
        )}
      </div>
      <footer className="at-foot">
        {filtered === null ? (
          <span>{t('tree.row', { row: formatNumber(selected + 1), size: formatNumber(tree.size) })}</span>
        ) : (
          <span role="status">
            {t('tree.matches', { n: formatNumber(filtered.matches), size: formatNumber(tree.size) })}
          </span>
        )}
        <span>{t('tree.view', { n: inView })}</span>
      </footer>
    </section>
  );
}

interface RowProps {
  tree: Tree;
  row: number;
  index: number;
  top: number;
  open: boolean;
  selected: boolean;
  focused: boolean;
  faded: boolean;
  onToggle: ((row: number, value: 0 | 1) => void) | undefined;
  onSelect: (row: number) => void;
}

const TreeRow = memo(function TreeRow({
  tree,
  row,
  index,
  top,
  open,
  selected,
  focused,
  faded,
  onToggle,
  onSelect,
}: RowProps) {
  const { columns } = tree;
  const level = columns.level[row] ?? '';
  const below = descendants(tree, row);
  const name = columns.name[row] ?? '';
  const title = columns.title[row] ?? '';
  const depth = tree.depth[row] ?? 0;
  return (
    <div
      id={`at-${row}`}
      role="row"
      className={cx('at-row', selected && 'at-on', focused && 'at-focus', faded && 'at-faded')}
      style={{ transform: `translateY(${top}px)`, paddingLeft: 8 + depth * 14 }}
      aria-rowindex={index + 1}
      aria-level={depth + 1}
      aria-posinset={tree.position[row]}
      aria-setsize={tree.siblings[row]}
      aria-selected={selected}
      aria-expanded={below > 0 ? open : undefined}
      onClick={() => onSelect(row)}
      title={title}
    >
      <span role="gridcell" className="at-cell">
        <span
          className="at-toggle"
          aria-hidden
          onClick={(e) => {
            if (below === 0 || onToggle === undefined) return;
            e.stopPropagation();
            onToggle(row, open ? 0 : 1);
          }}
        >
          {below > 0 && (open ? <IconChevronDown /> : <IconChevronRight />)}
        </span>
        <LevelBadge level={level} />
        <span className={cx('at-name', 'ellipsis', isMachine(level) && 'mono')}>{name}</span>
        {below > 0 && !isMachine(level) && (
          <span className="at-count" title={t('tree.below', { count: below })}>
            {formatNumber(below)}
          </span>
        )}
      </span>
    </div>
  );
});
