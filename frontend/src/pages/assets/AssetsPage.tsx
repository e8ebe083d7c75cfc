import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useEffect, useMemo } from 'react';
import { treeQuery } from '../../api/queries';
import { Async, Empty } from '../../parts/States';
import { assetLink, sharedSearch, type AssetSearch } from '../../shell/url';
import { t } from '../../shell/words';
import { findPath, pathOf, type Tree } from '../../twin/tree';
import { AssetPage } from './AssetPage';
import { AssetTree } from './AssetTree';
import './assets.css';

/** The tree beside the asset that the address names. */
export function AssetsPage() {
  const query = useQuery(treeQuery);
  return (
    <main className="as">
      <Async query={query} what={t('tree.what')} rows={20}>
        {(tree) => <Loaded tree={tree} />}
      </Async>
    </main>
  );
}

function Loaded({ tree }: { tree: Tree }) {
  const { _splat = '' }: { _splat?: string } = useParams({ strict: false });
  const search: AssetSearch = useSearch({ strict: false });
  const navigate = useNavigate();
  const row = useMemo(
    () =>
      findPath(
        tree,
        _splat.split('/').filter((s) => s !== ''),
      ),
    [tree, _splat],
  );
  const nowhere = _splat === '' && tree.size > 0;
  useEffect(() => {
    if (nowhere) void navigate({ ...assetLink(pathOf(tree, 0).join('/')), replace: true });
  }, [nowhere, tree, navigate]);
  if (tree.size === 0) return <Empty title={t('tree.empty')} text={t('tree.empty.text')} />;
  const id = tree.columns.id[row];
  return (
    <>
      <AssetTree
        tree={tree}
        selected={row}
        filter={search.q ?? ''}
        onFilter={(q) =>
          void navigate({
            to: '.',
            search: (old: AssetSearch): AssetSearch => ({ ...old, q: q === '' ? undefined : q }),
            replace: true,
          })
        }
        onSelect={(r) =>
          void navigate({
            to: '/a/$',
            params: { _splat: pathOf(tree, r).join('/') },
            // Another asset keeps range, zone, filter and tab; pens belong to the old one.
            search: (old: AssetSearch): AssetSearch => ({
              ...sharedSearch({ ...old }),
              q: old.q,
              tab: old.tab,
            }),
          })
        }
      />
      <div className="as-page">
        {id === undefined ? (
          !nowhere && <Empty title={t('asset.gone', { path: _splat })} text={t('asset.gone.text')} />
        ) : (
          <AssetPage key={id} id={id} tree={tree} row={row} />
        )}
      </div>
    </>
  );
}
