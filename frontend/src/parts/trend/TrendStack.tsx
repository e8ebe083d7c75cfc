import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import 'uplot/dist/uPlot.min.css';
import { useTheme } from '../../shell/stores';
import { unitLabel } from '../../twin/unit';
import { readInk } from './ink';
import { Plot, type PlotSpec } from './plot';
import './trend.css';

export interface StackedPlot extends PlotSpec {
  key: string;
  /** Said by screen readers instead of the drawing. */
  summary: string;
  height?: number;
}

interface Props {
  plots: StackedPlot[];
  /** Height of one plot, or what all of them share when given as `total`. */
  height: number;
  syncKey: string;
  axisWidth?: number;
  lastAxis?: boolean;
  /** Writes the unit into the plot. */
  unit?: boolean;
  onZoom?: (from: number, to: number) => void;
  onCursor?: (t: number | null) => void;
  /** A click that is no drag, at an instant; `other` with shift held. */
  onPick?: (at: number, other: boolean) => void;
}

/** Plots of different units above each other on one time axis. */
export function TrendStack({
  plots,
  height,
  syncKey,
  axisWidth = 44,
  lastAxis = true,
  unit = false,
  onZoom,
  onCursor,
  onPick,
}: Props) {
  return (
    <div className="tr-stack">
      {plots.map((p, i) => {
        const timeAxis = lastAxis && i === plots.length - 1;
        return (
          <OnePlot
            key={p.key}
            spec={p}
            height={(p.height ?? height) + (timeAxis ? 20 : 0)}
            timeAxis={timeAxis}
            syncKey={syncKey}
            axisWidth={axisWidth}
            unit={unit}
            onZoom={onZoom}
            onCursor={onCursor}
            onPick={onPick}
          />
        );
      })}
    </div>
  );
}

interface OneProps {
  spec: StackedPlot;
  height: number;
  timeAxis: boolean;
  syncKey: string;
  axisWidth: number;
  unit: boolean;
  onZoom?: ((from: number, to: number) => void) | undefined;
  onCursor?: ((t: number | null) => void) | undefined;
  onPick?: ((at: number, other: boolean) => void) | undefined;
}

export function OnePlot(props: OneProps) {
  const { spec, height, timeAxis, syncKey, axisWidth, unit, onZoom, onCursor, onPick } = props;
  const el = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  const [width, setWidth] = useState(0);
  const theme = useTheme((s) => s.shown);
  const handlers = useRef({ onZoom, onCursor, onPick });
  useEffect(() => {
    handlers.current = { onZoom, onCursor, onPick };
  });
  useLayoutEffect(() => {
    const host = el.current;
    if (host === null) return undefined;
    const seen = new ResizeObserver(() => setWidth(Math.floor(host.clientWidth)));
    seen.observe(host);
    setWidth(Math.floor(host.clientWidth));
    return () => seen.disconnect();
  }, []);
  const zoomable = onZoom !== undefined;
  // Pens and axes are fixed when a plot is made; everything else flows in by update.
  const shape = useMemo(
    () =>
      JSON.stringify([
        spec.pens.map((p) => [p.series.asset, p.series.tag, p.color, p.dash]),
        spec.ghosts?.map((s) => s.tag),
        spec.states,
        spec.zone,
      ]),
    [spec.pens, spec.ghosts, spec.states, spec.zone],
  );
  const latest = useRef(spec);
  useEffect(() => {
    latest.current = spec;
  });
  const measured = width > 0;
  useEffect(() => {
    const host = el.current;
    if (host === null || !measured) return undefined;
    const made = new Plot(host, latest.current, {
      width: Math.floor(host.clientWidth),
      height,
      timeAxis,
      ink: readInk(),
      syncKey,
      axisWidth,
      onZoom: zoomable ? (a, b) => handlers.current.onZoom?.(a, b) : null,
      onCursor: (t) => handlers.current.onCursor?.(t),
      onPick: (at, other) => handlers.current.onPick?.(at, other),
    });
    plot.current = made;
    return () => {
      made.destroy();
      plot.current = null;
    };
  }, [measured, shape, theme, height, timeAxis, syncKey, axisWidth, zoomable]);
  useEffect(() => {
    plot.current?.resize(width, height);
  }, [width, height]);
  useEffect(() => {
    plot.current?.update(spec);
  }, [spec]);
  return (
    <div className="tr-plot" style={{ height }} role="img" aria-label={spec.summary}>
      <div ref={el} className="tr-host" />
      {unit && spec.unit !== '' && (
        <span className="tr-unit" style={{ left: axisWidth + 6 }}>
          {unitLabel(spec.unit)}
        </span>
      )}
      {spec.ghostLabel !== undefined && <span className="tr-ghost">{spec.ghostLabel}</span>}
    </div>
  );
}
