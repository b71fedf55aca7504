/** DeviceTwin's way to the devices' clients, as EventBus gives it. */
export interface DeviceBus {
  /** Queues one publication; never blocks. A full queue drops its oldest, counted. */
  publish(topic: string, payload: string): void;
  /** Whether {@link publishOnce} has a chance now. */
  readonly isConnected: boolean;
  /**
   * Publishes to those who listen now, at most once: never queued, never repeated. Returns whether it left; then nobody
   * can say whether it arrived.
   */
  publishOnce(topic: string, payload: string): boolean;
  /**
   * Routes messages on DeviceTwin's topics to `handler`. The broker gets its acknowledgement when the promise has
   * settled, so a message whose handling was cut off comes again.
   */
  onDeviceMessage(handler: (topic: string, payload: string) => Promise<void>): Disposable;
  /** Called each time the broker has been reached (again). */
  onConnected(listener: () => void): Disposable;
}
