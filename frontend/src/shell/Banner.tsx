import { IconPlugConnectedX } from '@tabler/icons-react';
import { Button } from '../parts/Controls';
import { formatDuration } from '../twin/format';
import { retryStream } from './live';
import { useClock, useLink } from './stores';
import { t } from './words';

/** Says that the backend is away: what is on the page is the last that was read. */
export function Banner() {
  const down = useLink((s) => s.downSince);
  const offset = useLink((s) => s.clockOffset);
  const now = useClock((s) => s.now);
  if (down === null) return null;
  return (
    <div className="bn" role="alert">
      <IconPlugConnectedX aria-hidden />
      <span>
        <strong>{t('down.title', { age: formatDuration(Math.max(0, now - offset - down)) })}</strong>{' '}
        {t('down.text')}
      </span>
      <Button small onClick={retryStream}>
        {t('down.now')}
      </Button>
    </div>
  );
}
