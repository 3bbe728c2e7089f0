/** Of those that call themselves by several names, the first that is found here is the one that they are. */
const PROGRAMS: readonly (readonly [RegExp, string])[] = [
  [/\bEdgi?A?\w*\//, 'Edge'],
  [/\b(OPR|OPiOS)\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\b(Firefox|FxiOS)\//, 'Firefox'],
  [/\b(Chrome|CriOS|HeadlessChrome)\//, 'Chrome'],
  [/\bVersion\/.*\bSafari\//, 'Safari'],
];

const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bMac OS X\b/, 'macOS'],
  [/\bLinux\b/, 'Linux'],
];

/** What a `User-Agent` says, as a person would: "Firefox on Linux". For recognizing, not for deciding anything. */
export function deviceName(userAgent: string | null): string {
  if (userAgent === null) return 'Unknown device';
  const find = (names: typeof PROGRAMS) => names.find(([pattern]) => pattern.test(userAgent))?.[1];
  const program = find(PROGRAMS);
  const system = find(SYSTEMS);
  if (program !== undefined && system !== undefined) return `${program} on ${system}`;
  // `curl/8.5.0`, `node`: programs call themselves by one name.
  return program ?? system ?? /^[\w.-]+/.exec(userAgent)?.[0] ?? 'Unknown device';
}
