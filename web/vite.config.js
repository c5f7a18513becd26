import { readFileSync } from 'node:fs';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

/**
 * Pretendard comes in 92 pieces, the rarest signs first. Those from here on hold Latin, punctuation
 * and the 1,400 syllables of everyday Korean; a file of its makers with the 2,350 of KS X 1001
 * stands in for the others (src/fonts.css), so that 2.3 MB of pieces need not be shipped.
 */
const FIRST_PIECE = 71;

/** @type {import('vite').Plugin} */
const fonts = {
  name: 'fonts',
  enforce: 'pre',
  transform(css, id) {
    if (!id.includes('pretendardvariable-dynamic-subset.css')) return;
    return css.replace(/\/\* \[(\d+)\] \*\/\s*@font-face \{[^}]*\}/g, (face, piece) => (Number(piece) < FIRST_PIECE ? '' : face));
  },
  generateBundle() {
    const source = readFileSync(new URL('node_modules/pretendard/dist/LICENSE.txt', import.meta.url));
    this.emitFile({ type: 'asset', fileName: 'assets/Pretendard-OFL.txt', source });
  },
};

/** The running Sori that `npm run dev` asks. */
const server = process.env.SORI_URL ?? 'http://127.0.0.1:8000';

export default defineConfig({
  plugins: [fonts, svelte()],
  build: { target: 'es2022', assetsInlineLimit: 0, cssCodeSplit: true, modulePreload: { polyfill: false } },
  server: { proxy: { '/v1': server, '/api': server } },
  test: { include: ['src/**/*.test.ts'] },
});
