/** The shortest decimal without an exponent, for times and counts: 0, 15, 0.005. */
export function formatNumber(value: number): string {
  const text = String(value);
  if (!text.includes("e")) return text;
  const [digits, exponent] = text.split("e").map((part) => part.replace(".", ""));
  const point = text.split("e")[0].replace("-", "").split(".")[0].length + Number(exponent);
  return point > 0 ? digits.padEnd(point, "0") : `0.${"0".repeat(-point)}${digits}`;
}

export const rounded = (value: number, decimals: number): number => Number(value.toFixed(decimals));

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** Bytes for people: 1.5 GiB. */
export function formatBytes(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = Number.isInteger(value) ? 0 : value < 10 ? 2 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** An address, offset or number of flags: 0x1f0. */
export const formatHex = (value: number | bigint): string => `0x${value.toString(16)}`;

/** A rate in per cent for people, under a heading that says so: 14.53. */
export const percent = (value: number): string => (100 * value).toFixed(2);

/** The same with its unit: 14.53 %. */
export const formatPercent = (value: number): string => `${percent(value)} %`;

/** A count for people: 217,088. */
export const formatCount = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ",");
