// Fractions as they are, for sums that must come out exactly.

export class Fraction {
  private readonly over: bigint;
  private readonly under: bigint;

  constructor(over: number | bigint, under: number | bigint = 1) {
    const [a, b] = [BigInt(over), BigInt(under)];
    const divisor = commonDivisor(a < 0n ? -a : a, b);
    this.over = a / divisor;
    this.under = b / divisor;
  }

  plus({ over, under }: Fraction): Fraction {
    return new Fraction(this.over * under + over * this.under, this.under * under);
  }

  minus({ over, under }: Fraction): Fraction {
    return this.plus(new Fraction(-over, under));
  }

  /** The whole part of a fraction that is not negative. */
  whole(): bigint {
    return this.over / this.under;
  }

  /** With 12 decimals. */
  toString(): string {
    const size = this.over < 0n ? -this.over : this.over;
    const digits = String((size * 10n ** 12n) / this.under).padStart(13, "0");
    return `${this.over < 0n ? "-" : ""}${digits.slice(0, -12)}.${digits.slice(-12)}`;
  }
}

function commonDivisor(a: bigint, b: bigint): bigint {
  return a === 0n ? b : commonDivisor(b % a, a);
}
