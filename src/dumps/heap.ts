/** Numbers of which the least is at hand. */
export class Heap {
  private readonly items: number[] = [];

  get size(): number {
    return this.items.length;
  }

  top(): number {
    return this.items[0];
  }

  push(item: number): void {
    const { items } = this;
    let i = items.push(item) - 1;
    for (; i > 0 && item < items[(i - 1) >> 1]; i = (i - 1) >> 1) items[i] = items[(i - 1) >> 1];
    items[i] = item;
  }

  pop(): void {
    const { items } = this;
    const last = items.pop() as number;
    if (items.length === 0) return;
    let i = 0;
    for (let child = 1; child < items.length; child = 2 * i + 1) {
      if (child + 1 < items.length && items[child + 1] < items[child]) child++;
      if (items[child] >= last) break;
      items[i] = items[child];
      i = child;
    }
    items[i] = last;
  }
}
