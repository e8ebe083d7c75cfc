import { useQueries, useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useMemo, type ReactNode } from 'react';
import { classesQuery, twinQuery } from '../../api/queries';
import { LevelBadge, Section, StateTag } from '../../parts/Controls';
import { Empty } from '../../parts/States';
import { EquipmentSymbol } from '../../parts/Symbol';
import { ValueNote, ValueText } from '../../parts/Value';
import { cx } from '../../parts/cx';
import { useReadings, useTopic } from '../../shell/live';
import { useClock } from '../../shell/stores';
import { assetLink } from '../../shell/url';
import { t } from '../../shell/words';
import { formatNumber } from '../../twin/format';
import { isMachine } from '../../twin/level';
import { merge, type Readings } from '../../twin/live';
import { commonTags } from '../../twin/matrix';
import { condition, type Tag } from '../../twin/model';
import { runState, stateTag } from '../../twin/runstate';
import { children, descendants, pathOf, type Tree } from '../../twin/tree';
import { unitLabel } from '../../twin/unit';

/** Twins are read one by one, so only this many rows carry values. */
const VALUED = 40;

/** The children of a place, side by side with what they have in common. */
export function ChildrenMatrix({ tree, row }: { tree: Tree; row: number }) {
  const rows = useMemo(() => children(tree, row), [tree, row]);
  const classes = useQuery(classesQuery).data?.items;
  const tagsOf = useMemo(() => new Map((classes ?? []).map((c) => [c.name, c.tags])), [classes]);
  const symbols = useMemo(() => new Map((classes ?? []).map((c) => [c.name, c.symbol ?? ''])), [classes]);
  const sets = rows.map((r) => tagsOf.get(tree.columns.class[r] ?? '') ?? []);
  const columns = commonTags(sets, 6);
  const valued = rows.filter((_r, i) => (sets[i]?.length ?? 0) > 0).slice(0, VALUED);
  const path = pathOf(tree, row).join('/');
  if (rows.length === 0) return <Empty title={t('children.none')} text={t('children.none.text')} />;
  return (
    <section className="cm">
      <Section
        title={t('children.title')}
        note={t('children.note', { n: rows.length, all: formatNumber(descendants(tree, row)) })}
      />
      <div className="cm-scroll">
        <table className="table sticky">
          <thead>
            <tr>
              <th>{t('worst.asset')}</th>
              <th>{t('relations.title')}</th>
              <th>{t('worst.class')}</th>
              <th>{t('asset.state')}</th>
              {columns.map((c) => (
                <th key={c.name} className="num" title={c.title}>
                  <span className="mono cm-head">{c.name}</span>{' '}
                  <span className="cm-unit">{unitLabel(c.unit)}</span>
                </th>
              ))}
              <th className="num">{t('children.below')}</th>
            </tr>
          </thead>
          <Values rows={valued} tree={tree}>
            {(read) =>
              rows.map((r) => (
                <Row
                  key={r}
                  tree={tree}
                  row={r}
                  path={path}
                  columns={columns}
                  tags={tagsOf.get(tree.columns.class[r] ?? '') ?? []}
                  symbol={symbols.get(tree.columns.class[r] ?? '') ?? ''}
                  read={read.get(tree.columns.id[r] ?? '')}
                  live={valued.includes(r)}
                />
              ))
            }
          </Values>
        </table>
      </div>
    </section>
  );
}

function Values({
  rows,
  tree,
  children: draw,
}: {
  rows: number[];
  tree: Tree;
  children: (read: Map<string, Readings>) => ReactNode;
}) {
  const ids = rows.map((r) => tree.columns.id[r] ?? '');
  const answers = useQueries({ queries: ids.map((id) => ({ ...twinQuery(id), refetchInterval: 60_000 })) });
  const read = new Map<string, Readings>();
  answers.forEach((a) => {
    if (a.data !== undefined) read.set(a.data.id, a.data.readings);
  });
  return <tbody>{draw(read)}</tbody>;
}

interface RowProps {
  tree: Tree;
  row: number;
  path: string;
  columns: readonly Tag[];
  tags: readonly Tag[];
  symbol: string;
  read: Readings | undefined;
  live: boolean;
}

function Row({ tree, row, path, columns, tags, symbol, read, live }: RowProps) {
  const { columns: c } = tree;
  const id = c.id[row] ?? '';
  const name = c.name[row] ?? '';
  const level = c.level[row] ?? '';
  useTopic(live ? `twin:${id}` : null);
  const now = useClock((s) => s.now);
  const fresh = useReadings(id);
  const readings = merge(read, fresh);
  const navigate = useNavigate();
  const link = assetLink(`${path}/${name}`);
  const tag = stateTag(tags);
  const { word, drive } = runState(tag, tag === undefined ? undefined : readings[tag.name]);
  const below = descendants(tree, row);
  return (
    <tr className="go" onClick={() => void navigate(link)}>
      <td>
        <Link {...link} className="st-name" onClick={(e) => e.stopPropagation()}>
          <LevelBadge level={level} />
          <EquipmentSymbol name={symbol} drive={drive} size={18} />
          <span className={cx(isMachine(level) && 'mono', 'strong')}>{name}</span>
        </Link>
      </td>
      <td>{c.title[row]}</td>
      <td className="muted">{c.class[row]}</td>
      <td>{word === '' ? <span className="muted">–</span> : <StateTag word={word} drive={drive} />}</td>
      {columns.map((col) => {
        const own = tags.find((x) => x.name === col.name);
        const r = readings[col.name];
        const state = own === undefined ? 'none' : condition(r, own.interval_ms, now);
        return (
          <td key={col.name} className="num">
            {own === undefined ? (
              ''
            ) : (
              <span className="cm-value">
                <ValueNote reading={r} condition={state} now={now} />
                <ValueText tag={own} reading={r} condition={state} idle={drive === 'stopped'} />
              </span>
            )}
          </td>
        );
      })}
      <td className="num muted">{below === 0 ? '' : formatNumber(below)}</td>
    </tr>
  );
}
