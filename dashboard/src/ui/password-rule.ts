/** For people to read. The server has the last word: it refuses what is common, too. */
export const PASSWORD_RULE = 'At least 8 characters; not a common one, nor your e-mail address.';
