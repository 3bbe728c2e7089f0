import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { asUser } from '../support/actors.js';
import { createTestApp } from '../support/create-test-app.js';
import { type Family, parseExposition } from '../support/exposition.js';
import { createSqlite } from '../support/stack.js';

const ROOT = join(__dirname, '../..');
const read = (file: string) => readFileSync(join(ROOT, file), 'utf8');
const TOKEN = 'a-token-for-the-tests';

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: Record<string, string>;
}
interface Panel {
  readonly title: string;
  readonly datasource?: { readonly uid: string };
  readonly targets?: readonly { readonly expr: string }[];
}

const ALERTS = (parse(read('ops/alerts.yml')) as { groups: { rules: Alert[] }[] }).groups.flatMap(
  ({ rules }) => rules,
);
const DASHBOARD = JSON.parse(read('ops/grafana/dashboards/watchlist.json')) as { panels: Panel[] };
const PANELS = DASHBOARD.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr }) => [title, expr] as const),
);
const EXPRESSIONS = [...ALERTS.map(({ alert, expr }) => [alert, expr] as const), ...PANELS];

/** What Prometheus adds by itself. */
const OWN_METRICS = ['up', 'ALERTS'];
const OWN_LABELS = ['job', 'instance', 'alertname', 'alertstate'];
const WORDS = ['and', 'or', 'unless', 'by', 'without', 'ignoring', 'on', 'bool'];

interface Selector {
  readonly metric: string;
  readonly matchers: readonly (readonly [label: string, operator: string, value: string])[];
}

/** The metrics that an expression asks for, each with what is asked of its labels; and the labels that it groups by. */
function askedIn(expression: string): { selectors: Selector[]; grouped: string[] } {
  const grouped: string[] = [];
  const rest = expression.replace(/\b(?:by|without|ignoring|on)\s*\(([^)]*)\)/g, (_, labels: string) => {
    grouped.push(...labels.split(',').map((label) => label.trim()));
    return ' ';
  });
  const selectors = [...rest.matchAll(/(?<![\w.$])([a-zA-Z_]\w*)\s*(?:\{([^}]*)\})?(\s*\()?/g)]
    .filter(([, name, , call]) => call === undefined && !WORDS.includes(name!))
    // The unit of a duration's digits is no name, and neither is what stands between quotes.
    .map(([, metric, inBraces = '']) => ({
      metric: metric!,
      matchers: [...inBraces.matchAll(/(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g)].map(
        ([, label, operator, value]) => [label!, operator!, value!] as const,
      ),
    }));
  return { selectors, grouped };
}

/** Every metric that a server can have: one that has a webhook and Redis. */
async function everything(): Promise<Map<string, Family>> {
  const storage = await createSqlite();
  const server = await createTestApp({
    storage: { ...storage, env: { ...storage.env, REDIS_URL: 'redis://127.0.0.1:9' } },
    env: {
      METRICS_TOKEN: TOKEN,
      AUDIT_WEBHOOK_URL: 'http://127.0.0.1:9/hook',
      AUDIT_WEBHOOK_SECRET: 'a secret for tests of the webhook',
    },
  });
  try {
    await asUser(server);
    const { text } = await server
      .request()
      .get('/metrics')
      .set('authorization', `Bearer ${TOKEN}`)
      .expect(200);
    return parseExposition(text);
  } finally {
    await server.close();
    await storage.remove();
  }
}

