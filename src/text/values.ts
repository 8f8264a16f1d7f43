// The grammar of the values that people write on the command line, in scenarios and in CSV files. A text that is not such a
// value gives undefined; the caller words the error.

const KIB = 1024;
const UNIT_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Bytes from `4096`, `64k`, `1.5g`, `64 MiB`: units are powers of 1024, in either case. Fractions of a byte are not a size. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt])?(?:i?b)?$/i.exec(text.trim());
  return match ? exact(Number(match[1]) * KIB ** " kmgt".indexOf((match[2] ?? " ").toLowerCase())) : undefined;
}

/** Clock ticks, rounded to the nearest, from `20ms`, `15s`, `2m`, `1h` or plain seconds. */
export function parseTime(text: string, ticksPerSecond: number): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text.trim());
  return match ? exact(Math.round(Number(match[1]) * (UNIT_MS[match[2] ?? "s"] * (ticksPerSecond / 1000)))) : undefined;
}

/** A whole number, digits only. */
export function parseCount(text: string): number | undefined {
  return /^\d+$/.test(text) ? exact(Number(text)) : undefined;
}

/** A fraction from 0 to 1: `0.1`, `.1`, `1`. */
export function parsePart(text: string): number | undefined {
  return /^(\d+\.?\d*|\.\d+)$/.test(text) && Number(text) <= 1 ? Number(text) : undefined;
}

/** A non-negative decimal without sign or exponent, such as the seconds after an `@`. */
export function parseDecimal(text: string): number | undefined {
  return /^\d+(\.\d+)?$/.test(text) && Number.isFinite(Number(text)) ? Number(text) : undefined;
}

/** `NAME=REST`, split at the first `=`; undefined without a name. */
export function splitName(text: string): { name: string; rest: string } | undefined {
  const equals = text.indexOf("=");
  return equals > 0 ? { name: text.slice(0, equals), rest: text.slice(equals + 1) } : undefined;
}

/** `NAME@SECONDS`, split at the last `@`; undefined without a name or valid seconds. */
export function splitSeconds(text: string): { name: string; seconds: number } | undefined {
  const at = text.lastIndexOf("@");
  const seconds = at > 0 ? parseDecimal(text.slice(at + 1)) : undefined;
  return seconds === undefined ? undefined : { name: text.slice(0, at), seconds };
}

function exact(value: number): number | undefined {
  return Number.isSafeInteger(value) ? value : undefined;
}

/** Whether a text has no half characters (surrogates), which no file could hold. */
export const isText = (text: string): boolean => !/\p{Cs}/u.test(text);
