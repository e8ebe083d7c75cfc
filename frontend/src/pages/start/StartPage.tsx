import { useId, useState, type SyntheticEvent } from 'react';
import { Button } from '../../parts/Controls';
import type { Bridge, Start } from '../../shell/platform';
import { BrandMark } from '../../shell/TopBar';
import { t } from '../../shell/words';
import '../login/login.css';
import './start.css';

interface Props {
  bridge: Bridge;
  first: Start;
  onReady: (s: Start) => void;
}

/** Asks the desktop window's owner where the plant's data is. */
export function StartPage({ bridge, first, onReady }: Props) {
  const [start, setStart] = useState(first);
  const [busy, setBusy] = useState('');
  const [address, setAddress] = useState(first.server);
  const id = useId();
  const go = async (what: string, run: () => Promise<Start>) => {
    setBusy(what);
    const next = await run();
    setBusy('');
    if (next.state === 'ready') onReady(next);
    else setStart(next);
  };
  const connect = (e: SyntheticEvent) => {
    e.preventDefault();
    void go('connect', () => bridge.Connect(address.trim()));
  };
  return (
    <main className="lg">
      <div className="lg-form sp-form">
        <h1 className="lg-brand">
          <BrandMark /> Lineshaft
        </h1>
        <p className="field-note" role="alert">
          {start.state === 'failed' ? t('start.failed', { why: start.error }) : ''}
        </p>
        <section>
          <h2>{t('start.here')}</h2>
          <p>{t('start.here.text')}</p>
          <div className="st-acts">
            <Button
              kind="primary"
              disabled={busy !== ''}
              onClick={() => void go('here', () => bridge.RunHere(false))}
            >
              {busy === 'here' ? t('start.busy') : t('start.here.empty')}
            </Button>
            <Button disabled={busy !== ''} onClick={() => void go('demo', () => bridge.RunHere(true))}>
              {busy === 'demo' ? t('start.busy') : t('start.here.demo')}
            </Button>
          </div>
          <p className="muted">{t('start.demo.text')}</p>
        </section>
        <form onSubmit={connect}>
          <h2>{t('start.connect')}</h2>
          <label className="label" htmlFor={id}>
            {t('start.address')}
          </label>
          <div className="field">
            <input
              id={id}
              spellCheck={false}
              placeholder="https://lineshaft.plant.example"
              value={address}
              onChange={(e) => setAddress(e.target.value)}
            />
          </div>
          <Button type="submit" disabled={busy !== '' || address.trim() === ''}>
            {busy === 'connect' ? t('start.busy') : t('start.go')}
          </Button>
        </form>
      </div>
    </main>
  );
}
