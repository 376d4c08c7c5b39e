import { defineConfig } from 'vite';

declare const process: { env: Record<string, string | undefined> };

// What is built is served as it is, below /console/, under a policy that allows no inline script or style and no other origin:
// so nothing is written into the page, nothing becomes a data: address.
export default defineConfig({
  base: '/console/',
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact', legalComments: 'none' },
  build: { target: 'es2022', assetsInlineLimit: 0, modulePreload: { polyfill: false }, chunkSizeWarningLimit: 400, reportCompressedSize: false },
  worker: { format: 'es' },
  server: {
    // npm run dev: API names a gateway, TOKEN what to ask it with
    proxy: Object.fromEntries(
      ['/v1', '/openapi.json'].map((path) => [
        path,
        { target: process.env['API'] ?? 'http://127.0.0.1:8080', headers: process.env['TOKEN'] ? { authorization: `Bearer ${process.env['TOKEN']}` } : {} },
      ]),
    ),
  },
});
