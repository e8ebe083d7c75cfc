import { IconLock, IconX } from '@tabler/icons-react';
import { type ReactNode, useEffect, useState } from 'react';
import { Failure } from '../api/call';
import { t } from '../shell/words';
import { Button } from './Controls';
import './states.css';

/** Bars in the shape of what will come; invisible for the first 150 ms. */
export function Skeleton({ rows, height = 28 }: { rows: number; height?: number }) {
  return (
    <div className="sk" aria-busy="true" aria-label={t('loading')}>
      {Array.from({ length: rows }, (_, i) => (
        <div key={i} className="sk-row" style={{ height }}>
          <i style={{ width: 20 }} />
          <i style={{ width: `${52 - ((i * 17) % 23)}%` }} />
          <i style={{ width: 36, marginLeft: 'auto' }} />
        </div>
      ))}
    </div>
  );
}

export function Empty({
  title,
  text,
  children,
}: {
  title: ReactNode;
  text?: ReactNode;
  children?: ReactNode;
}) {
  return (
    <div className="st">
      <p className="st-title">{title}</p>
      {text !== undefined && <p className="st-text">{text}</p>}
      {children !== undefined && <div className="st-acts">{children}</div>}
    </div>
  );
}

/** What failed, what to do next, and the number to quote. */
export function Problem({ error, what, onRetry }: { error: Error; what: string; onRetry?: () => void }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), 2000);
    return () => clearTimeout(timer);
  }, [copied]);
  const p = error instanceof Failure ? error.problem : null;
  if (p?.status === 403) {
    return (
      <div className="st" role="alert">
        <p className="st-title">
          <IconLock aria-hidden /> {t('denied.title')}
        </p>
        <p className="st-text">{p.detail || p.title}</p>
      </div>
    );
  }
  if (p?.status === 404) return <Empty title={t('gone.title', { what })} text={t('gone.text')} />;
  const copy = () => {
    void navigator.clipboard.writeText(JSON.stringify(p ?? { error: error.message }, null, 2)).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  };
  return (
    <div className="st" role="alert">
      <p className="st-title">
        <IconX aria-hidden /> {p?.status === 0 ? t('down.read', { what }) : t('error.read', { what })}
      </p>
      <p className="st-text">
        {p?.status === 0 ? t('down.retry') : (p?.detail ?? error.message)}
        {p?.hint ? ` ${p.hint}` : ''}
        {p?.request_id ? (
          <>
            {' '}
            {t('error.request')} <span className="mono">{p.request_id}</span>
          </>
        ) : null}
      </p>
      <div className="st-acts">
        {onRetry !== undefined && <Button onClick={onRetry}>{t('retry')}</Button>}
        <Button kind="text" onClick={copy}>
          {copied ? t('copied') : t('copy.details')}
        </Button>
      </div>
    </div>
  );
}

interface AsyncProps<T> {
  query: { data: T | undefined; error: Error | null; isPending: boolean; refetch: () => unknown };
  what: string;
  rows?: number;
  children: (data: T) => ReactNode;
}

/** Draws a query's data; what was read once stays while the backend is away. */
export function Async<T>({ query, what, rows = 6, children }: AsyncProps<T>) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.error !== null)
    return <Problem error={query.error} what={what} onRetry={() => void query.refetch()} />;
  return <Skeleton rows={rows} />;
}
