import { HttpService } from '@nestjs/axios';
import { WebhookReceiver, type WebhookReceiverMode } from '../../test/support/webhook-receiver.js';
import type { Env } from '../config/env.js';
import { signWebhookBody, WEBHOOK_CLIENT_DEFAULTS, WebhookClient } from './webhook.client.js';

const SECRET = 'a secret for tests of the webhook';
const EVENT = { id: 7, request_id: 'test', changes: { title: { from: null, to: 'Amélie 🎬' } } };

describe(signWebhookBody.name, () => {
  it('is what a receiver computes with another tool', () => {
    // printf '1795422600.{"id":7}' | openssl dgst -sha256 -hmac 'a secret for tests of the webhook'
    expect(signWebhookBody(SECRET, '{"id":7}', 1_795_422_600)).toBe(
      't=1795422600,v1=f0db0e0c63aa040f88233357ad59dca8238ed93cb85692caea447d418ff369e8',
    );
  });

  it.each([
    ['secret', signWebhookBody(`${SECRET}.`, '{"id":7}', 1_795_422_600)],
    ['body', signWebhookBody(SECRET, '{"id":8}', 1_795_422_600)],
    ['time', signWebhookBody(SECRET, '{"id":7}', 1_795_422_601)],
  ])('depends on the %s', (_what, other) => {
    expect(other.split('v1=')[1]).not.toBe(
      signWebhookBody(SECRET, '{"id":7}', 1_795_422_600).split('v1=')[1],
    );
  });
});

describe(WebhookClient.name, () => {
  let receiver: WebhookReceiver;
  beforeAll(async () => {
    receiver = await WebhookReceiver.start();
  });
  afterAll(() => receiver.close());
  beforeEach(() => {
    receiver.deliveries.length = 0;
  });

  function clientOf(url = receiver.url, timeoutMs = WEBHOOK_CLIENT_DEFAULTS.timeoutMs): WebhookClient {
    const env = { AUDIT_WEBHOOK_URL: url, AUDIT_WEBHOOK_SECRET: SECRET } as Env;
    return new WebhookClient(new HttpService(), env, { timeoutMs });
  }

  describe('post', () => {
    it('sends the event and signs exactly what it sends', async () => {
      receiver.answer('ok');
      await clientOf().postEvent(EVENT);
      expect(receiver.deliveries).toHaveLength(1);
      const { event, body, headers } = receiver.deliveries[0]!;
      expect(event).toEqual(EVENT);
      const sent = String(headers['x-watchlist-signature']);
      expect(sent).toBe(signWebhookBody(SECRET, body, Number(/^t=(\d+)/.exec(sent)![1])));
    });

    it.each<[mode: WebhookReceiverMode, message: RegExp]>([
      ['server error', /status code 500/],
      ['gone', /status code 410/],
      ['redirect', /status code 307/],
      ['reset', /socket hang up|ECONNRESET/],
      ['huge', /maxContentLength/],
    ])('fails, and does not try again, when the answer is: %s', async (mode, message) => {
      receiver.answer(mode);
      await expect(clientOf().postEvent(EVENT)).rejects.toThrow(message);
      expect(receiver.deliveries).toHaveLength(1);
    });

    it.each<WebhookReceiverMode>(['hang', 'drip'])(
      'gives up on an answer that takes too long: %s',
      async (mode) => {
        receiver.answer(mode);
        await expect(clientOf(receiver.url, 250).postEvent(EVENT)).rejects.toThrow('canceled');
      },
    );

    it('fails when nobody listens', async () => {
      const gone = await WebhookReceiver.start();
      const { url } = gone;
      await gone.close();
      await expect(clientOf(url).postEvent(EVENT)).rejects.toThrow('ECONNREFUSED');
    });

    it('goes to the configured URL and not to a proxy that the environment names', async () => {
      receiver.answer('ok');
      const elsewhere = await WebhookReceiver.start();
      process.env['http_proxy'] = elsewhere.url;
      try {
        await clientOf().postEvent(EVENT);
      } finally {
        delete process.env['http_proxy'];
        await elsewhere.close();
      }
      expect(receiver.deliveries).toHaveLength(1);
      expect(elsewhere.deliveries).toHaveLength(0);
    });
  });
});
