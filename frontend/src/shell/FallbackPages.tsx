import { Link } from '@tanstack/react-router';
import { Empty, Problem } from '../parts/States';
import { t } from './words';

export function NotFoundPage() {
  return (
    <main style={{ paddingTop: 32 }}>
      <Empty title={t('notfound.title')} text={t('notfound.text')}>
        <Link to="/" className="btn">
          {t('nav.overview')}
        </Link>
      </Empty>
    </main>
  );
}

export function CrashPage({ error, reset }: { error: unknown; reset: () => void }) {
  return (
    <main style={{ paddingTop: 32 }}>
      <Problem
        error={error instanceof Error ? error : new Error(String(error))}
        what={t('crash.what')}
        onRetry={reset}
      />
    </main>
  );
}
