/** The part of tar-stream that is used; the package brings no types. */
declare module "tar-stream" {
  import type { Readable, Writable } from "node:stream";

  export interface Header {
    readonly name: string;
    readonly type: string | null;
    readonly size: number;
    readonly mode: number;
    readonly mtime: Date;
    readonly linkname: string | null;
  }
  export type Entry = Readable & { readonly header: Header };
  export type Extract = Writable & AsyncIterable<Entry>;
  export function extract(): Extract;
}
