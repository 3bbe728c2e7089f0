import { readFileSync } from 'node:fs';
import { parseEnv as parseEnvText } from 'node:util';
import { InvalidEnvironmentError } from './errors.js';

/**
 * `NAME=value`, perhaps with `export` in front, quotes and a comment behind. Node would cut an unquoted value at a `#`,
 * and take the lines behind a quote that is not closed for a part of the value.
 */
const LINE =
  /^\s*(?:export\s+)?[\w.-]+\s*=\s*(?:"[^"]*"|'[^']*'|`[^`]*`|(?:[^\s"'`#][^#]*)?)\s*(?:(?<=[\s=])#.*)?$/;

const readText = (file: string) => new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));

/**
 * The variables of `.env`; none without the file. The decoder drops a byte order mark, which would be a part of the first
 * name, and refuses UTF-16, of which Node would not read a line.
 *
 * @throws InvalidEnvironmentError for a line that would do nothing, or something else than it says
 */
export function readEnvFile(): Record<string, string> {
  let text: string;
  try {
    text = readText('.env');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    // Compose creates a folder in place of a file that it should mount and cannot find.
    throw new InvalidEnvironmentError([
      '.env cannot be read: it must be a file of NAME=value lines in UTF-8',
    ]);
  }
  const problems: string[] = [];
  const variables: Record<string, string> = {};
  for (const [index, line] of text.split(/\r\n|\n|\r/).entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    if (!LINE.test(line) || line.includes('\0')) {
      problems.push(
        `.env line ${index + 1} must be NAME=value on one line; a value with # or quotes goes in 'single quotes'`,
      );
      continue;
    }
    for (const [name, value = ''] of Object.entries(parseEnvText(line))) {
      if (Object.hasOwn(variables, name))
        problems.push(`.env line ${index + 1} sets ${name} again: keep one line`);
      variables[name] = value;
    }
  }
  if (problems.length > 0) throw new InvalidEnvironmentError(problems);
  return variables;
}