describe('ops/', () => {
  let families: Map<string, Family>;
  beforeAll(async () => {
    families = await everything();
  });

  const familyOf = (metric: string) =>
    families.get(metric) ?? families.get(metric.replace(/_(bucket|sum|count)$/, ''));
  const labelsOf = (metric: string) => [
    ...OWN_LABELS,
    ...new Set(familyOf(metric)!.samples.flatMap(({ labels }) => Object.keys(labels))),
  ];

  it.each(EXPRESSIONS)('%s asks for nothing that is never told: %s', (_what, expression) => {
    const { selectors, grouped } = askedIn(expression);
    expect(selectors).not.toEqual([]);
    const known = new Set<string>(OWN_LABELS);
    for (const { metric, matchers } of selectors) {
      if (OWN_METRICS.includes(metric)) continue;
      const family = familyOf(metric);
      expect({ metric, isTold: family !== undefined }).toEqual({ metric, isTold: true });
      const isPart = family!.name !== metric;
      expect({ metric, isPart }).toEqual({ metric, isPart: family!.type === 'histogram' });
      for (const label of labelsOf(metric)) known.add(label);
      for (const [label, operator, value] of matchers) {
        expect(labelsOf(metric)).toContain(label);
        // Those of our own counters are there from the beginning.
        if (operator === '=' && metric.startsWith('watchlist_') && !OWN_LABELS.includes(label))
          expect(family!.samples.map(({ labels }) => labels[label])).toContain(value);
      }
    }
    expect([...known]).toEqual(expect.arrayContaining(grouped));
  });

  it('shows on the dashboard whatever is our own', () => {
    const shown = PANELS.flatMap(([, expression]) =>
      askedIn(expression).selectors.map(({ metric }) => metric),
    );
    const own = [...families.keys()].filter((name) => name.startsWith('watchlist_'));
    expect(own.length).toBeGreaterThan(10);
    expect(shown).toEqual(expect.arrayContaining(own));
  });

  it('finds what is wrong on purpose', () => {
    const { selectors, grouped } = askedIn(
      'sum by (le, nobody) (rate(a_total{b="c", d=~"e|f"}[5m])) / 2e3 > bool up or vector(0) and ignoring (x) b_total == 1',
    );
    expect(selectors.map(({ metric }) => metric)).toEqual(['a_total', 'up', 'b_total']);
    expect(selectors[0]!.matchers).toEqual([
      ['b', '=', 'c'],
      ['d', '=~', 'e|f'],
    ]);
    expect(grouped).toEqual(['le', 'nobody', 'x']);
    expect(familyOf('watchlist_nothing_total')).toBeUndefined();
  });
});

