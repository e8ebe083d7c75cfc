import type { ButtonHTMLAttributes, ReactNode } from 'react';
import { IconX } from '@tabler/icons-react';
import { levelBadge } from '../twin/level';
import { cx } from './cx';
import './controls.css';
import './table.css';

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  kind?: 'default' | 'quiet' | 'text' | 'primary';
  small?: boolean;
  icon?: boolean;
}

export function Button({ kind = 'default', small, icon, className, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      className={cx(
        'btn',
        kind !== 'default' && `btn-${kind}`,
        small && 'btn-small',
        icon && 'btn-icon',
        className,
      )}
      {...rest}
    />
  );
}

/** The grey two letters that say where in the hierarchy a thing stands. */
export function LevelBadge({ level }: { level: string }) {
  return (
    <span className="badge" title={level.replace(/_/g, ' ')}>
      {levelBadge(level)}
    </span>
  );
}

export function Kbd({ children }: { children: ReactNode }) {
  return <kbd className="kbd">{children}</kbd>;
}

interface SegmentedProps<T extends string> {
  label: string;
  value: T | null;
  options: readonly { value: T; label: string }[];
  onChange: (v: T) => void;
}

/** One of a few; chosen is a grey fill and weight, never colour. */
export function Segmented<T extends string>({ label, value, options, onChange }: SegmentedProps<T>) {
  return (
    <span className="seg" role="group" aria-label={label}>
      {options.map((o) => (
        <button
          key={o.value}
          type="button"
          aria-pressed={o.value === value}
          onClick={() => onChange(o.value)}
        >
          {o.label}
        </button>
      ))}
    </span>
  );
}

/** A filter that is on, with the way to drop it. */
export function FilterChip({
  name,
  value,
  drop,
  onDrop,
}: {
  name: string;
  value: string;
  drop: string;
  onDrop: () => void;
}) {
  return (
    <button type="button" className="chip" onClick={onDrop} aria-label={drop} title={drop}>
      {name} <b>{value}</b> <IconX aria-hidden />
    </button>
  );
}

/** RUNNING is light and filled, stopped is dark: the same way as the drawings. */
export function StateTag({ word, drive }: { word: string; drive: 'running' | 'stopped' | 'unknown' }) {
  return (
    <span className={cx('tag', drive === 'running' && 'tag-run', drive === 'stopped' && 'tag-stop')}>
      {word}
    </span>
  );
}

/** A section's title with its qualifier beside it. */
export function Section({
  title,
  note,
  children,
}: {
  title: ReactNode;
  note?: ReactNode;
  children?: ReactNode;
}) {
  return (
    <header className="section">
      <h2>{title}</h2>
      {note !== undefined && <small>{note}</small>}
      {children !== undefined && <span className="right">{children}</span>}
    </header>
  );
}
