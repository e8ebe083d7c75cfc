import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core';

// Mantine speaks in tokens: its greys are ours, and there is no blue.

const grey: MantineColorsTuple = [
  '#f8f9fa',
  '#edeff1',
  '#dfe2e5',
  '#c9cdd2',
  '#868d95',
  '#767d86',
  '#5b636c',
  '#454c54',
  '#2f343a',
  '#1b1f24',
];

export const theme = createTheme({
  primaryColor: 'grey',
  primaryShade: { light: 9, dark: 1 },
  colors: { grey, gray: grey, dark: grey },
  fontFamily: 'var(--font-ui)',
  fontFamilyMonospace: 'var(--font-id)',
  defaultRadius: 3,
  focusRing: 'auto',
  respectReducedMotion: true,
  fontSizes: { xs: '11px', sm: '12px', md: '13px', lg: '15px', xl: '20px' },
  components: {
    Menu: { defaultProps: { transitionProps: { duration: 0 }, shadow: 'none', withinPortal: true } },
    Modal: { defaultProps: { transitionProps: { duration: 0 }, centered: true } },
  },
});

const shared = {
  '--mantine-color-body': 'var(--bg-surface)',
  '--mantine-color-text': 'var(--ink)',
  '--mantine-color-dimmed': 'var(--ink-muted)',
  '--mantine-color-placeholder': 'var(--ink-muted)',
  '--mantine-color-anchor': 'var(--accent)',
  '--mantine-color-default': 'var(--bg-raised)',
  '--mantine-color-default-hover': 'var(--hover)',
  '--mantine-color-default-border': 'var(--line-strong)',
  '--mantine-color-default-color': 'var(--ink)',
  '--mantine-primary-color-filled': 'var(--inverse)',
  '--mantine-primary-color-contrast': 'var(--inverse-on)',
};

export const variables: CSSVariablesResolver = () => ({ variables: shared, light: shared, dark: shared });
