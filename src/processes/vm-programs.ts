/** Programs whose memory is that of a guest. In 15 characters, which is all that the kernel keeps of a process's name. */
const VM_PROGRAMS = /^(qemu-system-|qemu-kvm|cloud-hyperviso|firecracker|crosvm|lkvm)/;

/** Whether a program, by the name of its file or of the process, runs virtual machines. */
export const isVmProgram = (name: string): boolean => VM_PROGRAMS.test(name);
