/**
 * The program of the pause image: process 1 of each pod, which holds the pod's namespaces open and does nothing. A
 * static ELF executable written byte by byte, so that no compiler and no registry is needed. Children that end are
 * reaped by the kernel, because the program ignores SIGCHLD.
 */
export function pauseProgram(architecture: "x64" | "arm64"): Uint8Array {
  const code = architecture === "x64" ? x64Code() : arm64Code();
  const file = Buffer.alloc(CODE_OFFSET + code.byteLength);
  // ELF header: 64 bit, little endian, executable.
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0], 0);
  file.writeUInt16LE(2, 16);
  file.writeUInt16LE(architecture === "x64" ? 62 : 183, 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(LOAD_ADDRESS + BigInt(CODE_OFFSET), 24);
  file.writeBigUInt64LE(BigInt(HEADER_BYTES), 32);
  file.writeUInt16LE(HEADER_BYTES, 52);
  file.writeUInt16LE(PROGRAM_HEADER_BYTES, 54);
  file.writeUInt16LE(1, 56);
  // The one segment: the whole file, readable and executable.
  file.writeUInt32LE(1, HEADER_BYTES);
  file.writeUInt32LE(5, HEADER_BYTES + 4);
  file.writeBigUInt64LE(LOAD_ADDRESS, HEADER_BYTES + 16);
  file.writeBigUInt64LE(LOAD_ADDRESS, HEADER_BYTES + 24);
  file.writeBigUInt64LE(BigInt(file.byteLength), HEADER_BYTES + 32);
  file.writeBigUInt64LE(BigInt(file.byteLength), HEADER_BYTES + 40);
  file.writeBigUInt64LE(0x10000n, HEADER_BYTES + 48);
  file.set(code, CODE_OFFSET);
  return file;
}

const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const CODE_OFFSET = HEADER_BYTES + PROGRAM_HEADER_BYTES;
const LOAD_ADDRESS = 0x400000n;

/** The kernel's struct sigaction with SIG_IGN as its handler; 32 bytes do for both architectures. */
function ignoreAction(): Uint8Array {
  const action = Buffer.alloc(32);
  action.writeBigUInt64LE(1n, 0);
  return action;
}

/** rt_sigaction(SIGCHLD, action, 0, 8), then pause() for ever. */
function x64Code(): Uint8Array {
  const instructions = [
    [0xbf, 17, 0, 0, 0], // mov edi, 17 (SIGCHLD)
    [0x48, 0x8d, 0x35, 24, 0, 0, 0], // lea rsi, [rip + 24] (the action after the code)
    [0x31, 0xd2], // xor edx, edx
    [0x41, 0xba, 8, 0, 0, 0], // mov r10d, 8
    [0xb8, 13, 0, 0, 0], // mov eax, 13 (rt_sigaction)
    [0x0f, 0x05], // syscall
    [0xb8, 34, 0, 0, 0], // mov eax, 34 (pause)
    [0x0f, 0x05], // syscall
    [0xeb, 0xf7], // jmp to the mov before
  ].flat();
  return Buffer.concat([Uint8Array.from(instructions), ignoreAction()]);
}

/** rt_sigaction(SIGCHLD, action, 0, 8), then ppoll(0, 0, 0, 0) for ever: arm64 has no pause(). */
function arm64Code(): Uint8Array {
  const move = (register: number, value: number): number => (0xd2800000 | (value << 5) | register) >>> 0;
  const supervisorCall = 0xd4000001;
  const instructions = [
    move(0, 17),
    0, // adr x1, action: filled in below
    move(2, 0),
    move(3, 8),
    move(8, 134), // rt_sigaction
    supervisorCall,
    move(0, 0),
    move(1, 0),
    move(2, 0),
    move(3, 0),
    move(8, 73), // ppoll
    supervisorCall,
    0x17fffffa, // b six instructions back
  ];
  const distance = (instructions.length - 1) * 4;
  instructions[1] = (0x10000000 | ((distance & 3) << 29) | ((distance >> 2) << 5) | 1) >>> 0;
  const code = Buffer.alloc(instructions.length * 4);
  instructions.forEach((instruction, index) => {
    code.writeUInt32LE(instruction, index * 4);
  });
  return Buffer.concat([code, ignoreAction()]);
}