describe('docs/operations.md', () => {
  const section =
    read('docs/operations.md')
      .split(/^## /m)
      .find((text) => text.startsWith('Alerts\n')) ?? '';

  it('says of each alert, and of no other, what it means and what to do', () => {
    const entries = section.split(/^### /m).slice(1);
    const names = entries.map((entry) => entry.split('\n')[0]!);
    expect(names).toEqual([...new Set(names)]);
    expect(names.sort()).toEqual(ALERTS.map(({ alert }) => alert).sort());
    // Two paragraphs at least.
    for (const entry of entries) expect(entry.trim().split('\n\n').length).toBeGreaterThan(2);
  });

  it.each(ALERTS.map(({ alert, annotations }) => [alert, annotations] as const))(
    'is where the alert %s leads',
    (alert, { runbook, summary }) => {
      expect(runbook).toBe(`docs/operations.md#${alert.toLowerCase()}`);
      expect(summary).toMatch(/\w/);
    },
  );
});

interface Service {
  readonly image?: string;
  readonly profiles?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly tmpfs?: readonly string[];
  readonly networks?: readonly string[] | Record<string, object | null>;
  readonly environment?: Record<string, string>;
  readonly healthcheck?: object;
}
const { services, networks } = parse(read('docker-compose.yml')) as {
  services: Record<'api' | 'caddy' | 'prometheus' | 'grafana', Service>;
  networks: Record<string, { internal?: boolean; ipam?: object } | null>;
};

describe('docker-compose.yml', () => {
  it('publishes to clients only the two ports of Caddy, which finds every replica of the api', () => {
    const published = Object.entries(services).flatMap(([name, { ports = [] }]) =>
      ports.filter((port) => !port.startsWith('127.0.0.1:')).map((port) => `${name} ${port}`),
    );
    expect(published).toEqual(['caddy 8000:8000', 'caddy 8501:8501']);
    expect(read('ops/Caddyfile')).toContain(`dynamic a api ${services.api.environment!['PORT']} {`);
    expect(services.caddy.volumes).toContain('./ops/Caddyfile:/etc/caddy/Caddyfile:ro');
  });

  it('leaves all subnets and addresses to Docker, so that they cannot collide with its own', () => {
    for (const [name, network] of Object.entries(networks))
      expect({ name, ipam: network?.ipam }).toEqual({ name, ipam: undefined });
    for (const [name, { networks: attached = [] }] of Object.entries(services)) {
      const fixed = Object.values(attached).filter((options) =>
        JSON.stringify(options)?.includes('_address'),
      );
      expect({ name, fixed }).toEqual({ name, fixed: [] });
    }
  });

  it('mounts something on each folder that an image declares as a volume, so that no anonymous volume remains', () => {
    const declared: Record<string, readonly string[]> = {
      Dockerfile: JSON.parse(/^VOLUME (.*)$/m.exec(read('Dockerfile'))![1]!) as string[],
      caddy: ['/config', '/data'],
      postgres: ['/var/lib/postgresql'],
      redis: ['/data'],
      'prom/prometheus': ['/prometheus'],
      'grafana/grafana': [],
    };
    for (const [name, { image, volumes = [], tmpfs = [] }] of Object.entries(services)) {
      const mounted = [...volumes.map((volume) => volume.split(':')[1]!), ...tmpfs];
      const folders = declared[image?.split(':')[0] ?? 'Dockerfile']!;
      expect({ name, missing: folders.filter((folder) => !mounted.includes(folder)) }).toEqual({
        name,
        missing: [],
      });
    }
  });
});

describe('the Compose profile observability', () => {
  const watchers = [services.prometheus, services.grafana];
  const networksOf = ({ networks: names = [] }: Service) =>
    Array.isArray(names) ? names : Object.keys(names);

  it('is Prometheus and Grafana, of versions that do not change by themselves, seen from this machine only', () => {
    for (const { image, profiles, ports, healthcheck } of watchers) {
      expect(profiles).toEqual(['observability']);
      expect(image).toMatch(/:v?\d+\.\d+\.\d+$/);
      expect(ports).toEqual([expect.stringMatching(/^127\.0\.0\.1:\d+:\d+$/)]);
      expect(healthcheck).toBeDefined();
    }
  });

  it('scrapes METRICS_PORT of each replica, over a network that is internal', () => {
    const { scrape_configs: jobs, rule_files: rules } = parse(read('ops/prometheus.yml')) as {
      scrape_configs: object[];
      rule_files: string[];
    };
    const port = services.api.environment!['METRICS_PORT'];
    expect(jobs).toEqual([
      { job_name: 'watchlist', dns_sd_configs: [{ names: ['api'], type: 'A', port: Number(port) }] },
    ]);
    const common = networksOf(services.api).filter((name) => networksOf(services.prometheus).includes(name));
    expect(common.map((name) => networks[name]?.internal)).toEqual([true]);
    expect(services.prometheus.volumes).toEqual(
      expect.arrayContaining([
        `./ops/alerts.yml:${rules[0]}:ro`,
        './ops/prometheus.yml:/etc/prometheus/prometheus.yml:ro',
      ]),
    );
  });

  it('mounts what is there', () => {
    const files = watchers
      .flatMap(({ volumes = [] }) => volumes)
      .flatMap((volume) => /^\.\/([^:]+)/.exec(volume)?.[1] ?? []);
    expect(files.length).toBeGreaterThan(3);
    for (const file of files)
      expect({ file, exists: existsSync(join(ROOT, file)) }).toEqual({ file, exists: true });
  });

  it('has no user in Grafana who could have a password', () => {
    expect(services.grafana.environment).toMatchObject({
      GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION: 'true',
      GF_AUTH_DISABLE_LOGIN_FORM: 'true',
      GF_AUTH_BASIC_ENABLED: 'false',
      GF_AUTH_ANONYMOUS_ORG_ROLE: 'Viewer',
    });
  });

  it('shows the dashboard from the Prometheus that is there', () => {
    const { datasources } = parse(read('ops/grafana/provisioning/datasources/prometheus.yml')) as {
      datasources: { uid: string; url: string }[];
    };
    expect(datasources).toEqual([expect.objectContaining({ url: 'http://prometheus:9090' })]);
    const uids = JSON.stringify(DASHBOARD).match(/"uid":"[^"]+"/g);
    expect(new Set(uids)).toEqual(new Set([`"uid":"${datasources[0]!.uid}"`, '"uid":"watchlist"']));
    const { providers } = parse(read('ops/grafana/provisioning/dashboards/watchlist.yml')) as {
      providers: { options: { path: string } }[];
    };
    expect(services.grafana.volumes).toContain(`./ops/grafana/dashboards:${providers[0]!.options.path}:ro`);
  });
});
