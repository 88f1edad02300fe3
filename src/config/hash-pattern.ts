/** `scrypt$N$r$p$SALT$KEY`, the last two in base64url: what stands in the config for a password. */
export const HASH_PATTERN = /^scrypt\$(\d{1,7})\$(\d{1,2})\$(\d{1,2})\$([\w-]{16,})\$([\w-]{43})$/;
