/** DeviceTwin's way to the devices' clients, as EventBus gives it. */
export interface DeviceBus {
  /** Queues one publication; never blocks. A full queue drops its oldest, counted. */
  publish(topic: string, payload: string): void;
  /**
   * Routes messages on DeviceTwin's topics to `handler`. The broker gets its acknowledgement when the promise has
   * settled, so a message whose handling was cut off comes again.
   */
  onDeviceMessage(handler: (topic: string, payload: string) => Promise<void>): Disposable;
  /** Called each time the broker has been reached (again). */
  onConnected(listener: () => void): Disposable;
}
