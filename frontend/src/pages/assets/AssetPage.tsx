import { useQuery } from '@tanstack/react-query';
import { Link, useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import { assetQuery, classesQuery, relationsQuery } from '../../api/queries';
import type { Asset } from '../../api/types';
import { Async } from '../../parts/States';
import type { AssetSearch, AssetTab } from '../../shell/url';
import { useZone } from '../../shell/url';
import { t, type Word } from '../../shell/words';
import { isContainer } from '../../twin/level';
import { pathOf, type Tree } from '../../twin/tree';
import { AssetHeader } from './AssetHeader';
import { ChildrenMatrix } from './ChildrenMatrix';
import { NameplateTab } from './NameplateTab';
import { NowPane } from './NowPane';
import { RelationsStrip } from './RelationsStrip';
import { RelationsTab } from './RelationsTab';
import { TrendPane } from './TrendPane';
import { TrendTab } from './TrendTab';
import { useTwin } from './useTwin';

export function AssetPage({ id, tree, row }: { id: string; tree: Tree; row: number }) {
  const query = useQuery(assetQuery(id));
  return (
    <Async query={query} what={t('asset.what')} rows={12}>
      {(asset) => <Loaded asset={asset} tree={tree} row={row} />}
    </Async>
  );
}

function Loaded({ asset, tree, row }: { asset: Asset; tree: Tree; row: number }) {
  const { tab = 'overview' }: AssetSearch = useSearch({ strict: false });
  const { twin, readings, query } = useTwin(asset.id);
  const relations = useQuery(relationsQuery(asset.id));
  const symbol = useQuery(classesQuery).data?.items.find((c) => c.name === asset.class)?.symbol ?? '';
  const path = useMemo(() => pathOf(tree, row), [tree, row]);
  const { zone } = useZone(path);
  const container = isContainer(asset.level);
  return (
    <div className="ap">
      <AssetHeader asset={asset} twin={twin} readings={readings} symbol={symbol} />
      <Tabs current={tab} relations={relations.data?.items.length} />
      <div className="ap-body">
        {tab === 'overview' && container && <ChildrenMatrix tree={tree} row={row} />}
        {tab === 'overview' && !container && (
          <div className="ap-overview">
            <div className="ap-panes">
              <NowPane asset={asset} readings={readings} error={query.error} pending={query.isPending} />
              <TrendPane asset={asset} readings={readings} zone={zone} />
            </div>
            <RelationsStrip asset={asset} symbol={symbol} query={relations} device={twin?.device ?? null} />
          </div>
        )}
        {tab === 'trend' && <TrendTab asset={asset} readings={readings} zone={zone} />}
        {tab === 'relations' && <RelationsTab query={relations} />}
        {tab === 'nameplate' && <NameplateTab asset={asset} twin={twin} />}
      </div>
    </div>
  );
}

const tabs: { tab: AssetTab; word: Word }[] = [
  { tab: 'overview', word: 'tab.overview' },
  { tab: 'trend', word: 'tab.trend' },
  { tab: 'relations', word: 'tab.relations' },
  { tab: 'nameplate', word: 'tab.nameplate' },
];

function Tabs({ current, relations }: { current: AssetTab; relations: number | undefined }) {
  return (
    <nav className="tabs" aria-label={t('tab.title')}>
      {tabs.map(({ tab, word }) => (
        <Link
          key={tab}
          to="."
          activeOptions={{ exact: true }}
          search={(old: AssetSearch): AssetSearch => ({ ...old, tab: tab === 'overview' ? undefined : tab })}
          aria-current={tab === current ? 'page' : undefined}
        >
          {t(word)}
          {tab === 'relations' && relations !== undefined && relations > 0 && <small>{relations}</small>}
        </Link>
      ))}
    </nav>
  );
}
