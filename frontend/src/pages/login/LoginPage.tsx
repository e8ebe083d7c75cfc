import { useRouter, useSearch } from '@tanstack/react-router';
import { useId, useState, type SyntheticEvent } from 'react';
import { login } from '../../api/actions';
import type { Problem } from '../../api/call';
import { Button } from '../../parts/Controls';
import { cx } from '../../parts/cx';
import { BrandMark } from '../../shell/TopBar';
import { t } from '../../shell/words';
import './login.css';

/** Who are you: name@tenant and a password. */
export function LoginPage() {
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const { next }: { next?: string } = useSearch({ strict: false });
  const router = useRouter();
  const id = useId();

  const submit = async () => {
    setBusy(true);
    setProblem(null);
    const r = await login(user.trim(), password);
    setBusy(false);
    if (r.ok) router.history.push(next ?? '/');
    else setProblem(r.problem);
  };
  const onSubmit = (e: SyntheticEvent) => {
    e.preventDefault();
    if (!busy) void submit();
  };
  const wrong = problem?.status === 401 || problem?.status === 400 || problem?.status === 422;
  return (
    <main className="lg">
      <form className="lg-form" onSubmit={onSubmit}>
        <h1 className="lg-brand">
          <BrandMark /> Lineshaft
        </h1>
        <label className="label" htmlFor={`${id}u`}>
          {t('login.user')}
        </label>
        <div className={cx('field', wrong && 'field-error')}>
          <input
            id={`${id}u`}
            name="username"
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            autoFocus
            placeholder="name@tenant"
            value={user}
            onChange={(e) => setUser(e.target.value)}
          />
        </div>
        <label className="label" htmlFor={`${id}p`}>
          {t('login.password')}
        </label>
        <div className={cx('field', wrong && 'field-error')}>
          <input
            id={`${id}p`}
            name="password"
            type="password"
            autoComplete="current-password"
            value={password}
            onChange={(e) => setPassword(e.target.value)}
          />
        </div>
        <p className="field-note lg-note" role="alert">
          {problem === null
            ? ''
            : problem.status === 0
              ? t('login.down')
              : wrong
                ? t('login.wrong')
                : `${problem.title}. ${problem.detail} ${problem.hint}`}
        </p>
        <Button kind="primary" type="submit" disabled={busy || user === '' || password === ''}>
          {busy ? t('login.busy') : t('login.go')}
        </Button>
      </form>
      <p className="lg-foot">{t('login.foot')}</p>
    </main>
  );
}
