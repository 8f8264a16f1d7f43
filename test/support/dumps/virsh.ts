// Writes what `virsh save` writes: a header in the host's byte order, the domain's XML, and the stream.

export interface Saved {
  stream: Buffer;
  /** 0 raw, 1 gzip, 2 bzip2, 3 xz, 4 lzop, 5 zstd, 6 sparse. */
  packedAs?: number;
  version?: number;
  magic?: string;
  bigEndian?: boolean;
  /** Bytes that the XML takes, padded with zeros. */
  dataBytes?: number;
}

const XML = "<domain type='kvm'><name>small</name></domain>\0";
const HEADER_BYTES = 92;

export function saved({ stream, packedAs = 0, version = 2, magic = "LibvirtQemudSave", ...rest }: Saved): Buffer {
  const { bigEndian = false, dataBytes = 256 } = rest;
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(magic, "latin1");
  for (const [i, word] of [version, dataBytes, 1, packedAs, 0].entries())
    if (bigEndian) header.writeUInt32BE(word, 16 + 4 * i);
    else header.writeUInt32LE(word, 16 + 4 * i);
  const data = Buffer.alloc(dataBytes);
  data.write(XML);
  return Buffer.concat([header, data, stream]);
}

/** Where the stream begins if the XML takes so many bytes. */
export const streamAt = (dataBytes = 256) => HEADER_BYTES + dataBytes;
