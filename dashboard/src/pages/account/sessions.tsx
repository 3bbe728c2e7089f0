import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useRef } from 'react';
import { api } from '../../api/client.js';
import { answerOf, hasCode, messageOf } from '../../api/problem.js';
import type { SignedInSession } from '../../api/types.js';
import { Button } from '../../ui/button.js';
import { Failed, Loading } from '../../ui/states.js';
import { useTitle } from '../../ui/title.js';
import { toast } from '../../ui/toasts.js';
import { useAction } from '../../ui/use-action.js';
import { Ago, OnDay } from '../../ui/when.js';
import { deviceName } from './device-name.js';
import { Section } from './section.js';

export const SESSIONS = ['sessions'];

export function Sessions() {
  useTitle('Sessions');
  const heading = useRef<HTMLHeadingElement>(null);
  const { data, error, refetch } = useQuery({
    queryKey: SESSIONS,
    queryFn: async () => (await answerOf(api.GET('/v1/auth/sessions'))).sessions,
  });
  const queries = useQueryClient();
  /** What had the focus is gone with its session. */
  const ended = async (text: string) => {
    await queries.invalidateQueries({ queryKey: SESSIONS });
    heading.current?.focus();
    toast({ text });
  };
  const others = data?.filter(({ current }) => !current) ?? [];
  return (
    <Section
      title="Where you are signed in"
      headingRef={heading}
      action={others.length > 0 && <EndOthers onEnded={ended} />}
    >
      {data === undefined ? (
        <>{error === null ? <Loading /> : <Failed error={error} onRetry={() => void refetch()} />}</>
      ) : (
        <>
          <ul className="rows">
            {[...data.filter(({ current }) => current), ...others].map((session) => (
              <SessionRow key={session.id} session={session} onEnded={ended} />
            ))}
          </ul>
          {others.length === 0 && <p className="hint">Nowhere else but here.</p>}
        </>
      )}
    </Section>
  );
}

type OnEnded = (text: string) => Promise<void>;

function EndOthers({ onEnded }: { readonly onEnded: OnEnded }) {
  const { mutate, isPending } = useAction({
    mutationFn: () => answerOf(api.DELETE('/v1/auth/sessions')),
    onSuccess: () => onEnded('You are signed out everywhere else.'),
    onError: (error) => toast({ text: messageOf(error), tone: 'error' }),
  });
  return (
    <Button isPending={isPending} onPress={() => mutate()}>
      Sign out everywhere else
    </Button>
  );
}

function SessionRow({ session, onEnded }: { readonly session: SignedInSession; readonly onEnded: OnEnded }) {
  const device = deviceName(session.device);
  return (
    <li className="row" aria-label={device}>
      <div className="row-text">
        <strong title={session.device ?? undefined}>{device}</strong>
        {session.current && <span className="tag">This one</span>}
        <div className="hint">
          {session.address !== null && `${session.address} · `}
          used <Ago at={session.last_used_at} /> · signed in on <OnDay at={session.created_at} />
        </div>
      </div>
      {!session.current && <EndSession id={session.id} device={device} onEnded={onEnded} />}
    </li>
  );
}

interface EndSessionProps {
  readonly id: string;
  readonly device: string;
  readonly onEnded: OnEnded;
}

function EndSession({ id, device, onEnded }: EndSessionProps) {
  const { mutate, isPending } = useAction({
    mutationFn: () =>
      answerOf(api.DELETE('/v1/auth/sessions/{session_id}', { params: { path: { session_id: id } } })),
    onSuccess: () => onEnded(`Signed out: ${device}.`),
    onError: (error) => {
      if (hasCode(error, 'SESSION_NOT_FOUND')) void onEnded(`It had ended already: ${device}.`);
      else toast({ text: messageOf(error), tone: 'error' });
    },
  });
  return (
    <Button isPending={isPending} onPress={() => mutate()}>
      Sign out<span className="visually-hidden"> {device}</span>
    </Button>
  );
}
