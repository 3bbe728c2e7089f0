// npm start runs this first. It builds unless the built files are newer than everything that they are made of.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const SOURCES = [
  'src',
  'dashboard/src',
  'clients/typescript/src',
  'dashboard/index.html',
  'dashboard/vite.config.ts',
  'nest-cli.json',
  'package-lock.json',
  'package.json',
  'rolldown.config.js',
  'tsconfig.build.json',
  'tsconfig.json',
];
const BUILT = ['dist/main.js', 'dashboard/dist/index.html'];

/** The file, or all files in the folder. */
const filesOf = (path) =>
  statSync(path).isDirectory()
    ? readdirSync(path, { recursive: true })
        .map((name) => join(path, name))
        .filter((file) => statSync(file).isFile())
    : [path];
const changedAt = (file) => statSync(file).mtimeMs;

const isBuilt =
  BUILT.every((file) => existsSync(file)) &&
  Math.max(...SOURCES.filter(existsSync).flatMap(filesOf).map(changedAt)) < Math.min(...BUILT.map(changedAt));
if (!isBuilt)
  process.exitCode = spawnSync('npm', ['run', 'build'], { stdio: 'inherit', shell: true }).status ?? 1;
