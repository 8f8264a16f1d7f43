// Which blocks of a stream are the guest's RAM, by the names that QEMU gives them: a machine's RAM ("pc.ram"), a memory
// backend's id, or the address of a device on its bus and the name of its memory ("0000:00:02.0/vga.vram").
// Source: QEMU 7.2 and 10.0, the callers of vmstate_register_ram and memory_region_init_ram, _rom and _rom_device.

import type { Block } from "./blocks.js";

/** Memory of devices, firmware and boards, by the last part of its name. */
const DEVICE_MEMORY = [
  // pc.bios, bios.1fc; pc.rom, virtio-net-pci.rom, qxl.vrom, riscv_virt_board.mrom, imx25.rom0; virt.flash0, flash-code
  /(^|[._-])(isa-)?bios($|\.)/,
  /(^|[._-])[a-z]{0,2}rom\d*$/i,
  /(^|[._-])flash/i,
  /(^|[._-])(nvram|eNVM|firmware|dummy-fw|init-cache)($|\.)/,
  // vga.vram, qxl.vgavram, qxl.vram32, bochs-display-vram
  /(^|[._-])(vga)?vram\d*$/,
  /^(vga\.ram|next-video|sm501\.local|vmsvga\.fifo)$/,
  // Memory on the chip, which is not what -m gives.
  /(^|[._-])(e?s|ss|i|oc|l2s|b|block|lmb_b)ram([._\s-]?\w*)$/i,
  /^(pxa\d+\.internal|onenand\.ram|sun4m\.(idreg|afx))$/,
  /(^|[._-])(ocm\w*|[di]t[ci]m\w*|l2lim|l2cache_ram|xip|secure-ram)(\[\d+\])?$/,
  /^(secure-)?tag-memory$|^mach-virt\.(secure-)?tag$/,
  /^(tpm-ppi|tpm-crb-cmd|pvtime|vmclock_page|erst\w*(\.\w+)?|VMApple Config)$/,
  // Shared between guests: QEMU's own names, and libvirt's backends of <shmem>.
  /^ivshmem|\.bar\d+$|^shmmem-/,
  /^xen[:.](?!ram)/,
  /(^|[._-])(fifo|mmio|[rt]x\[\d\]buf)$/,
];
/** Files of the firmware: tables and programs that the guest loads by fw_cfg. */
const FIRMWARE_FILE = /^\/rom@/;
const IVSHMEM = /^(.+)\/ivshmem[^/]*$/;
const VIRTIO_MEM = /^(.+)\/virtio-mem$/;

/** Usual names of the memory of a board's firmware and display. */
const USUAL_DEVICE = /^(pc\.(bios|rom)|isa-bios|(virt|system|riscv_virt_board)\.flash\d+|vga\.vram)$/;
/** More than most firmware has. */
const LARGE = 2 ** 20;

/** devices: names of the guest's devices, "PATH/NAME", where the stream lists them. */
export function ramBlocks(blocks: readonly Block[], devices: readonly string[]): Block[] {
  const shared = pathsOf(devices, IVSHMEM);
  return blocks.filter(
    ({ name, bytes }) => bytes > 0 && !isDevice(name) && !pathsIn(name).some((at) => shared.has(at)),
  );
}

/** Blocks of which devices have plugged in a part. */
export function virtioMemBlocks(blocks: readonly Block[], devices: readonly string[]): Block[] {
  const paths = pathsOf(devices, VIRTIO_MEM);
  return blocks.filter(({ name }) => pathsIn(name).some((at) => paths.has(at)));
}

/** Large blocks that only their names tell from RAM; a user may have named a memory backend so. */
export function namedLikeDevices(blocks: readonly Block[]): Block[] {
  return blocks.filter(
    ({ name, bytes }) => bytes >= LARGE && !name.includes("/") && isDevice(name) && !USUAL_DEVICE.test(name),
  );
}

const pathsOf = (devices: readonly string[], kind: RegExp) =>
  new Set(devices.flatMap((name) => kind.exec(name)?.[1] ?? []));

/** What stands before each slash of a block's name; one of it is the path of the device whose block it is. */
export function pathsIn(name: string): string[] {
  const parts = name.split("/");
  return parts.slice(1).map((_, i) => parts.slice(0, i + 1).join("/"));
}

function isDevice(name: string): boolean {
  const last = name.slice(name.lastIndexOf("/") + 1);
  return FIRMWARE_FILE.test(name) || DEVICE_MEMORY.some((device) => device.test(last));
}
