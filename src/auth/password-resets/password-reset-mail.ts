import type { Mail } from '../../common/mail/mailer.js';
import type { PasswordResetPurpose } from './password-reset.entity.js';

const FORGOTTEN = {
  subject: 'Choose a new password for your Watchlist',
  why: 'You or another person requested a new password for the Watchlist account with this address.',
  otherwise:
    'If you did not request it, ignore this mail. Your password stays the same, and only you have this link.',
};
const INVITATION = {
  subject: 'You are invited to Watchlist',
  why: 'An administrator has created a Watchlist account for this address. Choose a password to begin.',
  otherwise:
    'If you do not want the account, ignore this mail. The account cannot be used until a password is set.',
};

/** Builds the mail with the same words as plain text and as HTML. */
export function passwordResetMail(
  { purpose, email, expiresAt }: { purpose: PasswordResetPurpose; email: string; expiresAt: Date },
  link: string,
): Mail {
  const { subject, why, otherwise } = purpose === 'invitation' ? INVITATION : FORGOTTEN;
  const until = `The link works once, until ${expiresAt.toUTCString()}.`;
  const paragraphs = [why, until, otherwise];
  const [before, ...after] = paragraphs.map((text) => `<p>${escapeHtml(text)}</p>`);
  const anchor = `<p><a href="${escapeHtml(link)}">${escapeHtml(link)}</a></p>`;
  return {
    to: email,
    subject,
    text: [why, link, until, otherwise].join('\n\n'),
    html: `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(subject)}</title></head><body>${[before, anchor, ...after].join('')}</body></html>`,
  };
}

const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
