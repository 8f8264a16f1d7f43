/** The way out where a signature is there by chance. */
export const AS_RAW = "(--format raw reads its bytes as they are)";

/** What to do with files that are known and not read, by their kind. */
export const HINT = {
  windowsCrash: "convert it to a raw dump, for instance with Volatility 3 (vol -f FILE layerwriter)",
  zdmp: "decompress it with z2dmp, then convert the crash dump to a raw dump, for instance with Volatility 3 (vol -f FILE layerwriter)",
  minidump: "it holds parts of one process; take a full dump of the process or the machine",
  hibernation: "convert it to a raw dump, for instance with Hibr2Bin",
  rawHeader: "take a raw dump or a core another way",
  sadump: "convert it to kdump with makedumpfile (-x VMLINUX)",
  lkcd: "only crash reads it; take the dump again with kdump",
  s390: "convert it to an ELF core with zgetdump -f elf",
  freebsdMini: "set debug.minidump=0 and take a full dump, which is an ELF core",
  freebsd: "extract the core with savecore",
  solaris: "only mdb reads it; if the machine is a VM, take a dump with its hypervisor",
  swap: "it holds pages that were moved out of memory; take a dump of the memory, for instance with AVML or LiME",
  macho: "pagekin reads ELF cores; write the memory as a raw dump",
  criu: "make an ELF core of the images with CRIU's coredump tool",
  program: "name a memory dump",
  xen: "restore the domain and take xl dump-core",
  vmware: "name the .vmem file beside it",
  resume: "resume the VM and take a dump from inside it",
  virtualBox: "start the VM from it and run VBoxManage debugvm VM dumpvmcore --filename FILE",
  firecracker: "name the memory file of the snapshot",
  ewf: "export the memory image in it with ewfexport -f raw",
  aff: "export the memory image in it with affcat FILE > memory.raw",
  aff4: "export the memory image in it with an AFF4 tool",
  hpak: "export the memory in it with Volatility 2 (hpakextract)",
  qcow2: "it is a disk, not memory; of a VM state in it (savevm), start the VM with -loadvm and take dump-guest-memory",
  disk: "it is a disk, not memory; take a memory dump of the VM",
  archive: "extract the dump and name that",
  packed: "decompress it first",
  encrypted: "decrypt it first",
  other: "name a memory dump or a trace",
  text: "name a memory dump; the memory of a snapshot lies in another file",
} as const;

export type Hint = (typeof HINT)[keyof typeof HINT];
