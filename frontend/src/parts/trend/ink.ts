// What the canvas needs of the tokens, read once per theme.

export interface Ink {
  canvas: string;
  plot: string;
  line: string;
  soft: string;
  strong: string;
  ink: string;
  ink2: string;
  muted: string;
  band: string;
  surface: string;
  hatch: string;
  hover: string;
  ghost: string;
  pens: string[];
  ui: string;
}

export function readInk(): Ink {
  const css = getComputedStyle(document.documentElement);
  const get = (name: string) => css.getPropertyValue(name).trim();
  return {
    canvas: get('--bg-canvas'),
    plot: get('--bg-plot'),
    line: get('--line'),
    soft: get('--line-soft'),
    strong: get('--line-strong'),
    ink: get('--ink'),
    ink2: get('--ink-2'),
    muted: get('--ink-muted'),
    band: get('--band-normal'),
    surface: get('--bg-surface'),
    hatch: get('--hatch'),
    hover: get('--hover'),
    ghost: get('--ghost'),
    pens: [1, 2, 3, 4, 5, 6].map((n) => get(`--pen-${n}`)),
    ui: get('--font-ui'),
  };
}
