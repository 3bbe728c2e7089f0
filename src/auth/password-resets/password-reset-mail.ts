import type { Mail } from '../../common/mail/mailer.js';
import type { PasswordResetPurpose } from './password-reset.entity.js';

const FORGOTTEN = {
  subject: 'Choose a new password for your Watchlist',
  why: 'Somebody, probably you, asked for a new password for the Watchlist account of this address.',
  otherwise:
    'It was not you? Then do nothing: your password stays as it is, and nobody but you has this link.',
};
const INVITATION = {
  subject: 'You are invited to Watchlist',
  why: 'An administrator has made a Watchlist account for this address. Choose a password to begin.',
  otherwise:
    'You do not want one, or do not know why you get this? Then do nothing: without a password nobody can use it.',
};

/** What is sent, in plain text and in the same words as HTML. */
export function passwordResetMail(
  { purpose, email, expiresAt }: { purpose: PasswordResetPurpose; email: string; expiresAt: Date },
  link: string,
): Mail {
  const { subject, why, otherwise } = purpose === 'invitation' ? INVITATION : FORGOTTEN;
  const until = `The link is good once, until ${expiresAt.toUTCString()}.`;
  const paragraphs = [why, until, otherwise];
  const [before, ...after] = paragraphs.map((text) => `<p>${escaped(text)}</p>`);
  const anchor = `<p><a href="${escaped(link)}">${escaped(link)}</a></p>`;
  return {
    to: email,
    subject,
    text: [why, link, until, otherwise].join('\n\n'),
    html: `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escaped(subject)}</title></head><body>${[before, anchor, ...after].join('')}</body></html>`,
  };
}

const escaped = (text: string) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
