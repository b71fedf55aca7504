import { frameInvalid } from "../errors.ts";

const WORDS =
  "options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age " +
  "allow authorization cache-control connection content-base content-encoding content-language " +
  "content-length content-location content-md5 content-range content-type date etag expect expires from " +
  "host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified location " +
  "max-forwards pragma proxy-authenticate proxy-authorization range referer retry-after server te " +
  "trailer transfer-encoding upgrade user-agent vary via warning www-authenticate method get status " +
  "200_OK version HTTP/1.1 url public set-cookie keep-alive origin";

const TEXT =
  "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505" +
  "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized" +
  "403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable" +
  "Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT" +
  "chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain," +
  "text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";

/** What SPDY/3's header compression knows before it begins (draft-mbelshe-httpbis-spdy-00, 2.6.10.1). */
export function spdyDictionary(): Uint8Array {
  // Each word has its length before it, as headers are on the wire.
  const words = WORDS.split(" ")
    .map((word) => `\0\0\0${String.fromCharCode(word.length)}${word.replace("_", " ")}`)
    .join("");
  return new TextEncoder().encode(words + TEXT);
}

const MOST_HEADERS = 32;

/**
 * Reads a header block that was inflated.
 * @throws SkerryError `STREAMS_FRAME_INVALID`
 */
export function decodeSpdyHeaders(bytes: Uint8Array): ReadonlyMap<string, string> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const number = (): number => {
    if (at + 4 > bytes.length) throw frameInvalid("a block of headers ends too soon");
    at += 4;
    return view.getUint32(at - 4);
  };
  const word = (): string => {
    const length = number();
    if (at + length > bytes.length) throw frameInvalid("a header is longer than its block");
    at += length;
    return new TextDecoder().decode(bytes.subarray(at - length, at));
  };
  const count = number();
  if (count > MOST_HEADERS) throw frameInvalid(`${count} headers`);
  const headers = new Map<string, string>();
  for (let left = count; left > 0; left--) headers.set(word(), word());
  return headers;
}
