import { defineConfig } from 'rolldown';

/**
 * What tsc has made of src/ (build/), with all that it imports: 30 files in the place of 3,000, so that the server is
 * there in half the time and holds 12 MiB less. Decorators are tsc's, which knows the types behind them.
 */
export default defineConfig({
  input: ['main', 'cli/backup', 'cli/after-restore'].map((name) => `build/${name}.js`),
  platform: 'node',
  // What has a binary or files of its own, and what is only loaded where it is asked for: OpenTelemetry's SDK, which
  // finds its API by itself.
  external: /^(sqlite3|bcrypt|swagger-ui-dist|@opentelemetry\/[\w-]+)(\/|$)/,
  output: {
    dir: 'dist',
    cleanDir: true,
    // As deep as src/dashboard, which looks for the dashboard's files from there.
    chunkFileNames: 'chunks/[name]-[hash].js',
    sourcemap: true,
    // Names of classes are what Nest tells its providers apart by in the log.
    keepNames: true,
    // CommonJS modules that became part of an ES module go on to ask for these.
    banner: [
      "import { createRequire as createRequireHere } from 'node:module';",
      'const require = createRequireHere(import.meta.url);',
      'const { dirname: __dirname, filename: __filename } = import.meta;',
    ].join('\n'),
  },
  onLog(level, log, report) {
    // Drivers and transports of what is installed, which are not.
    if (log.code !== 'UNRESOLVED_IMPORT') report(level, log);
  },
});
