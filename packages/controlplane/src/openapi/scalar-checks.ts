/** Whether a text is a Kubernetes quantity, e.g. `100m`, `1.5`, `64Mi`, `2e3`. */
export function isQuantityText(text: string): boolean {
  return /^[+-]?(\d+(\.\d*)?|\.\d+)(([KMGTPE]i)|[numkMGTPE]|[eE][+-]?\d+)?$/.test(text);
}
