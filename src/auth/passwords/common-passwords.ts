/** Shorter ones are refused for that. */
const SHORTEST = 8;

let passwords: Promise<ReadonlySet<string>> | undefined;

/** Both sides are folded before they are compared, because a capital letter or another spelling of é adds no safety. */
const normalize = (text: string) => text.normalize('NFC').toLowerCase();

async function loadCommonPasswords(): Promise<ReadonlySet<string>> {
  const { dictionary } = await import('@zxcvbn-ts/language-common');
  return new Set(
    dictionary['passwords-common'].map(normalize).filter((word) => [...word].length >= SHORTEST),
  );
}

/** Whether it is among the tens of thousands that are tried first. The list is loaded when it is first asked. */
export async function isCommonPassword(password: string): Promise<boolean> {
  passwords ??= loadCommonPasswords();
  return (await passwords).has(normalize(password));
}
