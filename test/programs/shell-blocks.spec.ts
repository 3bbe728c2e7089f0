import { documents, shellBlocks } from '../support/documents.js';
import { type ServerProcess, startServer } from '../support/server-process.js';
import { availableShells, paste, type Shell, syntaxError } from '../support/shells.js';

/** These start the server, change the repository, or need Docker. */
const NOT_PASTED = /^(?:\w+=\S+ )*(?:npm|docker) /;
const pasted = (file: string) => shellBlocks(file).filter((block) => !NOT_PASTED.test(block));

/** What each block of a document prints, line by line. */
const PRINTS: Record<string, RegExp[][]> = {
  'README.md': [
    [/"email":"ada@example\.com"/, /"title":"Parasite".*"type":"movie"/, /"watchlist":\[\{.*"Parasite"/],
  ],
  'docs/api.md': [
    [/"email":"ada-\d+@example\.com"/, /"title":"Severance".*"type":"show"/],
    [],
    [/^HTTP\/1\.1 200/, /"watchlist":\[\{.*"Severance"/, /^x-cache: HIT/],
    [
      /"title":"Parasite \(2019\)"/,
      /"code":"PRECONDITION_FAILED"/,
      /"watchlist":\[.*"Parasite \(2019\)".*"Severance"/,
    ],
    [/^204$/, /"status":"ok"/, /^204$/],
    [/"audit_logs":\[/],
  ],
};

describe.each(availableShells())('%s', (shell: Shell) => {
  it.each(documents().filter((file) => shellBlocks(file).length > 0))(
    'can read every block of %s',
    (file) => {
      expect(shellBlocks(file).map((block) => syntaxError(shell, block))).toEqual(
        shellBlocks(file).map(() => undefined),
      );
    },
  );

  describe.each(Object.keys(PRINTS))('%s', (file) => {
    let server: ServerProcess;
    beforeAll(async () => {
      const admin = shellBlocks('docs/api.md').find((block) => block.startsWith('ADMIN_EMAIL='))!;
      const env = Object.fromEntries(
        [...admin.matchAll(/(\w+)=(\S+)/g)].map(([, name, value]) => [name, value]),
      );
      server = await startServer({ env: { ...env, HOST: '127.0.0.1' } });
    }, 120_000);
    afterAll(() => server.remove());

    it('does what it says when its blocks are pasted one after the other', async () => {
      const MARK = '--- next block ---';
      const text = pasted(file).join(`echo '${MARK}'\n`);
      const { code, stdout, stderr } = await paste(
        shell,
        text.replaceAll('localhost:8000', new URL(server.url).host),
        server.folder,
      );
      expect({ code, errors: stderr }).toEqual({ code: 0, errors: '' });
      const printed = stdout.split(`${MARK}\n`).map((lines) => lines.split('\n').slice(0, -1));
      expect(printed).toHaveLength(PRINTS[file]!.length);
      for (const [index, patterns] of PRINTS[file]!.entries()) {
        const found = patterns.filter((pattern) => printed[index]!.some((line) => pattern.test(line)));
        expect({ block: index, found }).toEqual({ block: index, found: patterns });
      }
    });
  });
});
