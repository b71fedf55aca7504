/**
 * For `generateMask` of a WebSocket within TLS: leaves the mask of zeros. Masks protect what stands between from what
 * browsers send in the clear (RFC 6455 section 10.3); XORing each byte cost a node that has no compiler 80 ms for a
 * megabyte, more than all else about it.
 */
export const zeroMask = (): void => undefined;
