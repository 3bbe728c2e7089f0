import { existsSync } from 'node:fs';

const USUAL_PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/** Path of the browser that the tests drive, from `CHROMIUM_PATH` or where it usually is; undefined when there is none. */
export function chromiumPath() {
  const found = process.env.CHROMIUM_PATH ?? USUAL_PLACES.find((path) => existsSync(path));
  if (found === undefined && process.env.CI === 'true') {
    throw new Error(
      'There is no Chromium: set CHROMIUM_PATH or install chromium (with CI=true this is a failure).',
    );
  }
  if (found === undefined) {
    console.warn(
      '\n*** NO CHROMIUM: the tests of the dashboard in a browser are SKIPPED. Set CHROMIUM_PATH or install chromium. ***\n',
    );
  }
  return found;
}
