import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { api } from '../../api/client.js';
import { answerOf } from '../../api/problem.js';
import type { PersonalToken } from '../../api/types.js';
import { Button } from '../../ui/button.js';
import { Empty, Failed, Loading } from '../../ui/states.js';
import { useTitle } from '../../ui/title.js';
import { toast } from '../../ui/toasts.js';
import { Ago, OnDay } from '../../ui/when.js';
import { NewToken } from './new-token.js';
import { RevokeToken } from './revoke-token.js';
import { Section } from './section.js';

const TOKENS = ['tokens'];

export function Tokens() {
  useTitle('Personal tokens');
  const heading = useRef<HTMLHeadingElement>(null);
  const [isMaking, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<PersonalToken | null>(null);
  const { data, error, refetch } = useQuery({
    queryKey: TOKENS,
    queryFn: async () => (await answerOf(api.GET('/v1/auth/tokens'))).tokens,
  });
  const queries = useQueryClient();
  const reload = () => queries.invalidateQueries({ queryKey: TOKENS });
  const revoked = async ({ name }: PersonalToken) => {
    setRevoking(null);
    await reload();
    toast({ text: `Revoked: ${name}.` });
    // Its button is gone with it.
    heading.current?.focus();
  };
  return (
    <Section
      title="Personal tokens"
      headingRef={heading}
      action={
        <Button look="primary" onPress={() => setMaking(true)}>
          New token…
        </Button>
      }
    >
      <p className="hint">
        Keys for scripts: each is good for what it names and nothing else, and can be revoked by itself. Send
        it as <code>Authorization: Bearer wl_…</code>
      </p>
      {data === undefined ? (
        <>{error === null ? <Loading /> : <Failed error={error} onRetry={() => void refetch()} />}</>
      ) : data.length === 0 ? (
        <Empty title="No tokens yet" />
      ) : (
        <ul className="rows">
          {data.map((token) => (
            <TokenRow key={token.id} token={token} onRevoke={() => setRevoking(token)} />
          ))}
        </ul>
      )}
      {isMaking && <NewToken onMade={reload} onClose={() => setMaking(false)} />}
      {revoking !== null && (
        <RevokeToken token={revoking} onRevoked={revoked} onClose={() => setRevoking(null)} />
      )}
    </Section>
  );
}

function TokenRow({ token, onRevoke }: { readonly token: PersonalToken; readonly onRevoke: () => void }) {
  const { name, scopes, created_at, expires_at, last_used_at, last_address } = token;
  const isExpired = expires_at !== null && new Date(expires_at) <= new Date();
  return (
    <li className="row" aria-label={name}>
      <div className="row-text">
        <strong>{name}</strong>
        {scopes.map((scope) => (
          <code key={scope} className="tag">
            {scope}
          </code>
        ))}
        {isExpired && <span className="tag tag-danger">Expired</span>}
        <div className="hint">
          {last_used_at === null ? (
            'never used'
          ) : (
            <>
              used <Ago at={last_used_at} />
              {last_address !== null && ` from ${last_address}`}
            </>
          )}{' '}
          · made on <OnDay at={created_at} /> ·{' '}
          {expires_at === null ? (
            'good until revoked'
          ) : (
            <>
              {isExpired ? 'expired' : 'expires'} <Ago at={expires_at} />
            </>
          )}
        </div>
      </div>
      <Button onPress={onRevoke}>
        Revoke…<span className="visually-hidden"> {name}</span>
      </Button>
    </li>
  );
}
