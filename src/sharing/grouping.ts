/** Who may share with whom: each member is in one group. */
export interface Grouping {
  /** Names of the groups. */
  groups: readonly string[];
  /** By member: the number of its group. */
  of: Uint32Array;
}

/** The grouping in which members with the same key are together; groups are in the order of their first members. */
export function groupBy(
  keys: readonly string[],
  nameOf: (key: string, group: number) => string = (key) => key,
): Grouping {
  const numbers = new Map<string, number>();
  const of = Uint32Array.from(keys, (key) => {
    const number = numbers.get(key) ?? numbers.size;
    numbers.set(key, number);
    return number;
  });
  return { groups: [...numbers.keys()].map(nameOf), of };
}

/** Groups of numbered members, named 1 to K in the order of their first members. */
export function numberGroups(of: ArrayLike<number>): Grouping {
  return groupBy(Array.from(of, String), (_, group) => String(group + 1));
}
