// The keys that a schema knows at a path, for suggestions.

/** What there is of a valibot schema: wrapped ones, steps, and what they hold. */
interface Schema {
  kind: string;
  wrapped?: Schema;
  pipe?: readonly Schema[];
  entries?: Readonly<Record<string, Schema>>;
  /** Schemas, or the texts of a picklist. */
  options?: readonly (Schema | string | number | bigint)[];
  value?: Schema;
  item?: Schema;
}

/** path: keys, and numbers of list items. */
export function knownKeys(schema: Schema | undefined, [key, ...rest]: readonly (string | number)[]): string[] {
  if (!schema) return [];
  const path = key === undefined ? [] : [key, ...rest];
  if (schema.wrapped) return knownKeys(schema.wrapped, path);
  // The last step that is a schema says what comes out.
  if (schema.pipe) return knownKeys(schema.pipe.filter((step) => step !== schema && holdsMore(step)).at(-1), path);
  if (schema.options) {
    const among = schema.options.flatMap((option) => (typeof option === "object" ? knownKeys(option, path) : []));
    return [...new Set(among)];
  }
  if (key === undefined) return Object.keys(schema.entries ?? {});
  const inner = schema.entries ? schema.entries[key] : (schema.item ?? schema.value);
  return knownKeys(inner, rest);
}

const holdsMore = ({ kind, wrapped, pipe, entries, options, value, item }: Schema) =>
  kind === "schema" && (wrapped ?? pipe ?? entries ?? options ?? value ?? item) !== undefined;
