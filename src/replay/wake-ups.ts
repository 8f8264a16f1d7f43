/** Threads by the time at which they wake, those of one time by their numbers: a binary heap. */
export class WakeUps {
  private readonly threads: number[] = [];
  private readonly times: number[] = [];

  get count(): number {
    return this.threads.length;
  }

  /** Of the first one; Infinity: there is none. */
  get nextAt(): number {
    return this.threads.length > 0 ? this.times[this.threads[0]] : Infinity;
  }

  add(thread: number, at: number): void {
    this.times[thread] = at;
    let place = this.threads.push(thread) - 1;
    while (place > 0 && this.isBefore(thread, this.threads[(place - 1) >> 1])) {
      this.threads[place] = this.threads[(place - 1) >> 1];
      place = (place - 1) >> 1;
    }
    this.threads[place] = thread;
  }

  /** Takes the first one out; there is one. */
  take(): number {
    const first = this.threads[0];
    const last = this.threads.pop() as number;
    const count = this.threads.length;
    if (count === 0) return first;
    let place = 0;
    for (let child = 1; child < count; child = 2 * place + 1) {
      if (child + 1 < count && this.isBefore(this.threads[child + 1], this.threads[child])) child++;
      if (!this.isBefore(this.threads[child], last)) break;
      this.threads[place] = this.threads[child];
      place = child;
    }
    this.threads[place] = last;
    return first;
  }

  private isBefore(a: number, b: number): boolean {
    return this.times[a] < this.times[b] || (this.times[a] === this.times[b] && a < b);
  }
}
