import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const API = process.env['API_BASE_URL'] ?? 'http://localhost:8000';

export default defineConfig({
  base: '/dashboard/',
  plugins: [react()],
  build: {
    // What is small would otherwise become a data: address, which the page's policy allows for images only.
    assetsInlineLimit: 0,
  },
  // `npm run dev`: the page from here, with every change at once; the rest from a server, as one origin.
  server: { port: 5173, proxy: { '/v1': API, '/health': API } },
});
