/** Names of the interfaces that lead anywhere, the preferred first, from what `/proc/net/route` says. */
export function defaultInterfaces(routes: string): string[] {
  return routes
    .split("\n")
    .slice(1)
    .flatMap((route) => {
      const [name = "", destination, , , , , , mask] = route.split(/\s+/);
      return destination === "00000000" && mask === "00000000" ? [name] : [];
    });
}
