// Which sections a stream has had so far, by their numbers. What was noted can be taken back, for a walk that went wrong.

interface Known {
  name: string;
  /** It may have further parts. */
  isLive: boolean;
}

export class SectionIds {
  private readonly known = new Map<number, Known>();
  private readonly changes: { id: number; before: Known | undefined }[] = [];

  /** How many changes there were. */
  get length(): number {
    return this.changes.length;
  }

  has(id: number): boolean {
    return this.known.has(id);
  }

  /** The name of a section that may go on. */
  nameOfLive(id: number): string | undefined {
    const known = this.known.get(id);
    return known?.isLive ? known.name : undefined;
  }

  set(id: number, name: string, isLive: boolean): void {
    this.changes.push({ id, before: this.known.get(id) });
    this.known.set(id, { name, isLive });
  }

  /** Takes back all changes but the first ones. */
  undo(length: number): void {
    for (const { id, before } of this.changes.splice(length).reverse())
      if (before) this.known.set(id, before);
      else this.known.delete(id);
  }
}
