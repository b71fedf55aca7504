import init, { type Sqlite3Static } from "@sqlite.org/sqlite-wasm";
import type { UnsyncedDisk } from "./unsynced-disk.ts";
import type { UnsyncedFile } from "./unsynced-file.ts";

/** Name under which SQLite knows the simulated disks. */
export const VFS_NAME = "simulated-disk";

const OK = 0;
const IOERR = 10;
const NOT_FOUND = 12;
const FULL = 13;
const CANTOPEN = 14;
const IOERR_SHORT_READ = 522;
const ACCESS_EXISTS = 0;
const OPEN_CREATE = 4;
/** Writing bytes does not damage those beside them: what SQLite takes for granted of any disk today. */
const POWERSAFE_OVERWRITE = 0x1000;
const PAGE_BYTES = 4096;
const MAXIMUM_PATH_BYTES = 256;
/** SQLite's own part of an open file: one pointer. */
const FILE_BYTES = 4;

/** SQLite, compiled to WebAssembly, on simulated disks: each is found by the first segment of a path. */
export interface WasmSqlite {
  readonly sqlite3: Sqlite3Static;
  mount(name: string, disk: UnsyncedDisk): void;
  unmount(name: string): void;
  /** SQLite's own random numbers begin anew from here, for runs that are alike. */
  seed(next: () => number): void;
}

let loaded: Promise<WasmSqlite> | undefined;

/** Loads it when it is first asked for: it takes longer than a world lives. */
export function wasmSqlite(): Promise<WasmSqlite> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<WasmSqlite> {
  const sqlite3 = await init();
  const { capi, wasm, vfs } = sqlite3;
  // A call that fails is thrown; the library would print it too.
  Object.assign(sqlite3.config, { warn: () => {}, error: () => {} });
  const disks = new Map<string, UnsyncedDisk>();
  const open = new Map<number, { readonly disk: UnsyncedDisk; readonly file: UnsyncedFile }>();
  let random = (): number => 0;

  const textAt = (pointer: number): string => wasm.cstrToJs(pointer) ?? "";
  const diskOf = (path: string): UnsyncedDisk | undefined => disks.get(path.split("/")[1] ?? "");
  const code = (failure: string | undefined): number =>
    failure === undefined ? OK : failure === "full" ? FULL : IOERR;
  const onFile = (
    pointer: number,
    call: (opened: { readonly disk: UnsyncedDisk; readonly file: UnsyncedFile }) => number,
  ): number => {
    const opened = open.get(pointer);
    return opened ? call(opened) : IOERR;
  };

  const io = new capi.sqlite3_io_methods();
  // Without shared memory: a write-ahead log needs the exclusive locking mode.
  Object.assign(io, { $iVersion: 1 });
  io.installMethods({
    xClose: (pointer: number) => {
      open.delete(pointer);
      return OK;
    },
    xRead: (pointer: number, buffer: number, amount: number, offset: bigint) =>
      onFile(pointer, ({ file }) => {
        const target = wasm.heap8u().subarray(buffer, buffer + amount);
        return file.read(target, Number(offset)) < amount ? IOERR_SHORT_READ : OK;
      }),
    xWrite: (pointer: number, buffer: number, amount: number, offset: bigint) =>
      onFile(pointer, ({ disk, file }) =>
        code(disk.write(file, wasm.heap8u().subarray(buffer, buffer + amount), Number(offset))),
      ),
    xTruncate: (pointer: number, size: bigint) =>
      onFile(pointer, ({ disk, file }) => code(disk.truncate(file, Number(size)))),
    xSync: (pointer: number) => onFile(pointer, ({ disk, file }) => code(disk.sync(file))),
    xFileSize: (pointer: number, sizePointer: number) =>
      onFile(pointer, ({ file }) => {
        wasm.poke(sizePointer, file.size, "i64");
        return OK;
      }),
    xLock: () => OK,
    xUnlock: () => OK,
    xCheckReservedLock: (_pointer: number, result: number) => {
      wasm.poke(result, 0, "i32");
      return OK;
    },
    xFileControl: () => NOT_FOUND,
    xSectorSize: () => PAGE_BYTES,
    xDeviceCharacteristics: () => POWERSAFE_OVERWRITE,
  });
  const methods = {
    xOpen: (_vfs: number, name: number, pointer: number, flags: number, outFlags: number) => {
      const path = textAt(name);
      const disk = diskOf(path);
      if (!disk || ((flags & OPEN_CREATE) === 0 && !disk.has(path))) return CANTOPEN;
      open.set(pointer, { disk, file: disk.open(path) });
      const opened = new capi.sqlite3_file(pointer);
      opened.$pMethods = io.pointer;
      opened.dispose();
      if (outFlags) wasm.poke(outFlags, flags, "i32");
      return OK;
    },
    xDelete: (_vfs: number, name: number, syncFolder: number) => {
      const path = textAt(name);
      return code(diskOf(path)?.remove(path, syncFolder !== 0));
    },
    xAccess: (_vfs: number, name: number, flags: number, result: number) => {
      const path = textAt(name);
      const isThere = diskOf(path)?.has(path) ?? false;
      wasm.poke(result, isThere || flags !== ACCESS_EXISTS ? 1 : 0, "i32");
      return OK;
    },
    xFullPathname: (_vfs: number, name: number, room: number, target: number) =>
      wasm.cstrncpy(target, name, room) < room ? OK : CANTOPEN,
    xRandomness: (_vfs: number, count: number, target: number) => {
      const bytes = wasm.heap8u().subarray(target, target + count);
      for (let index = 0; index < count; index++) bytes[index] = random();
      return count;
    },
    xSleep: () => OK,
    xCurrentTime: (_vfs: number, target: number) => {
      wasm.poke(target, 2_440_587.5, "double");
      return OK;
    },
    xGetLastError: () => OK,
  };
  const files = new capi.sqlite3_vfs();
  files.$iVersion = 1;
  files.$szOsFile = FILE_BYTES;
  files.$mxPathname = MAXIMUM_PATH_BYTES;
  // The library's types name SQLite's result codes one by one; here they are numbers.
  vfs.installVfs({ vfs: { struct: files, name: VFS_NAME, methods: methods as never } });
  return {
    sqlite3,
    mount: (name, disk) => void disks.set(name, disk),
    unmount: (name) => void disks.delete(name),
    seed: (next) => {
      random = next;
      capi.sqlite3_randomness(0, 0);
    },
  };
}
