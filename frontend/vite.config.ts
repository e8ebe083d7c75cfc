import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// The page and its backend share one origin; in development Vite stands in
// front of a backend (or of dev/mock.mjs) and hands the API through.
const backend = process.env['LINESHAFT_URL'] ?? 'http://127.0.0.1:8787';

export default defineConfig({
  plugins: [react()],
  build: {
    target: 'safari16',
    assetsInlineLimit: 0, // the content security policy allows no data: fonts
    reportCompressedSize: false,
    emptyOutDir: false, // dist/.gitkeep keeps the Go package compiling; dev/clean.mjs removes the rest
  },
  server: {
    proxy: { '/api': backend, '/healthz': backend, '/readyz': backend },
  },
});
