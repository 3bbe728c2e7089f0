import { domainToASCII } from 'node:url';
import { isEmail } from 'class-validator';

const MAXIMUM_GIVEN_LENGTH = 1024;

/**
 * One spelling per mailbox: trimmed, lower-cased, the domain in its ASCII form; computed here and not by the
 * databases, whose ideas of lower case differ. Local parts are ASCII and unquoted, so that no two look alike.
 *
 * @returns undefined when this is no e-mail address that we accept
 */
export function canonicalEmail(text: string): string | undefined {
  // Measured first, because what follows takes time that grows with the length. There can be spaces around an address.
  if (text.length > MAXIMUM_GIVEN_LENGTH) return undefined;
  // Of ASCII only what names are made of: domainToASCII reads its argument as a URL and drops /path, ?query and the like.
  const parts = /^([\x21-\x7e]+)@([A-Za-z0-9.\-\u0080-\u{10ffff}]+)$/u.exec(text.trim());
  if (parts === null) return undefined;
  const email = `${parts[1]!.toLowerCase()}@${domainToASCII(parts[2]!)}`;
  const accepted = isEmail(email, { allow_utf8_local_part: false, domain_specific_validation: false });
  return accepted && !email.startsWith('"') && email.length <= 254 ? email : undefined;
}
