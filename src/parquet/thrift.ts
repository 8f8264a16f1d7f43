// Whether bytes are a struct of Thrift's compact protocol. hyparquet takes numbers of any length and lists of any size, which
// may keep it busy for hours.
// Format: apache/thrift, doc/specs/thrift-compact-protocol.md.

import { damaged, type Reader, readVarint, skipVarint } from "./runs.js";

/** Parquet's own structs are half as deep. */
const MOST_DEPTH = 16;
const STOP = 0;
const ELEMENTS_A_TURN = 64;
const TYPE = { TRUE: 1, FALSE: 2, BYTE: 3, I16: 4, I32: 5, I64: 6, DOUBLE: 7, BINARY: 8, LIST: 9, STRUCT: 12 } as const;

/** Where the struct that begins at an offset ends. */
export function structEnd(bytes: Uint8Array, at: number): number {
  const reader = { bytes, at };
  skipStruct(reader, 0);
  return reader.at;
}

/** A list of structs that is a field of the outermost struct: where it begins, each element, and where the last one ends. */
export interface StructList {
  at: number;
  elements: number[];
  end: number;
}

/** The lists of structs of the struct that begins the bytes and ends with them, by the numbers of their fields. */
export async function structLists(
  bytes: Uint8Array,
  pause: () => Promise<void> | undefined,
): Promise<Map<number, StructList>> {
  const reader = { bytes, at: 0 };
  const lists = new Map<number, StructList>();
  for (let number = 0; ; ) {
    const field = nextByte(reader);
    const type = field & 15;
    if (type === STOP) return lists;
    number = field >> 4 === 0 ? readVarint(reader) >> 1 : number + (field >> 4);
    const head = bytes[reader.at];
    // Of an empty list some programs do not write of what it would be.
    if (type === TYPE.LIST && ((head & 15) === TYPE.STRUCT || head >> 4 === 0)) {
      lists.set(number, await listOfStructs(reader, pause));
    } else {
      skipValue(reader, type, 0);
    }
  }
}

async function listOfStructs(reader: Reader, pause: () => Promise<void> | undefined): Promise<StructList> {
  const list: StructList = { at: reader.at, elements: [], end: 0 };
  const head = nextByte(reader);
  const count = head >> 4 === 15 ? readVarint(reader) : head >> 4;
  if (count > reader.bytes.length - reader.at) throw damaged();
  for (let i = 0; i < count; i++) {
    list.elements.push(reader.at);
    skipStruct(reader, 2);
    const turn = i % ELEMENTS_A_TURN === 0 ? pause() : undefined;
    if (turn) await turn;
  }
  list.end = reader.at;
  return list;
}

/** What a list of so many structs begins with. */
export function listHead(count: number): Uint8Array {
  if (count < 15) return Uint8Array.of((count << 4) | TYPE.STRUCT);
  const head = [0xf0 | TYPE.STRUCT];
  for (let left = count; ; left >>>= 7) {
    head.push(left < 128 ? left : (left & 127) | 128);
    if (left < 128) return Uint8Array.from(head);
  }
}

function skipStruct(reader: Reader, depth: number): void {
  if (depth > MOST_DEPTH) throw damaged();
  for (;;) {
    const field = nextByte(reader);
    const type = field & 15;
    if (type === STOP) return;
    // A field's number follows where it is not a little more than the last one.
    if (field >> 4 === 0) skipVarint(reader);
    skipValue(reader, type, depth);
  }
}

function skipValue(reader: Reader, type: number, depth: number): void {
  if (type === TYPE.TRUE || type === TYPE.FALSE) return;
  if (type === TYPE.BYTE) skipBytes(reader, 1);
  else if (type === TYPE.I16 || type === TYPE.I32 || type === TYPE.I64) skipVarint(reader);
  else if (type === TYPE.DOUBLE) skipBytes(reader, 8);
  else if (type === TYPE.BINARY) skipBytes(reader, readVarint(reader));
  else if (type === TYPE.LIST) skipList(reader, depth + 1);
  else if (type === TYPE.STRUCT) skipStruct(reader, depth + 1);
  else throw damaged();
}

function skipList(reader: Reader, depth: number): void {
  if (depth > MOST_DEPTH) throw damaged();
  const head = nextByte(reader);
  const count = head >> 4 === 15 ? readVarint(reader) : head >> 4;
  // Within a list true and false take a byte, as all others do at least.
  const type = (head & 15) <= TYPE.FALSE ? TYPE.BYTE : head & 15;
  if (count > reader.bytes.length - reader.at) throw damaged();
  for (let i = 0; i < count; i++) skipValue(reader, type, depth);
}

function nextByte(reader: Reader): number {
  skipBytes(reader, 1);
  return reader.bytes[reader.at - 1];
}

function skipBytes(reader: Reader, count: number): void {
  if (count > reader.bytes.length - reader.at) throw damaged();
  reader.at += count;
}
